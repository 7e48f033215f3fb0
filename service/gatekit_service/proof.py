"""Which gate report speaks for the bytes a version has, by the tags on the version."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gatekit.errors import GatekitError, NotFound, RegistryUnavailable
from gatekit.registry import ModelVersion, Registry
from gatekit.report.document import JSON_FILE, TAG_PREFIX, Report
from gatekit.times import iso
from gatekit_service.state import Proof

if TYPE_CHECKING:
    from gatekit_service.trusting import Trusted


def reports(version: ModelVersion) -> list[tuple[str, dict[str, Any]]]:
    """Run id and summary of every gate report the version's tags name, newest first."""
    found = []
    for key, text in version.tags.items():
        if key.startswith(TAG_PREFIX):
            try:
                summary = json.loads(text)
                found.append((summary["created"], key.removeprefix(TAG_PREFIX), summary))
            except (ValueError, KeyError, TypeError):
                continue  # anyone may write a tag; one that is no summary names no report
    return [(run, summary) for _, run, summary in sorted(found, key=lambda f: f[:2], reverse=True)]


def find_proof(
    version: ModelVersion, digest: str, registry: Registry, trusted: Trusted | None = None
) -> Proof:
    """The newest report about these bytes, read whole and checked against its tag.

    Where keys are trusted, the newest that one of them has signed and may attest for this pointer.

    Raises:
        RegistryUnavailable: the registry did not answer; nothing is known.
    """
    known = reports(version)
    if not known:
        return Proof(none=f"version {version.version} was never gated")
    about = [(run, summary) for run, summary in known if summary.get("digest") == digest]
    if not about:
        return Proof(
            none="other bytes were gated than those that are served: the version's files "
            "have been changed since its newest report"
        )
    if trusted is not None and trusted.judge.trust:
        tags = {TAG_PREFIX + run: version.tags[TAG_PREFIX + run] for run, _ in about}
        return _signed(replace(version, tags=tags), digest, registry, trusted)
    run, summary = about[0]
    try:
        report = _read(run, summary, registry)
    except GatekitError as error:
        if isinstance(error, RegistryUnavailable):
            raise
        return Proof(none=error.message)
    return _of(report, run)


def _signed(version: ModelVersion, digest: str, registry: Registry, trusted: Trusted) -> Proof:
    from gatekit.promotion.counting import expires
    from gatekit.promotion.proofs import read_proofs

    found = read_proofs(registry, version, trusted.judge.trust)
    counting = [
        filed
        for filed in found.filed
        if filed.report.digest == digest
        and any(s.may("attest", filed.created, target=trusted.target) for s in filed.signers)
    ]
    if not counting:
        why = found.ignored[0] if found.ignored else "its signer may not attest for this pointer"
        return Proof(none=f"no report about these bytes counts by the keys of the policy: {why}")
    newest = max(counting, key=lambda filed: filed.created)
    end = expires(newest, trusted.policy)
    return _of(newest.report, newest.run_id, iso(end) if end else "")


def _of(report: Report, run: str, expires: str = "") -> Proof:
    told = report.run
    held = told.get("golden")
    return Proof(
        report=run,
        outcome=str(report.outcome),
        created=str(told.get("created", "")),
        engine=str(told.get("engine", "")),
        expires=expires,
        form=str(told.get("compiled", "")),
        golden=held if isinstance(held, dict) and "none" not in held else None,
    )


def _read(run: str, summary: dict[str, Any], registry: Registry) -> Report:
    try:
        raw = registry.read(run, JSON_FILE)
    except NotFound as error:
        raise GatekitError(f"the report {run} that a tag names is gone") from error
    if hashlib.sha256(raw).hexdigest() != summary.get("sha256"):
        raise GatekitError(f"the report {run} is not the one its tag describes")
    report = Report.from_json(raw)
    if report.digest != summary["digest"]:
        raise GatekitError(f"the report {run} is about other bytes than its tag says")
    return report
