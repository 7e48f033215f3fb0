"""Which reports count for a gate, which one decides it, and what ends a pass. Pure.

A report counts if it is about the bytes that are there now, under the promoter's policy and data,
complete in the gate, not from the future and, where the policy trusts keys, signed by one that may
attest this gate at this target. The newest that counts decides, except that a failure by timings
alone does not undo an earlier pass. A report whose whole run is void counts, and proves nothing, so
that a bad run is not forgotten over an older good one.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gatekit.decision import GateOutcome, GateResult
from gatekit.policy import Policy
from gatekit.promotion.claim import Claim
from gatekit.promotion.proofs import Filed
from gatekit.promotion.words import plain, shown_digest, shown_time
from gatekit.report.document import Report
from gatekit.verdict import Outcome

CLOCK_SKEW = timedelta(minutes=5)
TIMING_UNITS = ("ms", "1/s", "req/s", "requests/s")
_SEVERITY = (GateOutcome.PASSED, GateOutcome.OBSERVED, GateOutcome.INCONCLUSIVE, GateOutcome.FAILED)
_PASSES = _SEVERITY[:2]


def newest_that_counts(gate: str, policy: Policy, claim: Claim) -> Filed | None:
    """The report that decides a gate; of two of the same second the worse one."""
    counting = [
        filed
        for filed in claim.proofs.filed
        if why_not(filed, gate, policy, claim) == ""
        and outcome_of(filed, gate) in _SEVERITY
        and not _part_of_a_part(filed, gate)
    ]
    counting.sort(key=lambda filed: (filed.created, _badness(filed, gate)), reverse=True)
    for filed in counting:
        if not by_timings_alone(filed, gate) or not _passes_below(filed, counting, gate, policy):
            return filed
        counting = [other for other in counting if other is not filed]
    return None


def why_not(filed: Filed, gate: str, policy: Policy, claim: Claim) -> str:
    """Why the report says nothing of this claim, in words; empty if it counts."""
    report = filed.report
    if report.digest != claim.digest:
        return (
            f"is about other bytes: {shown_digest(report.digest)} was tested, "
            f"{shown_digest(claim.digest)} is there now"
        )
    if report.policy["digest"] != policy.digest:
        return (
            f"used another policy: {shown_digest(str(report.policy['digest']))}, "
            f"yours is {shown_digest(policy.digest)}"
        )
    wanted = policy.holdout.sha256 or claim.data_sha256
    if wanted and data_of(report) != wanted:
        return f"used other data: {shown_digest(data_of(report))}, yours is {shown_digest(wanted)}"
    if max(filed.created, filed.not_before or filed.created) > claim.now + CLOCK_SKEW:
        return f"is from the future: it is {shown_time(claim.now)} here"
    if policy.keys and not _may(filed, gate, claim.target):
        who = ", ".join(signer.words() for signer in filed.signers) or "nobody"
        return f"is signed by {plain(who)}, which may not attest {gate} for '{claim.target}'"
    return ""


def expires(filed: Filed, policy: Policy) -> datetime | None:
    """When a signed report ends: as it says, or earlier by the promoter's own policy."""
    if filed.not_after is None:
        return None
    return min(filed.not_after, filed.created + timedelta(days=policy.attestation.valid_days))


def expiry(filed: Filed, policy: Policy, claim: Claim) -> str:
    """That the report has expired, in words; empty if it has not."""
    end = expires(filed, policy)
    if end is None or claim.now <= end:
        return ""
    return f"its proof expired {shown_time(end)}; gate the version again"


def revocation(filed: Filed, policy: Policy, claim: Claim) -> str:
    """That a later signed run on the same model, policy and data failed, in words.

    It need not have asked the same gate. Timings alone revoke nothing, nor does a run whose signer
    may not attest the gate that failed, nor, as nothing says who made it, an unsigned one.
    """
    if not policy.keys:
        return ""
    for other in sorted(claim.proofs.filed, key=lambda each: each.created, reverse=True):
        if other is filed or other.created < filed.created:
            continue
        if data_of(other.report) != data_of(filed.report):
            continue
        for gate in _failed_gates(other):
            if why_not(other, gate, policy, claim) == "":
                run = f"run {plain(other.run_id)} of {shown_time(other.created)}"
                return f"revoked: {gate} failed in {run}, on the same model, policy and data"
    return ""


