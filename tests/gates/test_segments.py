"""Weak segments: planted ones are found and fail, sound models are not accused."""

import math
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from gatekit.evidence.bands import banded
from gatekit.gate import Ask
from gatekit.gates import accuracy, segments
from gatekit.policy import DataSpec
from gatekit.policy_gates import AccuracyGate
from gatekit.scoring.signature import Column, Signature
from gatekit.verdict import Outcome, decide

from .test_labels import Says

FLOOR = 0.8
INPUTS = ("age", "plan", "region")


def people(seed, weak=None, n=4000, base=0.9):
    """Rows, and a model that is right in `base` of them; in `weak` where age > 70 and plan = b."""
    random = np.random.default_rng(seed)
    age = random.uniform(18, 90, n)
    plan, region = random.choice(["a", "b"], n), random.choice(["n", "s", "w"], n)
    planted = (age > 70) & (plan == "b")
    right = random.random(n) < np.where(planted, base if weak is None else weak, base)
    label = random.integers(0, 2, n)
    table = pa.table({"age": age, "plan": plan, "region": region, "label": label})
    return table, np.where(right, label, 1 - label)


def measured(table, said, holdout=None, **settings):
    subject = Says(said)
    signature = Signature(tuple(Column(name, "string") for name in INPUTS))
    subject.candidate = SimpleNamespace(signature=signature)
    asked = Ask(0.95, 1, AccuracyGate(**{"segment_floor": FLOOR, **settings}))
    return accuracy.weakest_segment(subject, holdout or Rows(table), ask=asked)


class Rows:
    """A holdout in memory: what the search reads of one."""

    def __init__(self, table, sha256="5" * 64):
        self.table, self.rows, self.sha256 = table, table.num_rows, sha256
        self.columns = tuple(table.column_names)
        self.spec = DataSpec(path="", target="label", slices=(("region",),))
        self.y = table["label"].to_numpy()


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_segment_is_found_and_fails(seed):
    estimate = measured(*people(seed, weak=0.5))
    assert decide(estimate, ">=", FLOOR).outcome is Outcome.FAILED
    failed = [line for line in estimate.detail if line.startswith("FAILED")]
    assert any("plan=b" in line and "age" in line for line in failed)
    assert estimate.detail[0].startswith("looked for on 2,000 rows by 3 columns")


@pytest.mark.parametrize("seed", range(5))
def test_the_sound_twin_passes(seed):
    estimate = measured(*people(seed, base=0.95))
    assert decide(estimate, ">=", FLOOR).outcome is Outcome.PASSED


def test_what_is_found_is_judged_on_other_rows():
    """The rows that betrayed a segment have no part in the verdict on it."""
    table, said = people(1, weak=0.5)
    half = segments._half(Rows(table))
    y = table["label"].to_numpy()
    sound_there = measured(table, np.where(half, said, y))
    assert half.sum() == 2000
    assert decide(sound_there, ">=", FLOOR).outcome is Outcome.PASSED
    assert sound_there.value == 1.0


def test_false_alarms_stay_within_the_level():
    """A model right at the bar everywhere: the worst of many is chosen, and rarely accused."""
    replicates, alarms = 200, 0
    for seed in range(replicates):
        table, said = people(seed, n=1500, base=FLOOR)
        found = measured(table, said, Rows(table, f"{seed * 7919 + 1:064x}"), segment_support=50)
        alarms += decide(found, ">=", FLOOR).outcome is Outcome.FAILED
    assert alarms / replicates <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / replicates)


def test_the_label_is_no_column_to_look_by():
    table, _ = people(1)
    y = table["label"].to_numpy()
    inputs = (*INPUTS, "label")
    subject = Says(np.where(y == 1, y, 1))  # right where the label is 1, wrong elsewhere
    subject.candidate = SimpleNamespace(
        signature=Signature(tuple(Column(name, "string") for name in inputs))
    )
    asked = Ask(0.95, 1, AccuracyGate(segment_floor=FLOOR))
    estimate = accuracy.weakest_segment(subject, Rows(table), ask=asked)
    assert not any("label" in line for line in estimate.detail)


def test_nothing_wrong_judges_the_whole():
    table, _ = people(1)
    estimate = measured(table, table["label"].to_numpy())
    assert "no segment of 100 rows was worse than the whole" in estimate.detail[0]
    assert "all rows: 1.000" in estimate.detail[1]
    assert decide(estimate, ">=", FLOOR).outcome is Outcome.PASSED


def test_without_a_bar_it_is_looked_for_only_when_asked():
    table, said = people(1)
    silent = measured(table, said, segment_floor=None)
    assert not silent.is_number
    shown = measured(table, said, segment_floor=None, weak_segments=True)
    assert shown.is_number
    assert any(line.startswith("shown") for line in shown.detail)


def test_a_holdout_too_small_to_judge_does_not_pass():
    estimate = measured(*people(1, n=150, base=1.0))
    assert decide(estimate, ">=", FLOOR).outcome is Outcome.INCONCLUSIVE


def test_columns_of_names_are_said_to_be_left_out():
    table, said = people(1)
    name = pa.array([f"person {i}" for i in range(table.num_rows)])
    table = table.set_column(2, "region", name)
    assert "not looked at: region" in measured(table, said).detail


SEEN = np.ones(100, dtype=bool)
KINDS = {
    "few integers": (pa.array([1, 2, None, 2] * 25), ("x=2", "x=1", "x missing", "x=(other)")),
    "booleans": (pa.array([True, False] * 50), ("x=True", "x=False", "x=(other)")),
    "only gaps": (pa.array([None] * 100, pa.float64()), ("x missing", "x=(other)")),
    "categories": (pa.array(["a", "b"] * 50).dictionary_encode(), ("x=a", "x=b", "x=(other)")),
}


@pytest.mark.parametrize(("values", "words"), KINDS.values(), ids=KINDS)
def test_a_column_of_few_values_is_taken_as_it_is(values, words):
    made = banded("x", pa.chunked_array([values]), SEEN)
    assert made.values == words
    known = [made.values[code] for code in made.codes]
    spelt = ["x missing" if v is None else f"x={v}" for v in values.to_pylist()]
    assert known == spelt


def test_numbers_and_times_go_into_bands_and_gaps_into_their_own():
    numbers = pa.chunked_array([pa.array([None, *range(1, 100)], pa.int64())])
    times = numbers.cast(pa.timestamp("s"))
    for column in (numbers, times):
        made = banded("x", column, SEEN)
        assert made.values[made.codes[0]] == "x missing"
        assert np.all(np.diff(made.codes[1:]) >= 0)
        assert len(set(made.codes)) == 9
    assert banded("x", pa.chunked_array([pa.array([[1]] * 100)]), SEEN) is None
