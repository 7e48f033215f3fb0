"""Two processes of one model say what one would say; the second one alone finds no fault."""

from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekit.errors import ModelGone, ModelMisbehaved, NotAsked
from gatekit.processes import LIGHT_MB, LIGHT_SECONDS, RESTARTS, SHARE, Processes
from gatekit.progress import unheard
from gatekit.runner.process import Loaded

MANY = list(
    range(5 * SHARE + 3)
)  # what is asked is a number here, and its answer ten times as much


class Fake:
    """A runner that answers numbers, is wrong or dies as told, and remembers what it was asked."""

    def __init__(self, refuses=(), dies=(), loads=0.1, holds=100.0):
        self.refuses, self.dies = set(refuses), set(dies)
        self.loaded = Loaded(loads, holds, "native")
        self.is_alive, self.asked = True, []
        self.before = lambda: None

    def load(self, _, __):
        return self.loaded

    def answer_each(self, tables, _):
        self.before()
        if not self.is_alive:
            raise ModelGone("it has died")
        said = []
        for table in tables:
            self.asked.append(table)
            if table in self.dies:
                self.is_alive = False
                return [*said, ModelGone("it died")]
            refused = ModelMisbehaved("no answer") if table in self.refuses else None
            said.append(refused or np.array([10 * table]))
        return said

    def close(self):
        self.is_alive = False


def processes(*runners, forks=True):
    left = iter(runners)
    model = SimpleNamespace(title="toy version 1", folder=Path("toy"))
    spec = SimpleNamespace(candidate=model, engine="native", forks=forks)
    return Processes(spec, lambda: next(left))


def ask(asked, numbers=MANY, by_one=False):
    given = asked.answers(numbers, "", unheard, by_one=by_one)
    return [type(each) if isinstance(each, Exception) else each.item() for each in given]


def ready(*runners, **more):
    """With the second one loaded."""
    made = processes(*runners, **more)
    ask(made, by_one=True)
    made.wait()
    for runner in runners:
        runner.asked.clear()
    return made


def meet(*runners):
    """Each waits at its first question until the other is asked one, too."""
    both = Barrier(2, timeout=20)
    for runner in runners:
        calls = iter([both.wait])
        runner.before = lambda calls=calls: next(calls, lambda: None)()


EVERY = [10 * number for number in MANY]


def test_both_answer_and_all_is_in_order():
    first, second = Fake(), Fake()
    asked = ready(first, second)
    meet(first, second)
    assert ask(asked) == EVERY
    assert first.asked
    assert second.asked
    assert sorted(first.asked + second.asked) == MANY


def test_who_must_be_asked_alone_is():
    first, second = Fake(), Fake()
    asked = ready(first, second)
    assert ask(asked, by_one=True) == EVERY
    assert first.asked == MANY
    assert second.asked == []


@pytest.mark.parametrize(
    ("runner", "forks"),
    [
        (Fake(), False),
        (Fake(loads=LIGHT_SECONDS), True),
        (Fake(holds=LIGHT_MB), True),
    ],
)
def test_no_second_one_is_started_where_it_costs_much(runner, forks):
    asked = processes(runner, forks=forks)  # a second start would raise StopIteration
    assert ask(asked) == EVERY
    asked.wait()
    assert runner.asked == MANY


def test_for_few_questions_no_second_one_is_started():
    asked = processes(Fake())
    assert ask(asked, MANY[:SHARE]) == EVERY[:SHARE]


def test_a_second_one_that_cannot_be_had_is_done_without():
    first = Fake()
    asked = processes(first)  # the second start raises
    assert ask(asked) == EVERY
    assert first.asked == MANY


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(MANY)), st.sets(st.sampled_from(MANY)))
def test_what_the_second_does_not_answer_is_asked_of_the_first(refuses, dies):
    first, second = Fake(refuses), Fake(refuses, dies)
    asked = ready(first, Fake())
    asked._second = second
    meet(first, second)
    wanted = [ModelMisbehaved if number in refuses else 10 * number for number in MANY]
    assert ask(asked) == wanted
    assert refuses <= set(first.asked)
    assert asked.is_alive


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from(MANY), min_size=1))
def test_where_the_first_dies_the_answers_end(dies):
    asked = ready(Fake(), second := Fake())
    asked._first = first = Fake(dies=dies)
    meet(first, second)
    given_ = ask(asked)
    if ModelGone in given_:  # else the second has answered all that would have killed it
        assert given_.index(ModelGone) == len(given_) - 1
        assert given_[:-1] == EVERY[: len(given_) - 1]
        assert not asked.is_alive
    else:
        assert given_ == EVERY


def test_one_that_dies_is_started_anew_but_not_for_ever():
    asked = processes(*[Fake(dies=[2]) for _ in range(RESTARTS + 2)])
    for _ in range(RESTARTS + 1):
        assert ask(asked, [1, 2, 3]) == [10, ModelGone]
    with pytest.raises(NotAsked, match=f"died {RESTARTS + 1} times; it is not asked again"):
        ask(asked, [1])


def interrupt():
    raise KeyboardInterrupt


def test_who_is_interrupted_ends_the_second():
    first, second = Fake(), Fake()
    asked = ready(first, second)

    meet(first, second)
    first.before, met = lambda: (met(), interrupt()), first.before
    with pytest.raises(KeyboardInterrupt):
        ask(asked)
    assert not second.is_alive


def test_how_far_it_is_is_told():
    asked, told = processes(Fake(), forks=False), []
    asked.answers(MANY, "", lambda *words: told.append(words), by_one=False)
    assert told[0] == ("batches asked", SHARE, len(MANY))
    assert told[-1] == ("batches asked", len(MANY), len(MANY))
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})


def test_both_are_closed():
    first, second = Fake(), Fake()
    asked = ready(first, second)
    asked.close()
    assert (first.is_alive, second.is_alive) == (False, False)
