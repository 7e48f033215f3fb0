"""`gatekit rollback --now`: as little as can be asked, and as safe as any other move."""

import itertools

import pytest

from gatekit.errors import RegistryUnavailable
from gatekit.promotion.protocol import settle
from gatekit.promotion.reverify import reconcile
from gatekit.promotion.rollback import RollbackRequest, rollback

from .conftest import World, make_policy
from .office import KEYS, NAME, Office, refused
from .simulated import Actor, Log


@pytest.fixture
def office(world):
    return Office(world)


class Counting:
    """Counts the verbs that a registry is asked."""

    def __init__(self, registry):
        self._registry, self.calls = registry, []

    def __getattr__(self, name):
        self.calls.append(name)
        return getattr(self._registry, name)


@pytest.mark.parametrize("gap", [False, True])
def test_at_once_asks_for_a_look_the_bytes_an_entry_and_a_move(office, gap):
    old, new = office.world.add(), office.world.add()
    office.promote(old)
    office.promote(new)
    w = office.world
    counting = Counting(w.registry)
    if gap:  # an entry that came between, about something else
        w.registry.before = lambda verb: (
            setattr(w.registry, "before", lambda verb: None),
            w.registry.append("churn-model.journal", {"kind": "done", "target": "production"}),
        )
    done = rollback(
        RollbackRequest(NAME, "staging", "ana", reason="it weeps", now=True),
        *(counting, w.policy, w.clock),
        signer=KEYS["ci"],
        loads=lambda folder: pytest.fail("loaded"),
    )
    assert counting.calls == ["look", "fetch", "append", *["entries"] * gap, "displace"]
    assert (done.version, w.holder()) == (old, old)
    assert "UNFINISHED" in office.status()
    assert "finished entry" in reconcile(office.desk())[0]
    assert w.settled()


def test_at_once_checks_the_bytes_and_loses_a_race_in_words(office):
    old, new, third = (office.world.add() for _ in range(3))
    office.promote(old)
    office.promote(new)
    w = office.world
    w.registry.before = lambda verb: (
        setattr(w.registry, "before", lambda verb: None),
        office.promote(third),
    )
    assert "lost to #5: ana gave 'staging' to version 3" in refused(office.rollback, now=True)
    assert w.holder() == third
    for version in (old, new):
        w.registry.overwrite(NAME, version, {"MLmodel": b"evil"})
    assert "has other bytes" in refused(office.rollback, now=True)
    assert w.holder() == third


def test_at_once_gives_way_to_who_came_after_it(office):
    old, new, third = (office.world.add() for _ in range(3))
    office.promote(old)
    office.promote(new)
    w = office.world

    def another(verb):
        if verb == "move":
            w.registry.before = lambda verb: None
            office.promote(third)

    w.registry.before = another
    (note,) = office.rollback(now=True).notes
    assert "it took effect, and was followed at once by #7 by ana, version 3" in note
    assert w.holder() == third
    assert w.settled()


def test_at_once_in_an_outage_says_what_is_open(office):
    old, new = office.world.add(), office.world.add()
    office.promote(old)
    office.promote(new)
    w = office.world

    def fails(verb):
        if verb == "move":
            w.registry.before = lambda verb: None
            raise RegistryUnavailable("the registry does not answer")

    w.registry.before = fails
    with pytest.raises(RegistryUnavailable, match="What may be left open is entry #5"):
        office.rollback(now=True)
    assert w.holder() == new
    assert "finished entry #5" in reconcile(office.desk())[0]
    assert w.holder() == old
    assert w.settled()


def test_at_once_over_a_promotion_that_never_arrived(office):
    old, new, third = (office.world.add() for _ in range(3))
    office.promote(old)
    office.promote(new)

    def crash(verb):
        if verb == "move":
            raise KeyboardInterrupt

    office.world.registry.before = crash
    with pytest.raises(KeyboardInterrupt):
        office.promote(third)
    office.world.registry.before = lambda verb: None
    assert office.rollback(now=True).version == old
    reconcile(office.desk())
    assert office.world.settled()


def two_holders():
    """A simulated registry where version 2 holds the stage after version 1; 3 has its proof."""
    log = Log()
    world = World(policy=make_policy("stage"), registry=log)
    for _ in range(3):
        world.add()
    world.promote("1")
    world.promote("2")
    log.wrote()
    return log, world


def acting(log, policy, now, act):
    """Somebody who does that on the simulated registry, call by call."""
    return Actor(log, lambda registry: act(World(policy=policy, registry=registry, now=now)))


def test_at_once_beside_a_promotion_leaves_one_in_the_stage():
    """Each stops after each of its calls while the other goes on to its end."""
    for late, early in itertools.product(range(2, 10), range(0, 20, 4)):
        log, world = two_holders()
        back = acting(log, world.policy, world.now, lambda w: w.rollback(by="ben", now=True))
        other = acting(log, world.policy, world.now, lambda w: w.promote("3", by="cleo"))
        for actor, calls in ((back, late), (other, early)):
            for _ in range(calls):
                if not actor.over:
                    actor.step()
        for actor in (back, other):
            if not actor.over:
                actor.finish()
        settle(world.desk)
        assert world.settled(), (late, early)
        assert log.in_stage(NAME, "Staging") == [world.holder()], (late, early)


def test_at_once_is_late_and_leaves_the_stage_to_who_came_after_it():
    log, world = two_holders()
    late = acting(log, world.policy, world.now, lambda w: w.rollback(by="ben", now=True))
    while world.journal.head.kind != "rollback":
        late.step()
    acting(log, world.policy, world.now, lambda w: w.promote("3", by="cleo")).finish()
    late.finish()
    assert log.in_stage(NAME, "Staging") == ["3"]
    assert world.settled()
