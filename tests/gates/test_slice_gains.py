"""A loss in one slice is seen behind a gain on the whole."""

import math

import numpy as np
import pyarrow as pa
import pytest

from gatekit.gates import accuracy, slice_gains
from gatekit.ledger import NO_CHAMPION
from gatekit.policy_gates import AccuracyGate
from gatekit.stats import paired
from gatekit.subject import NoChampion
from gatekit.verdict import Outcome, decide

N = 1200
REGION = np.array(["north", "south"])[np.arange(N) % 2]
PLAN = np.array(["a", "b", "c"])[np.arange(N) // 2 % 3]
TRUTH = np.arange(N) // 6 % 2
TABLE = pa.table({"x0": np.arange(float(N)), "region": REGION, "plan": PLAN, "label": TRUTH})


def says(wrong):
    return lambda _: np.where(wrong, 1 - TRUTH, TRUTH)


@pytest.fixture
def two(make_holdout, fake):
    def make(new, old, **spec):
        slices = spec.get("slices", (("region",), ("region", "plan")))
        return fake(says(new)), fake(says(old)), make_holdout(TABLE, slices=slices)

    return make


CROSSING = (REGION == "north") & (PLAN == "b")
TENTH = np.arange(N) // 6 % 10 == 0


def test_a_loss_in_one_crossing_fails_and_is_named(two, ask):
    lost = CROSSING & (np.arange(N) // 6 % 4 == 0)
    new, old, holdout = two(lost, TENTH)
    asked = ask(AccuracyGate(slice_loss=0.05))
    whole = accuracy.paired_gain(new, old, holdout, ask=asked)
    assert whole.value > 0
    found = slice_gains.worst_slice_gain(new, old, holdout, ask=asked)
    assert decide(found, ">=", -0.05).outcome is Outcome.FAILED
    assert "region=north plan=b" in found.detail[1]
    here = CROSSING
    won, gone = int((TENTH & ~lost & here).sum()), int((lost & ~TENTH & here).sum())
    value, low, _ = paired.accuracy_difference(won, gone, int(here.sum()), 0.95)
    assert (found.value, found.low) == (value, low)
    corrected = paired.accuracy_difference(won, gone, int(here.sum()), 1 - 0.05 / 8)[2]
    assert found.high == corrected


def test_the_same_model_loses_nowhere(two, ask):
    new, old, holdout = two(TENTH, TENTH)
    found = slice_gains.worst_slice_gain(new, old, holdout, ask=ask(AccuracyGate(slice_loss=0.05)))
    assert found.value == 0
    assert decide(found, ">=", -0.05).outcome is Outcome.PASSED


def test_a_slice_with_few_rows_keeps_the_question_open(two, ask):
    new, old, holdout = two(TENTH, TENTH)
    asked = ask(AccuracyGate(slice_loss=0.05, slice_support=300))
    found = slice_gains.worst_slice_gain(new, old, holdout, ask=asked)
    verdict = decide(found, ">=", -0.05)
    assert (found.low, verdict.outcome) == (-math.inf, Outcome.INCONCLUSIVE)
    assert verdict.rows_needed == 1800
    few = ask(AccuracyGate(slice_loss=0.05, slice_support=5000))
    none = slice_gains.worst_slice_gain(new, old, holdout, ask=few)
    assert decide(none, ">=", -0.05).outcome is Outcome.FAILED  # nothing was measured


def test_without_champion_or_slices_there_is_nothing_to_compare(two, ask):
    new, _, holdout = two(TENTH, TENTH)
    asked = ask(AccuracyGate())
    found = slice_gains.worst_slice_gain(new, NoChampion("none yet"), holdout, ask=asked)
    assert found.method == NO_CHAMPION
    new, old, holdout = two(TENTH, TENTH, slices=())
    assert math.isnan(slice_gains.worst_slice_gain(new, old, holdout, ask=asked).value)
