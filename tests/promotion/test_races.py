"""Two at once, crashes at every write, and hands that bypass the journal."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekit.errors import PromotionRefused, RegistryError, RegistryUnavailable
from gatekit.promotion.protocol import settle
from gatekit.registry import Look


class Crash(Exception):
    """The process ends here."""


class At:
    """A hook that acts once, at its n-th call."""

    def __init__(self, number, act):
        self.left, self.act = number, act

    def __call__(self, verb):
        self.left -= 1
        if self.left == 0:
            self.act()


WRITES = 3  # append, move, append: what one promotion writes


def crash():
    raise Crash


def attempt(act):
    """'won' or the refusal."""
    try:
        act()
    except PromotionRefused as refused:
        return refused
    return "won"


@pytest.mark.parametrize("pointer", ["alias", "stage", "copy"])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_another_promotes_at_every_write(fresh_world, pointer, side, number):
    world = fresh_world(pointer)
    mine, theirs = world.add(), world.add()
    answers = []
    hook = At(number, lambda: answers.append(attempt(lambda: world.promote(theirs, by="rosa"))))
    setattr(world.registry, side, hook)
    answers.insert(0, attempt(lambda: world.promote(mine)))
    assert len(answers) == 2
    assert world.settled()
    assert world.journal.check_chain() == []
    assert answers[1] == "won"  # the one in between is never interrupted
    assert world.holder() == theirs
    if (side, number) == ("before", 1):
        assert "lost to #1: rosa gave 'staging' to version 2" in answers[0].reasons[0]
    else:
        assert answers[0] == "won"


@pytest.mark.parametrize("pointer", ["alias", "stage", "copy"])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("command", ["same", "other", "rollback", "refused"])
def test_the_next_command_finishes_what_a_crash_left(fresh_world, pointer, side, number, command):
    world = fresh_world(pointer)
    old, mine, other, bad = world.add(), world.add(), world.add(), world.add(gates={})
    world.promote(old)
    setattr(world.registry, side, At(number, crash))
    with pytest.raises(Crash):
        world.promote(mine)
    setattr(world.registry, side, lambda verb: None)
    written = (side, number) != ("before", 1)
    if command == "same":
        assert world.promote(mine).state == ("already" if written else "moved")
    elif command == "other":
        assert world.promote(other).before == (mine if written else old)
    elif command == "rollback":
        if written:
            world.rollback()
    else:
        with pytest.raises(PromotionRefused) as caught:
            world.promote(bad)
        open_intent = written and (side, number) != ("after", 3)
        assert ("finished entry #3" in str(caught.value)) == open_intent
    expected = {"same": mine, "other": other, "rollback": old, "refused": mine if written else old}
    assert world.holder() == expected[command]
    assert world.settled()
    assert world.journal.check_chain() == []


@pytest.mark.parametrize("number", range(1, WRITES + 1))
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_rollback_that_crashed_is_finished_too(world, side, number):
    old, new = world.add(), world.add()
    world.promote(old)
    world.promote(new)
    setattr(world.registry, side, At(number, crash))
    with pytest.raises(Crash):
        world.rollback()
    setattr(world.registry, side, lambda verb: None)
    if (side, number) == ("before", 1):
        assert world.holder() == new
        return
    assert world.promote(old).state == "already"
    assert world.holder() == old
    assert world.settled()


def test_an_intent_whose_bytes_changed_is_given_up(world):
    old, mine = world.add(), world.add()
    world.promote(old)
    world.registry.before = At(2, crash)
    with pytest.raises(Crash):
        world.promote(mine)
    world.registry.before = lambda verb: None
    world.registry.overwrite("churn-model", mine, {"MLmodel": b"other"})
    done = world.promote(old)
    assert done.state == "already"
    assert "gave up entry #3" in done.notes[0]
    assert world.settled()
    assert world.journal.placed(3).standing == "given up"
    assert world.journal.history("staging")[-1].entry.kind == "aborted"


def test_the_first_intent_of_all_can_be_given_up(world):
    mine = world.add()
    world.registry.before = At(2, crash)
    with pytest.raises(Crash):
        world.promote(mine)
    world.registry.before = lambda verb: None
    world.registry.delete("churn-model", mine)
    other = world.add()
    assert world.promote(other).state == "moved"
    assert world.settled()


def test_an_intent_given_up_under_its_writers_hands_takes_its_move_back(world):
    old, mine, other = world.add(), world.add(), world.add()
    world.promote(old)
    kept = world.registry._files["churn-model", mine]

    def spoil():  # before the move: somebody overwrites, another command gives the intent up
        world.registry.overwrite("churn-model", mine, {"MLmodel": b"other"})
        with pytest.raises(PromotionRefused):
            world.promote(mine, by="rosa")
        world.registry.overwrite("churn-model", mine, kept)

    world.registry.before = At(2, spoil)
    with pytest.raises(PromotionRefused, match="given up by another"):
        world.promote(mine)
    assert world.holder() == old
    assert world.settled()
    assert other != world.holder()


@pytest.mark.parametrize("pointer", ["alias", "stage", "copy"])
def test_the_first_intent_of_all_given_up_under_its_writers_hands_leaves_nobody(
    fresh_world, pointer
):
    world = fresh_world(pointer)
    mine, name = world.add(), world.policy.pointer_name("staging")
    kept = world.registry._files["churn-model", mine]

    def spoil():
        world.registry.overwrite("churn-model", mine, {"MLmodel": b"other"})
        with pytest.raises(PromotionRefused):
            world.promote(mine, by="rosa")
        world.registry.overwrite("churn-model", mine, kept)

    def twice(verb):  # an HTTP client whose answer was lost asks again
        if verb == "move":
            world.registry.after = lambda verb: None
            world.registry.move("churn-model", name, mine, pointer)

    world.registry.before, world.registry.after = At(2, spoil), twice
    with pytest.raises(PromotionRefused, match="given up by another"):
        world.promote(mine)
    assert world.holder() == ""
    assert world.settled()


def test_a_pointer_moved_by_hand_is_not_moved_back(world):
    proved, byhand, third = world.add(), world.add(), world.add(gates={})
    world.promote(proved)
    world.registry.move("churn-model", "staging", byhand, world.policy.pointer)
    assert settle(world.desk)[0] == ()
    with pytest.raises(PromotionRefused):
        world.promote(third)
    assert world.holder() == byhand
    assert world.promote(proved).state == "moved"  # a person decided
    assert world.settled()


def test_two_versions_left_in_a_stage_by_a_race_are_sorted_out(fresh_world):
    world = fresh_world("stage")
    low, high = world.add(), world.add()
    world.registry.after = At(
        2, lambda: world.registry.put_in_stage("churn-model", high, "Staging")
    )
    world.promote(low)
    assert world.holder() == low
    assert world.settled()


def test_a_pointer_that_does_not_take_is_an_error_and_stays_open(world, monkeypatch):
    version = world.add()
    with monkeypatch.context() as patched:
        patched.setattr(world.registry, "move", lambda *args: None)
        with pytest.raises(RegistryError, match="reads nobody"):
            world.promote(version)
    assert not world.journal.is_done(world.journal.in_effect("staging"))
    assert "finished entry #1" in world.promote(version).notes[0]
    assert world.settled()


def test_an_outage_before_a_copy_is_made_says_what_is_open(fresh_world, monkeypatch):
    world = fresh_world("copy")
    version = world.add()
    holder, asked = world.registry.holder, []

    def fails_once_the_entry_is_written(*args):
        asked.append(args)
        if world.journal.entries and len(asked) == 2:
            raise RegistryUnavailable("the registry does not answer")
        return holder(*args)

    monkeypatch.setattr(world.registry, "holder", fails_once_the_entry_is_written)
    with pytest.raises(RegistryUnavailable, match=r"What may be left open is entry #1 "):
        world.promote(version)
    assert "finished entry #1" in world.promote(version).notes[0]
    assert world.settled()


class Baton:
    """Lets two threads take turns, one registry call at a time, in the order it is told."""

    VERBS = ("version", "fetch", "holder", "move", "clear", "read", "append", "entries")

    def __init__(self, registry, turns, dies=None):
        self.turns = list(turns)
        self.lives = dict(dies or {})  # how many calls somebody has left
        self.registry = registry
        self.ready = threading.Condition()
        self.waiting, self.alive, self.holder = set(), set(), None
        self.errors = []

    def call(self, who, verb, *args):
        with self.ready:
            self.waiting.add(who)
            self._pass_on()
            self.ready.wait_for(lambda: self.holder == who, timeout=10)
            self.waiting.discard(who)
            self.holder = None
            if who in self.lives:
                self.lives[who] -= 1
                if self.lives[who] < 0:
                    raise Crash
            return getattr(self.registry, verb)(*args)

    def _pass_on(self):
        if self.holder is None and self.waiting == self.alive and self.alive:
            order = sorted(self.alive)
            pick = self.turns.pop(0) if self.turns else 0
            self.holder = order[pick % len(order)]
            self.ready.notify_all()

    def run(self, acts):
        self.alive = set(acts)
        threads = [threading.Thread(target=self._one, args=item) for item in acts.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert not any(thread.is_alive() for thread in threads)

    def _one(self, who, act):
        try:
            act(Turned(self, who))
        except BaseException as error:  # noqa: BLE001 - kept, and judged by the test
            self.errors.append((who, error))
        finally:
            with self.ready:
                self.alive.discard(who)
                self._pass_on()


class Turned:
    """A registry as one of the two sees it."""

    def __init__(self, baton, who):
        self._baton, self._who = baton, who

    def __getattr__(self, verb):
        if verb not in Baton.VERBS:
            raise AttributeError(verb)
        return lambda *args: self._baton.call(self._who, verb, *args)

    def look(self, pointer):
        entries = self.entries(pointer.journal)
        return Look(self.holder(pointer.name, pointer.target, pointer.kind), entries)

    def displace(self, pointer, version, held):
        self.move(pointer.name, pointer.target, version, pointer.kind)
        return self.entries(pointer.journal)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    turns=st.lists(st.integers(0, 1), max_size=60),
    second=st.sampled_from(["promote", "rollback", "now"]),
    pointer=st.sampled_from(["alias", "stage", "copy"]),
)
def test_any_interleaving_of_two_writers_is_one_after_the_other(
    fresh_world, turns, second, pointer
):
    world = fresh_world(pointer)
    zero, one, mine, theirs = world.add(), world.add(), world.add(), world.add()
    world.promote(zero)
    world.promote(one)
    answers = {}

    def act(who, registry):
        view = type(world)(policy=world.policy, registry=registry, now=world.now)
        ask = (
            (lambda: view.rollback(by=who, now=second == "now"))
            if who == "b" and second != "promote"
            else (lambda: view.promote(mine if who == "a" else theirs, by=who))
        )
        answers[who] = attempt(ask)

    baton = Baton(world.registry, turns)
    baton.run({who: (lambda registry, who=who: act(who, registry)) for who in ("a", "b")})
    assert baton.errors == []
    if second == "now":
        settle(world.desk)  # it leaves its entry open, and the pointer where the journal says
    assert world.settled()
    journal = world.journal
    assert journal.check_chain() == []
    for who, answer in answers.items():
        placed = [p for p in journal.history() if p.entry.is_intent and p.entry.by == who]
        assert len(placed) == 1  # everybody wrote one intent, and was told what became of it
        assert (answer == "won") == (placed[0].standing in ("in effect", "superseded"))
    assert "won" in answers.values()


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    turns=st.lists(st.integers(0, 1), max_size=60),
    last_call=st.integers(1, 25),
    pointer=st.sampled_from(["alias", "stage", "copy"]),
)
def test_one_of_two_dies_anywhere_and_the_next_command_sets_it_right(
    fresh_world, turns, last_call, pointer
):
    world = fresh_world(pointer)
    old, mine, theirs, third = world.add(), world.add(), world.add(), world.add()
    world.promote(old)

    def act(who, registry):
        view = type(world)(policy=world.policy, registry=registry, now=world.now)
        attempt(lambda: view.promote(mine if who == "a" else theirs, by=who))

    baton = Baton(world.registry, turns, dies={"a": last_call})
    baton.run({who: (lambda registry, who=who: act(who, registry)) for who in ("a", "b")})
    assert all(who == "a" and isinstance(error, Crash) for who, error in baton.errors)
    world.promote(third)
    assert world.holder() == third
    assert world.settled()
    assert world.journal.check_chain() == []