def by_timings_alone(filed: Filed, gate: str) -> bool:
    """Whether each reason why the gate did not pass is a bar on milliseconds or throughput."""
    result = filed.report.gate(gate)
    if filed.voids or result is None or not result.reasons or result.outcome in _PASSES:
        return False
    timings = {
        f"{check.estimate.name}: {check.verdict.reason}"
        for check in filed.report.checks
        if check.gate == gate
        and check.verdict is not None
        and check.verdict.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)
        and check.estimate.unit in TIMING_UNITS
    }
    others = {
        f"{check.estimate.name}: {check.verdict.reason}"
        for check in filed.report.checks
        if check.gate == gate
        and check.verdict is not None
        and check.estimate.unit not in TIMING_UNITS
    }
    return set(result.reasons) <= timings - others


def outcome_of(filed: Filed, gate: str) -> GateOutcome | None:
    """What the report says of a gate; None if it says nothing."""
    result = filed.report.gate(gate)
    return None if result is None else result.outcome


def data_of(report: Report) -> str:
    """sha256 of the data the report is about; empty if it does not say."""
    return str(report.data.get("sha256") or "")


def why_none(gate: str, policy: Policy, claim: Claim) -> str:
    """Why no report decides the gate: the newest one that would, and what is wrong with it."""
    having = [filed for filed in claim.proofs.filed if outcome_of(filed, gate) is not None]
    newest = max(having, key=lambda filed: filed.created, default=None)
    ignored = "".join(f"; {reason}" for reason in claim.proofs.ignored)
    if newest is None:
        return f"no report of version {claim.version} has it{ignored}"
    the_report = f"the report of {shown_time(newest.created)} (run {plain(newest.run_id)})"
    why = why_not(newest, gate, policy, claim)
    if why:
        return f"{the_report} {why}{ignored}"
    result = newest.report.gate(gate)
    if result is not None and not result.reasons:
        return f"{the_report} ran a chosen part of the tests, which proves nothing{ignored}"
    reasons = "; ".join(result.reasons) if result is not None else ""
    return plain(f"{the_report} is INCOMPLETE in it: {reasons}{ignored}")


def _may(filed: Filed, gate: str, target: str) -> bool:
    return any(
        signer.may("attest", filed.created, gate=gate, target=target) for signer in filed.signers
    )


def _passes_below(failed: Filed, counting: list[Filed], gate: str, policy: Policy) -> bool:
    """Whether an earlier report on the same data is a pass of the gate that has not expired."""
    return any(
        other.created < failed.created
        and outcome_of(other, gate) in _PASSES
        and not other.voids
        and not other.report.loosened(gate)
        and data_of(other.report) == data_of(failed.report)
        and ((end := expires(other, policy)) is None or failed.created <= end)
        for other in counting
    )


def _failed_gates(filed: Filed) -> list[str]:
    """The gates by which a run revokes what was before; a void run does by all that it asked."""
    gates: tuple[GateResult, ...] = filed.report.gates
    if filed.voids:
        return [result.gate for result in gates]
    failed = [result.gate for result in gates if result.outcome is GateOutcome.FAILED]
    return [gate for gate in failed if not by_timings_alone(filed, gate)]


def _part_of_a_part(filed: Filed, gate: str) -> bool:
    """A run of chosen tests proves nothing by the gates it passed, unless it is a whole pass."""
    passed = outcome_of(filed, gate) in _PASSES
    whole = filed.report.outcome is GateOutcome.PASSED or not filed.report.run.get("narrowed")
    return passed and not (whole and filed.report.outcome is not GateOutcome.INCOMPLETE)


def _badness(filed: Filed, gate: str) -> int:
    outcome = outcome_of(filed, gate)
    return len(_SEVERITY) if filed.voids or outcome is None else _SEVERITY.index(outcome)
