"""Taking a version's bytes back: no target accepts them any more, and nothing moves by itself."""

from __future__ import annotations

from gatekit.attest.keys import PrivateKey
from gatekit.errors import UsageProblem
from gatekit.policy import Policy
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Entry
from gatekit.promotion.promote import check_policy, check_reason, find_version
from gatekit.promotion.words import plain, shown_digest
from gatekit.registry import Registry
from gatekit.times import Clock, utc_now


def revoke(
    asked: tuple[str, str, str, str],
    registry: Registry,
    policy: Policy,
    clock: Clock = utc_now,
    signer: PrivateKey | None = None,
) -> list[str]:
    """Revoke the bytes of a version; `asked` is (model, version, reason, by). Says what it did.

    Raises:
        UsageProblem: no such version, or no reason.
        PromotionRefused: the policy trusts keys, and the one at hand may not revoke.
    """
    name, version, reason, by = asked
    check_policy(policy, name)
    check_reason(reason)
    if not reason.strip():
        raise UsageProblem("a revocation without a reason", "Say why, for whoever reads it later")
    desk = Desk.of(registry, policy, by, clock, signer)
    desk.require_signer("revoke", "", f"{name} version {version} is not revoked")
    found = find_version(registry, name, version)
    digest = desk.digest(found.version)
    journal = desk.journal()
    targets = dict.fromkeys((*policy.promotion, *journal.targets))
    found_at = [desk.judge.revocation(digest, journal, target) for target in targets]
    known = next(iter(found_at), None)
    if known is not None and None not in found_at:
        return [f"{name} version {version} is revoked already (entry #{known.number})"]
    entry = desk.append(
        Entry(kind="revoke", version=found.version, digest=digest, reason=reason), journal
    )
    held = [plain(target) for target in targets if desk.holder(target) == version]
    what = f"{name} version {version} ({shown_digest(digest)})"
    return [
        f"{what} is revoked (entry #{entry.number})",
        *(f"  it still holds '{t}': gatekit rollback {name} --stage {t}" for t in held),
    ]
