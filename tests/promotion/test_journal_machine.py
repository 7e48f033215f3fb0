"""Three promoters, one registry call at a time, in any order, with any failure, by Hypothesis.

`GATEKIT_EXAMPLES=5000` for a long run; 60 by default.
"""

import os
import re

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gatekit.errors import PromotionRefused, RegistryError
from gatekit.promotion.journal import Journal, journal_name
from gatekit.promotion.protocol import settle

from .conftest import NAME, World, make_policy
from .simulated import Actor, Died, Log

EXAMPLES = int(os.environ.get("GATEKIT_EXAMPLES", "60"))
PEOPLE = ("ana", "ben", "cleo")
VERSIONS = ("1", "2", "3", "4")
OPEN = re.compile("is still open|was followed at once by")  # what goes back at once closes nothing
FAULTS = ("down", "lost", "dies before", "dies after")


def in_effect(entries):
    """Who holds `staging` by these entries, replayed a second time and with other code."""
    state = [(0, "")]  # of those in effect, one on another
    done, open_of = set(), {}
    for number, kept in entries:
        kind = kept["kind"]
        if kind in ("promote", "override", "rollback"):
            if int(kept.get("expects", "0")) == state[-1][0]:
                state.append((number, kept["version"]))
                open_of[number] = len(state)
        elif kind == "done" and int(kept["of"]) in open_of:
            done.add(int(kept["of"]))
        elif kind == "aborted" and int(kept["of"]) == state[-1][0] not in done:
            state.pop()
    return state[-1]


class Promoters(RuleBasedStateMachine):
    pointer = "alias"

    @initialize()
    def begin(self):
        self.log = Log()
        self.world = World(policy=make_policy(self.pointer), registry=self.log)
        for _ in VERSIONS:
            self.world.add()
        self.world.promote("1")
        self.world.promote("2")
        self.log.wrote()
        self.actors, self.ended, self.by_hand, self.spoilt = {}, [], False, set()

    @rule(who=st.sampled_from(PEOPLE), version=st.sampled_from((*VERSIONS, "back", "now")))
    def start(self, who, version):
        if who in self.actors:
            return

        by = f"{who}{len(self.ended)}"  # who has failed comes back as somebody else

        def act(registry):
            mine = World(policy=self.world.policy, registry=registry, now=self.world.now)
            if version in ("back", "now"):
                return mine.rollback(by=by, now=version == "now")
            return mine.promote(version, by=by)

        self.actors[who] = Actor(self.log, act)
        self.actors[who].by = by

    def over(self, who):
        if self.actors[who].over:
            self.ended.append(self.actors.pop(who))
            self.judge(self.ended[-1])

    @precondition(lambda self: self.actors)
    @rule(who=st.integers(0, 2), calls=st.integers(1, 12), lag=st.sampled_from([0, 0, 0, 1, 3]))
    def advance(self, who, calls, lag):
        name = sorted(self.actors)[who % len(self.actors)]
        for _ in range(calls):
            if not self.actors[name].over:
                self.actors[name].step("ok", lag)
        self.over(name)

    @precondition(lambda self: self.actors)
    @rule(who=st.integers(0, 2), fault=st.sampled_from(FAULTS))
    def fail(self, who, fault):
        name = sorted(self.actors)[who % len(self.actors)]
        self.actors[name].step(fault)
        self.over(name)

    @rule(version=st.sampled_from(VERSIONS), dice=st.integers(0, 7))
    def a_hand_moves_the_pointer(self, version, dice):
        if dice == 0:  # now and then: it excuses too much
            name = self.world.policy.pointer_name("staging")
            self.log.move(NAME, name, version, self.pointer)
            self.log.wrote()
            self.by_hand = True

    @rule(version=st.sampled_from(VERSIONS), dice=st.integers(0, 3))
    def somebody_overwrites_a_version(self, version, dice):
        if dice == 0:
            self.log.overwrite(NAME, version, {"MLmodel": b"other"})
            self.spoilt.add(version)

    @invariant()
    def the_journal_holds_together(self):
        journal = Journal.read(self.log, NAME)
        assert journal.check_chain() == []
        entry = journal.in_effect("staging")
        told = (entry.number, entry.version) if entry else (0, "")
        assert told == in_effect(self.log.entries(journal_name(NAME)))

    def judge(self, actor):
        """Whoever has ended was told the truth."""
        if isinstance(actor.end, Died):
            return
        journal, end = Journal.read(self.log, NAME), actor.end
        if isinstance(end, RegistryError):
            entry = journal.in_effect("staging")
            if entry and entry.by == actor.by and not journal.is_done(entry):
                assert f"#{entry.number} " in str(end) or "What may be left open" in str(end)
        elif isinstance(end, PromotionRefused):
            if "came too late" in end.message:
                assert "lost to #" in str(end) or "was given up meanwhile" in str(end)
        else:
            assert not isinstance(end, Exception), repr(end)
            if end.entry:
                placed = journal.placed(end.entry)
                assert placed.standing in ("in effect", "superseded")
                assert placed.done or any(OPEN.search(note) for note in end.notes)

    def teardown(self):
        if not hasattr(self, "log"):
            return
        for name in sorted(self.actors):
            self.actors[name].finish()
            self.over(name)
        settle(self.world.desk)
        if not self.by_hand and not any(self.died_late(actor) for actor in self.ended):
            self.whole()
        third = self.world.add()
        assert self.world.promote(third).state == "moved"
        assert self.world.holder() == third
        self.whole()

    @staticmethod
    def died_late(actor):
        """It moved a pointer, and was kept from looking whether it still might: nobody can tell."""
        return actor.moved and isinstance(actor.end, Died | RegistryError)

    def whole(self):
        assert self.world.settled()
        if self.pointer == "stage":
            assert len(self.log.in_stage(NAME, "Staging")) == 1
        assert in_effect(self.log.entries(journal_name(NAME)))[1] == self.world.holder()


class InStages(Promoters):
    pointer = "stage"


class InCopies(Promoters):
    pointer = "copy"


@pytest.mark.parametrize("machine", [Promoters, InStages, InCopies])
def test_any_order_and_any_failure(machine):
    case = machine.TestCase
    case.settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # shrinking takes minutes; the steps are printed all the same
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
