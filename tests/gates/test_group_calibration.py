"""Calibration by group: the gap of debiased errors, with bounds that hold together."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from gatekit.gate import NOT_APPLICABLE
from gatekit.gates import group_calibration
from gatekit.policy_gates import FairnessGate
from gatekit.scoring.answers import Scored
from gatekit.stats import calibration
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec
from gatekit.verdict import Outcome, decide

ROWS = 6000


class Scores(Subject):
    """A subject that has answered already."""

    def __init__(self, given, task="binary", score="predict_proba"):
        super().__init__(SubjectSpec(None, "native", 1, task, score), None, None)
        self.candidate = SimpleNamespace(title="toy version 1")
        self.given = Scored(None, np.asarray(given, dtype=float), ())

    def scored(self, holdout, *, engine=None):
        return self.given


@pytest.fixture
def people(make_holdout):
    """Holdout and what the model said; of group b all is pulled by `pull` towards one half."""

    def make(pull=1.0, small=0, sensitive=(("sex",), ("sex", "race"))):
        random = np.random.default_rng(3)
        said = random.random(ROWS)
        sex, race = random.choice(["a", "b"], ROWS), random.choice(["x", "y"], ROWS)
        race[:small] = "z"
        chance = np.where(sex == "b", 0.5 + (said - 0.5) * pull, said)
        table = pa.table(
            {"sex": sex, "race": race, "label": (random.random(ROWS) < chance).astype(int)}
        )
        return make_holdout(table, sensitive=sensitive), said

    return make


def measured(holdout, said, ask, level=0.95, bar=0.1, **how):
    gate = FairnessGate(calibration_difference=bar)
    asked = ask(gate, level)
    return group_calibration.calibration_difference(Scores(said, **how), holdout, ask=asked)


def test_the_value_is_the_gap_of_the_groups_own_errors(people, ask):
    holdout, said = people(0.5, sensitive=(("sex",),))
    sex, y = holdout.table["sex"].to_numpy(), holdout.y
    errors = []
    for group in "ab":
        mine = np.sort(said[sex == group])
        came = y[sex == group][np.argsort(said[sex == group])]
        rows = np.ones(mine.size)
        errors.append(calibration.bounds(calibration.bins(mine, came.astype(float), rows), 0.95)[0])
    found = measured(holdout, said, ask)
    assert found.value == pytest.approx(errors[1] - errors[0], abs=1e-12)
    assert found.low < found.value < found.high
    assert found.detail[0] == "worst: calibration error by sex"
    assert found.detail[1].startswith("sex=b: calibration error")


def test_one_group_that_is_told_the_wrong_chances_is_found(people, ask):
    assert decide(measured(*people(0.3), ask), "<=", 0.1).outcome is Outcome.FAILED
    assert decide(measured(*people(1.0), ask), "<=", 0.1).outcome is Outcome.PASSED


@pytest.mark.parametrize("small", [1, 49])
def test_a_small_group_is_visible_and_keeps_the_question_open(people, ask, small):
    found = measured(*people(1.0, small), ask)
    assert decide(found, "<=", 0.1).outcome is Outcome.INCONCLUSIVE
    assert found.high == 1.0
    assert any("race=z" in line and line.endswith("INCONCLUSIVE") for line in found.detail)


def test_more_groups_widen_the_bounds(people, ask):
    alone = measured(*people(0.5, sensitive=(("sex",),)), ask)
    crossed = measured(*people(0.5, sensitive=(("sex",), ("sex", "race"))), ask)
    assert crossed.high > alone.high


def test_a_point_decision_has_no_interval(people, ask):
    found = measured(*people(0.5), ask, level=0.5)
    assert found.low == pytest.approx(found.value) == pytest.approx(found.high)
    assert found.method == "point decision"


def test_what_are_no_probabilities_is_said(people, ask):
    holdout, said = people()
    assert "outside 0 to 1" in measured(holdout, 3 * said, ask).detail[0]
    assert measured(holdout, said, ask, score="").method == NOT_APPLICABLE
