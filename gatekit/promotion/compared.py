"""A comparison with a champion holds only as long as that champion is the holder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gatekit.policy import Policy
from gatekit.promotion.proofs import Filed
from gatekit.promotion.requirements import Claim, Requirement
from gatekit.promotion.words import plain


def against_the_holder(
    found: Iterable[Requirement], policy: Policy, claim: Claim, holder: str
) -> tuple[Requirement, ...]:
    """Take back what rests on a comparison with a version that does not hold the target now.

    A report that was made for another target was compared with that one's holder, and stays. A
    first promotion, and one of the holder itself, replace nobody.
    """
    filed = {each.run_id: each for each in claim.proofs.filed}
    kept = []
    for each in found:
        compared = _champion_for(filed.get(each.report), policy, claim.target)
        if not compared or not holder or holder in (compared, claim.version):
            kept.append(each)
            continue
        words = (
            f"{each.gate}: compared with version {plain(compared)}, version {holder} holds "
            f"'{claim.target}' now: gate again"
        )
        late = Requirement(each.gate, satisfied=False, words=words)
        if claim.override is not None and claim.names(each.gate):
            reason = f"{words} -- overridden: {plain(claim.override.reason)}"
            late = replace(late, satisfied=True, words=reason, overridden=True)
        kept.append(late)
    return tuple(kept)


def _champion_for(filed: Filed | None, policy: Policy, target: str) -> str:
    """The version that a report compared with as the holder of the target; empty if none."""
    if filed is None:
        return ""
    asked = filed.report.run.get("target") or next(iter(policy.promotion), None)
    return str(filed.report.champion.get("version") or "") if asked == target else ""
