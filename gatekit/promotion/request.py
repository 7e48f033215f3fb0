"""Asking for an override that another person has to approve."""

from __future__ import annotations

from gatekit.attest.keys import PrivateKey
from gatekit.errors import PromotionRefused, UsageProblem
from gatekit.policy import Policy
from gatekit.promotion.approval import Wish, sign_request
from gatekit.promotion.desk import Desk
from gatekit.promotion.promote import (
    PromotionRequest,
    check_policy,
    check_reason,
    find_version,
)
from gatekit.promotion.words import listed
from gatekit.registry import Registry
from gatekit.times import Clock, iso, utc_now


def request_override(
    ask: PromotionRequest,
    registry: Registry,
    policy: Policy,
    signer: PrivateKey | None,
    clock: Clock = utc_now,
) -> tuple[bytes, list[str]]:
    """The request for the override that `ask` names, signed, and what it says in lines.

    Raises:
        UsageProblem: no override, no such version or target.
        PromotionRefused: the policy allows no such override, or the key at hand counts for nothing.
    """
    check_policy(policy, ask.name, ask.target)
    if ask.override is None:
        raise UsageProblem("a request without an override", "Give --override REASON and --gate G")
    check_reason(ask.override.reason)
    what = f"{ask.name} version {ask.version}: no request for '{ask.target}'"
    desk = Desk.of(registry, policy, ask.by, clock, signer)
    allowed = policy.target(ask.target).override
    if not_allowed := [gate for gate in ask.override.gates if gate not in allowed]:
        words = f"the policy does not allow overriding {listed(not_allowed)} there"
        raise PromotionRefused(what, (words,), f"It allows {listed(allowed) or 'nothing'}")
    if signer is None or signer.public.keyid not in [k.keyid for _, _, k in desk.judge.trust.known]:
        raise PromotionRefused(
            what, ("a request is signed by a key that the policy trusts, and none is at hand",)
        )
    version = find_version(registry, ask.name, ask.version)
    wish = Wish(
        name=ask.name,
        version=version.version,
        digest=desk.digest(version.version),
        target=ask.target,
        gates=ask.override.gates,
        reason=ask.override.reason,
        expires=iso(ask.override.expires),
        by=ask.by,
        at=iso(clock()),
        requester=signer.public.keyid,
    )
    return sign_request(wish, signer), wish.lines()
