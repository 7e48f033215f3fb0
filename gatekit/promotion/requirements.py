"""What a target asks of a version, and whether it is there. Pure: reports in, words out.

Each gate is judged by the newest report that counts (`gatekit.promotion.counting`), and a pass
holds until it expires or a later signed run finds the same model wanting.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gatekit.decision import GateOutcome
from gatekit.policy import Policy
from gatekit.policy_gates import SERVICE_GATES
from gatekit.promotion.claim import Claim, Override
from gatekit.promotion.counting import (
    expiry,
    newest_that_counts,
    outcome_of,
    revocation,
    why_none,
    why_not,
)
from gatekit.promotion.journal import Entry
from gatekit.promotion.proofs import Filed
from gatekit.promotion.trusted import revoked_words
from gatekit.promotion.words import listed, plain, shown_digest, shown_time
from gatekit.times import parse_moment
from gatekit.verdict import Outcome

LADDER = "ladder"

__all__ = ["Claim", "Override", "Requirement", "expired", "reports_relied_on", "requirements"]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that is asked; `report` is the run that proves it, if one does."""

    gate: str
    satisfied: bool
    words: str
    report: str = ""
    overridden: bool = False


def requirements(policy: Policy, claim: Claim) -> list[Requirement]:
    """Everything that the target asks of the claim; it may move if all are satisfied.

    Raises:
        PolicyError: the policy knows no such target.
    """
    target = policy.target(claim.target)
    required = required_gates(policy, claim.target)
    found = [_overridden_or(_judge(gate, policy, claim), claim) for gate in required]
    found += [_overridden_or(each, claim) for each in _run_with_it(policy, claim)]
    if target.from_ is not None:
        found.append(_overridden_or(_ladder(target.from_, claim), claim))
    if claim.names(LADDER) and target.from_ is not None:
        found = [_skipped_with_ladder(each, policy, claim) for each in found]
    return found + _revocations(claim) + _override_problems(policy, claim)


def required_gates(policy: Policy, target: str) -> tuple[str, ...]:
    """The gates of a target and of every target below it, lowest first, each once."""
    rungs: list[str] = []
    rung: str | None = target
    while rung is not None and rung not in rungs:
        rungs.append(rung)
        rung = policy.target(rung).from_
    gates = [gate for name in reversed(rungs) for gate in policy.target(name).requires]
    return tuple(dict.fromkeys(gates))


def reports_relied_on(found: Iterable[Requirement]) -> tuple[str, ...]:
    """The runs that prove something here, each once."""
    return tuple(dict.fromkeys(each.report for each in found if each.report))


def _judge(gate: str, policy: Policy, claim: Claim) -> Requirement:
    filed = newest_that_counts(gate, policy, claim)
    if filed is None:
        return Requirement(gate, satisfied=False, words=f"{gate}: {why_none(gate, policy, claim)}")
    run = f"run {plain(filed.run_id)} of {shown_time(filed.created)}"
    against = _against(gate, filed, policy, claim)
    if against:
        return Requirement(gate, satisfied=False, words=f"{gate}: {against} ({run})")
    verb = "observed" if outcome_of(filed, gate) is GateOutcome.OBSERVED else "passed"
    return Requirement(gate, satisfied=True, words=f"{gate}: {verb} in {run}", report=filed.run_id)


def _against(gate: str, filed: Filed, policy: Policy, claim: Claim) -> str:
    """What speaks against taking the report as proof of a gate; empty if nothing does."""
    result = filed.report.gate(gate)
    if filed.voids:
        return f"the whole run counts for nothing: {plain('; '.join(filed.voids))}"
    if result is None or result.outcome in (GateOutcome.FAILED, GateOutcome.INCONCLUSIVE):
        reasons = () if result is None else result.reasons
        return plain(f"{'' if result is None else result.outcome}: {'; '.join(reasons)}")
    if result.outcome is GateOutcome.OBSERVED and policy.table(gate).mode != "observe":
        return "only observed, and the policy enforces it"
    if loosened := filed.report.loosened(gate):
        return f"passed a bar that was lowered by hand: {plain('; '.join(loosened))}"
    first = policy.target(claim.target).first_promotion
    if first == "refuse" and _had_no_champion(gate, filed):
        return "there was no champion to compare with, and first_promotion is 'refuse'"
    return expiry(filed, policy, claim) or revocation(filed, policy, claim)


def _had_no_champion(gate: str, filed: Filed) -> bool:
    return any(
        check.gate == gate
        and check.verdict is not None
        and check.verdict.outcome is Outcome.NO_CHAMPION
        for check in filed.report.checks
    )


