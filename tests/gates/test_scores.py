"""Measures on scores as a suite asks for them: values by scikit-learn, refusals in words."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import metrics

from gatekit.errors import ModelMisbehaved
from gatekit.gate import NOT_APPLICABLE, Ask
from gatekit.gates import accuracy, numbers, scores
from gatekit.policy_gates import AccuracyGate
from gatekit.scoring.answers import Scored
from gatekit.subject import NoChampion, Subject
from gatekit.subject_spec import SubjectSpec

ASK = Ask(0.95, 1, AccuracyGate())


class Scores(Subject):
    """A subject that has answered already."""

    def __init__(self, given, classes=(), *, positive=1, task="binary", labels=None):
        spec = SubjectSpec(None, "native", positive, task, "predict_proba")
        super().__init__(spec, None, None)
        self.candidate = SimpleNamespace(title="toy version 1")
        self.given = Scored(labels, np.asarray(given, dtype=float), classes)

    def scored(self, holdout, *, engine=None):
        return self.given

    def predictions(self, holdout, *, engine=None):
        return self.reading.labels(self.given)


def rows(y):
    return SimpleNamespace(y=np.asarray(y), sha256="0" * 64, rows=len(y), is_streamed=False)


def drawn(seed=1, n=800):
    random = np.random.default_rng(seed)
    p = random.random(n)
    return p, (random.random(n) < p).astype(int)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_binary_measure_is_scikit_learns_between_its_bounds(seed):
    p, y = drawn(seed)
    oracles = {
        "log_loss": metrics.log_loss(y, p),
        "brier": metrics.brier_score_loss(y, p),
        "auc": metrics.roc_auc_score(y, p),
        "average_precision": metrics.average_precision_score(y, p),
    }
    for given in (Scores(p), Scores(np.column_stack([p, 1 - p]), (1, 0))):
        for name, oracle in oracles.items():
            found = getattr(scores, name)(given, rows(y), ask=ASK)
            assert found.value == pytest.approx(oracle, abs=1e-12)
            assert found.low < found.value < found.high
            point = getattr(scores, name)(given, rows(y), ask=Ask(0.5, 1, AccuracyGate()))
            assert point.low == point.value == point.high
            assert point.method == "point decision"


def test_a_multiclass_measure_is_scikit_learns():
    random = np.random.default_rng(4)
    p = random.dirichlet(np.ones(3), 600)
    names = np.array(["a", "b", "c"])
    y = np.array([random.choice(names, p=row) for row in p])
    turned = Scores(p[:, [2, 0, 1]], ("c", "a", "b"), task="multiclass", positive="a")
    assert scores.log_loss(turned, rows(y), ask=ASK).value == pytest.approx(
        metrics.log_loss(y, p), abs=1e-12
    )
    square = ((p - (y[:, None] == names)) ** 2).sum(axis=1).mean()
    assert scores.brier(turned, rows(y), ask=ASK).value == pytest.approx(square, abs=1e-12)
    assert scores.calibration_error(turned, rows(y), ask=ASK).high < 0.2
    right = np.mean(names[p.argmax(axis=1)] == y)
    assert accuracy.overall(turned, rows(y), ask=ASK).value == right
    assert scores.auc(turned, rows(y), ask=ASK).method == NOT_APPLICABLE


@pytest.mark.parametrize(
    ("given", "y", "words"),
    [
        ([0.0, 1.0] * 50, [0, 1] * 50, "gives 2 different scores on 100 rows"),
        (np.linspace(0, 1, 100), [0, 1, 2, 1] * 25, 'say task = "multiclass"'),
        (np.linspace(0, 1, 100), [0] * 100, "no row of the holdout has the positive label"),
        (np.linspace(0, 1, 100), [1] * 100, "there is nothing to rank"),
    ],
)
def test_a_ranking_that_means_nothing_is_no_number(given, y, words):
    for measure in (scores.auc, scores.average_precision):
        found = measure(Scores(given), rows(y), ask=ASK)
        assert math.isnan(found.value)
        assert words in found.detail[0]


def test_what_is_no_probability_is_refused_and_still_ranks():
    p, y = drawn()
    outside = Scores(p * 2)
    unsummed = Scores(np.column_stack([p, p]), (0, 1))
    for measure in (scores.log_loss, scores.brier, scores.calibration_error):
        for given, words in ((outside, "outside 0 to 1"), (unsummed, "not to 1")):
            found = measure(given, rows(y), ask=ASK)
            assert math.isnan(found.value)
            assert words in found.detail[0]
    assert scores.auc(outside, rows(y), ask=ASK).value == pytest.approx(
        metrics.roc_auc_score(y, p), abs=1e-12
    )


def test_a_label_without_a_score_is_refused():
    p = np.full((90, 3), 1 / 3)
    given = Scores(p, ("a", "b", "c"), task="multiclass", positive="a")
    found = scores.log_loss(given, rows(["a", "b", "d"] * 30), ask=ASK)
    assert math.isnan(found.value)
    assert "no score for the label d, which 30 rows have" in found.detail[0]


def test_the_positive_class_has_to_be_among_two():
    with pytest.raises(ModelMisbehaved, match="scores the classes x, y"):
        Scores(np.full((5, 2), 0.5), ("x", "y")).scores(rows([0, 1, 0, 1, 0]))


def test_against_the_champion_the_same_rows_count():
    p, y = drawn()
    worse = np.clip(p + np.random.default_rng(5).normal(0, 0.3, p.size), 0.01, 0.99)
    new, old, holdout = Scores(p), Scores(worse), rows(y)
    gain = scores.auc_gain(new, old, holdout, ask=ASK)
    expected = metrics.roc_auc_score(y, p) - metrics.roc_auc_score(y, worse)
    assert gain.value == pytest.approx(expected, abs=1e-12)
    assert 0 < gain.low < gain.value < gain.high
    rise = scores.log_loss_rise(new, old, holdout, ask=ASK)
    expected = metrics.log_loss(y, p) - metrics.log_loss(y, worse)
    assert rise.value == pytest.approx(expected, abs=1e-12)
    assert rise.low < rise.value < rise.high < 0
    nobody = NoChampion("nobody holds it")
    for measure in (scores.auc_gain, scores.log_loss_rise):
        assert measure(new, nobody, holdout, ask=ASK).method == "no champion"


def test_a_regression_of_words_is_no_number():
    class Says(Subject):
        def __init__(self, said):
            super().__init__(SubjectSpec(None, "native", 1, "regression"), None, None)
            self.said = np.asarray(said)

        def predictions(self, holdout, *, engine=None):
            return self.said

    y = np.linspace(0, 1, 60)
    found = numbers.mae(Says(["a"] * 60), rows(y), ask=ASK)
    assert math.isnan(found.value)
    assert "a regression is of numbers" in found.detail[0]
    assert math.isnan(numbers.r2(Says(y), rows(np.ones(60)), ask=ASK).value)
    assert accuracy.mcc(Says(y), rows(y), ask=ASK).method == NOT_APPLICABLE
