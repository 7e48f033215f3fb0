"""Counting uses of a test set: what is a use, what it costs, and what happens where it cannot be."""

import threading
from dataclasses import replace

import pytest

from gatekit.errors import RegistryUnavailable
from gatekit.estimate import Estimate, exact
from gatekit.gate import Gate, label_free, measure, spends_labels
from gatekit.ledger import Bar
from gatekit.policy import DataSpec, Policy
from gatekit.policy_gates import AccuracyGate, Gates
from gatekit.registry.memory import MemoryRegistry
from gatekit.uses import Use, Uses, count_use, read_uses, tell

SPEC = DataSpec(path="h", target="y", uses=4)
ADAPTIVE = replace(SPEC, spending="adaptive")
POLICY = Policy(model="toy", holdout=SPEC, gates=Gates(accuracy=AccuracyGate(floor=0.8)))


def use(number=1, champion="", data="d", policy="p"):
    return Use(f"c{number}", champion, data, policy)


@pytest.fixture
def registry():
    return MemoryRegistry()


def count(registry, *which, spec=SPEC, verdicts=1):
    return count_use(registry, "toy", use(*which), spec, verdicts)


def test_each_distinct_combination_counts_and_a_retry_does_not(registry):
    different = [(1,), (2,), (1, "k"), (1, "", "d", "q")]
    assert [count(registry, *which).number for which in different] == [1, 2, 3, 4]
    assert [count(registry, *which).number for which in different] == [1, 2, 3, 4]
    assert len(registry.entries("toy.uses")) == 4
    assert count(registry, 1, "", "other data").number == 1
    assert count_use(registry, "other", use(), SPEC, 1).number == 1


def test_what_is_left_then_a_warning_then_fresh_labels(registry):
    stood = [count(registry, number) for number in range(1, 6)]
    assert [each.left for each in stood] == [3, 2, 1, 0, -1]
    assert ["fresh rows soon" in each.words for each in stood] == [False, False, False, True, False]
    assert [bool(each.closed) for each in stood] == [False] * 4 + [True]
    assert stood[4].closed == "fresh labels needed: all 4 uses of this test set are spent"
    assert stood[0].level(0.95) == pytest.approx(1 - 0.05 / 4)


def test_without_a_number_uses_are_counted_and_nothing_is_spent(registry):
    spec = replace(SPEC, uses=None)
    stood = [count(registry, number, spec=spec) for number in range(1, 41)][-1]
    assert (stood.number, stood.closed, stood.level(0.95)) == (40, "", 0.95)
    assert stood.words == "use 40 of the test set; the policy declares no number"


def test_a_number_raised_later_gives_nothing_back(registry):
    for number in range(1, 5):
        count(registry, number)
    assert count(registry, 5, spec=replace(SPEC, uses=8)).closed
    half = MemoryRegistry()
    for number in (1, 2):
        count(half, number)
    assert count(half, 3, spec=replace(SPEC, uses=8)).left == 3  # half of it is spent


