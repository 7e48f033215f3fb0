"""People with keys who promote, go back and revoke, and one whom nobody trusts."""

from dataclasses import replace

import pytest

from gatekit.attest.keys import generate
from gatekit.errors import PromotionRefused
from gatekit.policy import TrustedKey
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Entry
from gatekit.promotion.promote import PromotionRequest, promote
from gatekit.promotion.request import request_override
from gatekit.promotion.revoke import revoke
from gatekit.promotion.rollback import RollbackRequest, rollback
from gatekit.promotion.status import status_lines

NAME = "churn-model"
FAILED = {"accuracy": "FAILED", "latency": "PASSED"}
KEYS = {who: generate("p256" if who == "boss" else "ed25519") for who in ("ci", "boss", "mallory")}
ROLES = {"ci": ("attest", "promote"), "boss": ("override", "revoke", "promote")}


class Office:
    """A world whose policy trusts two keys; `mallory` is none of them."""

    def __init__(self, world, **staging):
        self.world = world
        target = replace(world.policy.promotion["staging"], **staging)
        known = {
            who: TrustedKey(public=KEYS[who].public.pem, roles=roles)
            for who, roles in ROLES.items()
        }
        world.policy = replace(
            world.policy, keys=known, promotion={**world.policy.promotion, "staging": target}
        )
        world.attester = KEYS["ci"]

    def promote(self, version, key="ci", target="staging", **ask):
        self.world.later(seconds=1)
        request = PromotionRequest(NAME, version, target, "ana", **ask)
        w = self.world
        return promote(request, w.registry, w.policy, w.clock, KEYS.get(key))

    def rollback(self, key="ci", loads=None, **ask):
        self.world.later(seconds=1)
        w = self.world
        return rollback(
            RollbackRequest(NAME, "staging", "ana", **ask),
            *(w.registry, w.policy, w.clock),
            signer=KEYS.get(key),
            loads=loads,
        )

    def revoke(self, version, key="boss", reason="trained on leaked rows"):
        self.world.later(seconds=1)
        w = self.world
        asked = (NAME, version, reason, "rosa")
        return revoke(asked, w.registry, w.policy, w.clock, KEYS.get(key))

    def desk(self, key="ci"):
        w = self.world
        return Desk.of(w.registry, w.policy, "ana", w.clock, KEYS.get(key))

    def forge(self, **fields):
        """Write an entry past gatekit, as whoever may write to the registry can."""
        journal = self.world.journal
        current = journal.in_effect("staging")
        entry = Entry(
            kind="promote",
            target="staging",
            expects=current.number if current else 0,
            by="ana",
            at=self.world.now.isoformat(),
            **fields,
        )
        return self.desk("").append(entry, journal)

    def status(self):
        lines = status_lines(self.world.registry, self.world.policy, NAME, self.world.clock)
        assert all(len(line) <= 80 and line.isascii() for line in lines)
        return " ".join(" ".join(lines).split())

    def request(self, version, *gates, key="ci"):
        w = self.world
        ask = PromotionRequest(NAME, version, "staging", "ana", w.override(*gates))
        return request_override(ask, w.registry, w.policy, KEYS[key], w.clock)[0], ask.override


def refused(call, *args, **named):
    with pytest.raises(PromotionRefused) as caught:
        call(*args, **named)
    return str(caught.value)


def narrowed(office, **narrow):
    keys = dict(office.world.policy.keys)
    keys["boss"] = replace(keys["boss"], **narrow)
    office.world.policy = replace(office.world.policy, keys=keys)
