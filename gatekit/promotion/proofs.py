"""The reports that a version carries: found by its tags.

Where a policy trusts keys, a report is what a trusted key has signed, read from the very bytes that
were verified; the file beside it is not looked at. Where it trusts none, a report is taken as it
lies there, by the sha256 in its tag.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from gatekit.attest.envelope import parse
from gatekit.attest.statement import GATE_RUN, Statement, read_statement
from gatekit.attest.trust import Signer, Trust
from gatekit.errors import EnvelopeProblem, GatekitError, NotFound
from gatekit.promotion.words import plain
from gatekit.registry import ModelVersion, Registry
from gatekit.report.document import JSON_FILE, TAG_PREFIX, Report
from gatekit.report.signed import STATEMENT_FILE
from gatekit.times import parse_moment

Step = Literal["statements", "signature", "role", "subject"]
STEPS: tuple[Step, ...] = ("statements", "signature", "role", "subject")
UNSIGNED = Trust()


@dataclass(frozen=True, slots=True)
class Filed:
    """A report as it was filed with its version, unchanged since.

    `signers` are the trusted keys that may attest and have signed it, and the times are those
    between which the statement holds; empty and None where the policy trusts no keys.
    """

    run_id: str
    created: datetime
    report: Report
    signers: tuple[Signer, ...] = ()
    not_before: datetime | None = None
    not_after: datetime | None = None

    @property
    def voids(self) -> tuple[str, ...]:
        """Why the whole run counts for nothing, if it does."""
        return tuple(map(str, self.report.run.get("voids", ())))


@dataclass(frozen=True, slots=True)
class Proofs:
    """The reports of a version, and why others of it are ignored, in words.

    `stopped` says for each of `ignored` at which step it was.
    """

    filed: tuple[Filed, ...] = ()
    ignored: tuple[str, ...] = ()
    stopped: tuple[Step, ...] = ()


class _Ignored(Exception):
    """Why a report cannot be used."""

    def __init__(self, words: str, step: Step = "statements") -> None:
        super().__init__(words)
        self.step = step


def read_proofs(registry: Registry, version: ModelVersion, trust: Trust = UNSIGNED) -> Proofs:
    """All reports that the tags of `version` name, as far as `trust` lets them count.

    Raises:
        RegistryUnavailable: nothing is known then; this is not the same as no reports.
    """
    filed: list[Filed] = []
    ignored: list[str] = []
    stopped: list[Step] = []
    for key in sorted(version.tags):
        if not key.startswith(TAG_PREFIX):
            continue
        run_id, tag = key.removeprefix(TAG_PREFIX), version.tags[key]
        try:
            one = _signed(registry, run_id, tag, trust) if trust else _plain(registry, run_id, tag)
            filed.append(one)
        except _Ignored as reason:
            ignored.append(f"the report of run {plain(run_id)} is ignored: {reason}")
            stopped.append(reason.step)
    return Proofs(tuple(filed), tuple(ignored), tuple(stopped))


def _plain(registry: Registry, run_id: str, tag: str) -> Filed:
    raw = _file(registry, run_id, JSON_FILE, _expected(tag, "sha256"))
    try:
        report = Report.from_json(raw)
    except GatekitError as error:
        raise _Ignored(f"it cannot be read ({plain(str(error))})") from None
    return Filed(run_id, _created(report), report)


def _signed(registry: Registry, run_id: str, tag: str, trust: Trust) -> Filed:
    """The report in a signed statement.

    A statement counts if a trusted key that may attest has signed it, if its predicate is a whole
    report, and if its only subject is the model the report speaks of.
    """
    expected = _expected(tag, "statement", "it is not signed, and the policy trusts keys only")
    raw = _file(registry, run_id, STATEMENT_FILE, expected)
    try:
        envelope = parse(raw)
    except EnvelopeProblem as error:
        raise _Ignored(f"it is {plain(str(error))}", "signature") from None
    if not trust.signers(envelope):
        raise _Ignored("no key that the policy trusts has signed it", "signature")
    try:
        statement = read_statement(envelope.payload, GATE_RUN)
        report = Report.from_document(statement.predicate)
        not_before, not_after = _moment(statement, "notBefore"), _moment(statement, "notAfter")
    except GatekitError as error:
        raise _Ignored(f"it cannot be read ({plain(str(error))})", "subject") from None
    created = _created(report)
    signers = tuple(s for s in trust.signers(envelope) if s.may("attest", created))
    if not signers:
        raise _Ignored(plain(trust.why_not(envelope, "attest", created)), "role")
    if [digest for _, digest in statement.digests] != [report.digest]:
        raise _Ignored("its subject is another model than its report's", "subject")
    return Filed(run_id, created, report, signers, not_before, not_after)


def _expected(tag: str, key: str, missing: str = "its tag cannot be read") -> str:
    """The sha256 that the tag of a report gives for one of its files."""
    try:
        summary = json.loads(tag)
        if not isinstance(summary, dict):
            raise TypeError(tag)
    except (ValueError, TypeError, RecursionError):
        raise _Ignored("its tag cannot be read") from None
    if not summary.get(key):
        raise _Ignored(missing, "signature" if key == "statement" else "statements")
    return str(summary[key])


def _file(registry: Registry, run_id: str, name: str, expected: str) -> bytes:
    try:
        raw = registry.read(run_id, name)
    except NotFound:
        what = "report" if name == JSON_FILE else "statement"
        raise _Ignored(f"the run has no such {what} any more") from None
    if hashlib.sha256(raw).hexdigest() != expected:
        raise _Ignored("it was changed after it was filed")
    return raw


def _created(report: Report) -> datetime:
    try:
        created = parse_moment(str(report.run["created"]))
        str(report.policy["digest"]), str(report.digest), list(report.policy["changes"])
        dict(report.data)
    except (KeyError, TypeError, ValueError) as error:
        raise _Ignored(f"it cannot be read ({plain(str(error))})") from None
    if created is None:
        raise _Ignored("it does not say when it was made")
    return created


def _moment(statement: Statement, key: str) -> datetime:
    said: Any = statement.predicate.get(key)
    moment = parse_moment(said) if isinstance(said, str) else None
    if moment is None:
        raise EnvelopeProblem(f"its predicate has no time {key}")
    return moment