def test_two_at_once_spend_two_and_one_twice_at_once_spends_one(registry):
    together = threading.Barrier(3, timeout=20)
    registry.before = lambda verb: together.wait()
    found = {}

    def run(name, number):
        found[name] = count(registry, number)

    threads = [threading.Thread(target=run, args=each) for each in [("a", 1), ("b", 2), ("c", 2)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.entries("toy.uses")) == 3  # all three saw none of the others
    assert {found["a"].number, found["b"].number} == {1, 2}
    assert found["b"] == found["c"]


@pytest.mark.parametrize("verb", ["entries", "append"])
def test_what_cannot_be_counted_closes_the_labels_only_where_a_number_is_declared(verb):
    class Failing(MemoryRegistry):
        pass

    def fail(*_):
        raise RegistryUnavailable("the registry at x does not answer")

    setattr(Failing, verb, fail)
    stood = count(Failing())
    assert "could not be counted: the registry at x does not answer" in stood.closed
    shown = count(Failing(), spec=replace(SPEC, uses=None))
    assert shown.closed == ""
    assert shown.words.startswith("uses of the test set are not counted: ")


def test_a_folder_has_nobody_who_counts():
    assert "a model folder is gated without a registry" in count(None).closed


def test_what_was_told_is_paid_for_by_those_who_come_later(registry):
    first = count(registry, 1, spec=ADAPTIVE)
    assert first.parts == 8
    tell(registry, "toy", first, {"accuracy.floor": False})
    second = count(registry, 2, spec=ADAPTIVE)
    assert second.parts == 8  # "no" was the one story there was
    tell(registry, "toy", second, {"accuracy.floor": True})
    third = count(registry, 3, spec=ADAPTIVE)
    assert third.parts == 4 * 4 * 2
    fourth = count(registry, 4, spec=ADAPTIVE)  # the third has told nothing yet: as if it passed
    assert fourth.parts == 4 * 8 * 3
    tell(registry, "toy", third, {"accuracy.floor": False})
    assert count(registry, 4, spec=ADAPTIVE) == fourth  # a retry is judged as it was
    assert count(registry, 1, spec=ADAPTIVE) == first


def test_two_tellings_of_one_use_are_one_story(registry):
    first = count(registry, 1, spec=ADAPTIVE, verdicts=2)
    tell(registry, "toy", first, {"a": True})
    tell(registry, "toy", first, {"a": True, "b": True})
    (read,) = read_uses(registry.entries("toy.uses"), "d")
    assert read.told_before(99) == (2, 2)


def test_entries_of_another_hand_are_passed_over(registry):
    registry.append("toy.uses", {"event": "use"})
    registry.append("toy.uses", {"event": "told", "use": "7", "told": "[]", "passed": "[]"})
    registry.append("toy.uses", {"something": "else"})
    assert count(registry).number == 1


def test_so_many_stories_that_no_error_is_left(registry):
    for number in range(1, 4):
        tell(
            registry,
            "toy",
            count(registry, number, spec=ADAPTIVE),
            {f"k{n}": True for n in range(30)},
        )
    assert "choosing by so many verdicts" in count(registry, 4, spec=ADAPTIVE).closed


def test_it_travels_as_json(registry):
    stood = count(registry)
    assert Uses.from_dict(stood.as_dict()) == stood


# what a gate does with it


@measure
def ninety(candidate, *, ask):
    return Estimate("ninety", 0.9, 0.9 - ask.level / 50, 0.95, ask.level, 400, "by hand")


@label_free
@measure
def stable(candidate, *, ask):
    return exact("stable", 1, n=3, method="count") if ask.level == 0.95 else None


def gate(uses, name="accuracy", policy=POLICY):
    return Gate(name, "t::test", policy, uses)


def judged(uses, bar=0.8, name="accuracy"):
    made = gate(uses, name)
    verdict = made.measure(ninety, None) >= Bar(bar, "accuracy.floor")
    (check,) = made.page()
    return verdict, check


def test_the_spent_level_reaches_the_measure_and_the_method_says_so():
    verdict, check = judged(Uses(number=1, declared=32, left=31, parts=32))
    assert verdict
    assert check.estimate.level == pytest.approx(1 - 0.05 / 32)
    assert check.estimate.method == "by hand; level 0.95 spent over 32 uses (fixed)"


def test_spent_labels_are_inconclusive_and_tell_no_number():
    verdict, check = judged(Uses(number=33, declared=32, left=-1, parts=32))
    assert str(check.verdict.outcome) == "INCONCLUSIVE"
    assert "fresh labels needed" in verdict.reason
    assert not check.estimate.is_number
    assert check.estimate.n == 0


def test_a_gate_that_nobody_counts_for_reads_no_declared_labels():
    verdict, _ = judged(None)
    assert "could not be counted" in verdict.reason
    undeclared = replace(POLICY, holdout=replace(SPEC, uses=None))
    made = gate(None, policy=undeclared)
    assert str((made.measure(ninety, None) >= 0.8).outcome) == "PASSED"


@pytest.mark.parametrize(
    ("bar", "outcome"), [(0.8, "PASSED"), (0.89, "INCONCLUSIVE"), (0.99, "INCONCLUSIVE")]
)
def test_sealed_labels_say_passed_or_not_and_no_more(bar, outcome):
    uses = Uses(number=1, declared=32, left=31, spending="adaptive", parts=64)
    verdict, check = judged(uses, bar)
    assert str(verdict.outcome) == outcome
    assert verdict.rows_needed is None
    said = str(check.as_dict())
    assert "0.9," not in said
    assert "0.93" not in said
    assert not check.estimate.is_number


def test_a_sealed_measure_without_a_bar_is_not_written_down():
    made = gate(Uses(number=1, declared=32, left=31, spending="adaptive", parts=64))
    assert made.measure(ninety, None) >= made.policy.accuracy.recall
    assert made.page() == []


def test_rows_without_labels_cost_nothing():
    spent = Uses(number=33, declared=32, left=-1)
    made = gate(spent, "robustness")
    assert made.measure(stable, None) <= 1
    assert str(made.page()[0].verdict.outcome) == "PASSED"


def test_which_gates_ask_labels():
    from gatekit.gates import accuracy, fairness, robustness, robustness_attack

    assert spends_labels("accuracy", accuracy.overall)
    assert spends_labels("fairness", fairness.demographic_parity_difference)
    assert spends_labels("robustness", robustness.accuracy_under_noise)
    assert spends_labels("robustness", robustness_attack.robust_accuracy)
    assert spends_labels("profit", lambda y, prediction: 0.0)  # a team's own
    for free in (robustness.stability, robustness_attack.median_distance):
        assert not spends_labels("robustness", free)
    assert not spends_labels("latency", ninety)
    assert not spends_labels("drift", ninety)
