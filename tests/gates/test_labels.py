"""Measures on labels as a suite asks for them; the model's answers are given, none is loaded."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics

from gatekit.gate import Ask
from gatekit.gates import accuracy
from gatekit.policy_gates import AccuracyGate
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec
from gatekit.verdict import Outcome, decide

ASK = Ask(0.95, 1, AccuracyGate())
NAMES = ("balanced_accuracy", "precision", "recall", "specificity", "f1", "mcc")


class Says(Subject):
    """A subject that has answered already."""

    def __init__(self, said, task="binary", positive=1):
        super().__init__(SubjectSpec(None, "native", positive, task), None, None)
        self.said = np.asarray(said)
        self.asked = 0

    def predictions(self, holdout):
        self.asked += 1
        return self.said


def rows(y):
    return SimpleNamespace(y=np.asarray(y), sha256="0" * 64, rows=len(y), is_streamed=False)


def measure(name, y, said, ask=ASK, **how):
    return getattr(accuracy, name)(Says(said, **how), rows(y), ask=ask)


def some(n=400, labels=2, wrong=0.15, seed=3):
    random = np.random.default_rng(seed)
    y = random.integers(0, labels, n)
    return y, np.where(random.random(n) < wrong, random.integers(0, labels, n), y)


BINARY = {
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
    "specificity": lambda y, said: metrics.recall_score(y, said, pos_label=0),
    "f1": metrics.f1_score,
    "mcc": metrics.matthews_corrcoef,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_binary_measure_is_scikit_learns_between_its_bounds(name):
    y, said = some()
    found = measure(name, y, said)
    assert found.value == pytest.approx(BINARY[name](y, said), abs=1e-12)
    assert 0 < found.low < found.value < found.high < 1
    assert found.n == 400
    assert measure(name, y, said, Ask(0.5, 1, AccuracyGate())).method == "point decision"


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_a_multiclass_measure_is_the_mean_over_the_labels(name):
    y, said = some(labels=4)
    found = measure(name, y, said, task="multiclass")
    score = getattr(metrics, f"{name}_score")
    assert found.value == pytest.approx(score(y, said, average="macro"), abs=1e-12)
    assert found.name.startswith("macro ")
    assert found.low < found.value < found.high
    assert len(found.detail) == 4


def test_the_positive_label_is_the_policys():
    y, said = some()
    words = np.array(["no", "yes"])
    found = measure("recall", words[y], words[said], positive="yes")
    assert found.value == metrics.recall_score(y, said)
    assert measure("recall", y, said, positive=0).value == measure("specificity", y, said).value


NEVER_YES = {
    "balanced_accuracy": Outcome.INCONCLUSIVE,
    "precision": Outcome.INCONCLUSIVE,
    "recall": Outcome.FAILED,
    "specificity": Outcome.PASSED,
    "f1": Outcome.FAILED,
    "mcc": Outcome.INCONCLUSIVE,
}


@pytest.mark.parametrize(("name", "outcome"), NEVER_YES.items())
def test_a_model_that_never_says_yes(name, outcome):
    """What it never said has no rate: no bound, and so no pass, whatever the bar."""
    y, _ = some()
    found = measure(name, y, np.zeros(400, dtype=int))
    assert decide(found, ">=", 0.1).outcome is outcome
    if outcome is Outcome.INCONCLUSIVE:
        assert (found.low, found.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_a_positive_label_that_no_row_has_is_said_and_never_passes(name):
    y, said = some()
    found = measure(name, y, said, positive="yes")
    assert decide(found, ">=", 0.01).outcome is Outcome.INCONCLUSIVE
    assert "no row of the holdout has the positive label" in found.detail[0]


@pytest.mark.parametrize("name", NAMES)
def test_three_true_labels_are_no_binary_task_and_never_pass(name):
    y, said = some(labels=3)
    found = measure(name, y, said)
    assert decide(found, ">=", 0.0).outcome is Outcome.FAILED
    assert 'say task = "multiclass"' in found.detail[0]


def test_scores_in_place_of_labels_are_no_number():
    y, _ = some()
    found = measure("mcc", y, np.linspace(0, 1, 400))
    assert math.isnan(found.value)
    assert "more than 100 different values" in found.detail[0]


def test_rows_are_counted_once_for_all_measures():
    y, said = some()
    candidate, holdout = Says(said), rows(y)
    for name in NAMES:
        getattr(accuracy, name)(candidate, holdout, ask=ASK)
    assert candidate.asked == 1


def test_few_rows_are_inconclusive_and_say_how_many_would_decide():
    y, said = some(n=60)
    found = measure("f1", y, said)
    verdict = decide(found, ">=", found.value - 0.02)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.rows_needed > 60
