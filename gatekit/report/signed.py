"""Signing a finished report: two statements, each in an envelope of its own."""

from __future__ import annotations

from datetime import timedelta

from gatekit.attest.envelope import sign
from gatekit.attest.keys import PrivateKey
from gatekit.attest.statement import gate_run_statement
from gatekit.attest.testresult import test_result_statement
from gatekit.policy import Policy
from gatekit.report.document import Report
from gatekit.times import parse_moment

STATEMENT_FILE = "gatekit-statement.dsse.json"
TEST_RESULT_FILE = "gatekit-test-result.dsse.json"
ENVELOPE_FILES = (STATEMENT_FILE, TEST_RESULT_FILE)
SECRETS_WALL = "secrets: "  # how the wall that keeps the key from the model is named


def signed_files(report: Report, key: PrivateKey, valid_days: int) -> dict[str, bytes]:
    """Both envelopes by file name; they hold from when the run was made, for so many days."""
    document = report.document()
    created = parse_moment(str(report.run["created"]))
    if created is None:
        raise ValueError("a report that does not say when it was made")
    until = created + timedelta(days=valid_days)
    return {
        STATEMENT_FILE: sign(gate_run_statement(document, created, until), key),
        TEST_RESULT_FILE: sign(test_result_statement(document), key),
    }


def why_unsigned(
    policy: Policy, key: PrivateKey | None, walls: tuple[str, ...] | None, lost: str = ""
) -> str:
    """Why a run is not signed, in words; empty if it may be, or if nobody asks for it.

    `walls` are those around the model in this run, None where nobody knows of any; `lost` names a
    process that met models and is gone.
    """
    settings = policy.attestation
    if key is None:
        if not policy.keys:
            return ""
        return (
            f"not signed: no key in ${settings.key_env}, and this policy promotes only what a "
            "trusted key has signed"
        )
    if unwalled(walls) and not settings.accept_unwalled and lost:
        return f"not signed: {lost} was lost, and nobody knows what stood around its models"
    if unwalled(walls) and not settings.accept_unwalled:
        return (
            "not signed: no wall kept the signing key from the model; build it, or say in "
            "[attestation] accept_unwalled why that is accepted"
        )
    return ""


def unwalled(walls: tuple[str, ...] | None) -> bool:
    """Whether it is known that the model could have reached the key."""
    return walls is not None and not any(wall.startswith(SECRETS_WALL) for wall in walls)