def _run_with_it(policy: Policy, claim: Claim) -> list[Requirement]:
    """Gates that nobody asked for but that were run, and did not pass, block as well.

    Not the gates of a running service: a target that does not ask for them stands before them.
    """
    required = required_gates(policy, claim.target)
    run = {g.gate for filed in claim.proofs.filed for g in filed.report.gates}
    found = []
    for gate in sorted(run - {*required, *SERVICE_GATES}):
        filed = newest_that_counts(gate, policy, claim)
        if filed is None or outcome_of(filed, gate) not in (
            GateOutcome.FAILED,
            GateOutcome.INCONCLUSIVE,
        ):
            continue
        found.append(_judge(gate, policy, claim))
    return found


def _ladder(below: str, claim: Claim) -> Requirement:
    held = [e for e in claim.journal.effective(below) if e.version == claim.version]
    same = [e for e in held if e.digest == claim.digest and claim.judge.trusts(e, claim.journal)]
    valid = [e for e in same if not expired(e, claim.now)]
    if valid:
        words = f"{LADDER}: version {claim.version} held '{below}' (entry #{valid[0].number})"
        return Requirement(LADDER, satisfied=True, words=words)
    if same:
        why = f"held '{below}' by an override only, which expired {shown_time(same[0].expires)}"
    elif any(e.digest == claim.digest for e in held):
        why = f"held '{below}' by an entry that no trusted key has signed"
    elif held:
        why = f"held '{below}' with other bytes: {shown_digest(held[0].digest)}"
    else:
        why = f"never held '{below}'"
    return Requirement(LADDER, satisfied=False, words=f"{LADDER}: version {claim.version} {why}")


def _revocations(claim: Claim) -> list[Requirement]:
    """A revocation of these bytes, which no override sets aside."""
    entry = claim.judge.revocation(claim.digest, claim.journal, claim.target)
    if entry is None:
        return []
    words = f"revoke: {shown_digest(claim.digest)} is {revoked_words(entry)}"
    return [Requirement("revoke", satisfied=False, words=words)]


def expired(entry: Entry, now: datetime) -> bool:
    """Whether an entry rests on an override whose time is over."""
    if not entry.overridden and entry.kind != "override":
        return False
    expires = parse_moment(entry.expires)
    return expires is None or expires <= now


def _overridden_or(found: Requirement, claim: Claim) -> Requirement:
    if found.satisfied or claim.override is None or not claim.names(found.gate):
        return found
    words = f"{found.words} -- overridden: {plain(claim.override.reason)}"
    return Requirement(found.gate, satisfied=True, words=words, overridden=True)


def _skipped_with_ladder(found: Requirement, policy: Policy, claim: Claim) -> Requirement:
    """Without the rung below there is no service to measure; what was measured still counts."""
    if found.satisfied or found.gate not in SERVICE_GATES:
        return found
    if newest_that_counts(found.gate, policy, claim) is not None:
        return found
    words = f"{found.words} -- skipped with the {LADDER}"
    return Requirement(found.gate, satisfied=True, words=words, overridden=True)


def _override_problems(policy: Policy, claim: Claim) -> list[Requirement]:
    """What is wrong with the override itself."""
    if claim.override is None:
        return []
    target, problems = policy.target(claim.target), _found_since(policy, claim)
    if claim.override.expires <= claim.now:
        problems.append(f"the override expired {shown_time(claim.override.expires)}")
    allowed = f"for '{claim.target}'; it allows {listed(target.override) or 'nothing'}"
    problems += [
        f"the policy does not allow overriding {plain(gate)!r} {allowed}"
        for gate in claim.override.gates
        if gate not in target.override
    ]
    if not claim.override.gates:
        problems.append("the override names no gate")
    return [Requirement("override", satisfied=False, words=words) for words in problems]


def _found_since(policy: Policy, claim: Claim) -> list[str]:
    """Runs that did not pass, and that nobody knew of who approved the override."""
    return [
        f"run {plain(filed.run_id)} of {shown_time(filed.created)} is {filed.report.outcome}, and "
        f"the override was asked for before, at {shown_time(claim.asked)}: ask again"
        for filed in claim.proofs.filed
        if claim.asked is not None
        and filed.created > claim.asked
        and filed.report.outcome in (GateOutcome.FAILED, GateOutcome.INCONCLUSIVE)
        and any(why_not(filed, each.gate, policy, claim) == "" for each in filed.report.gates)
    ]
