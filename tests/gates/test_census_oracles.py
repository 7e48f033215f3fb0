"""On real people every point value is scikit-learn's to 1e-12: the census sample of the example."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pyarrow import parquet
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gatekit.gate import Ask
from gatekit.gates import accuracy, numbers, scores
from gatekit.policy_gates import AccuracyGate
from gatekit.scoring.answers import Scored
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec

DATA = Path(__file__).parents[2] / "examples" / "employment" / "data"
FEATURES = ("AGEP", "SCHL", "DIS", "MAR", "RELP", "SEX")


class Answered(Subject):
    """A subject that has answered already."""

    def __init__(self, said, given=None, task="binary"):
        super().__init__(
            SubjectSpec(None, "native", 1, task, "" if given is None else "p"), None, None
        )
        self.candidate = SimpleNamespace(title="census version 1")
        self.said, self.given = said, given

    def predictions(self, holdout, *, engine=None):
        return self.said

    def scored(self, holdout, *, engine=None):
        return Scored(self.said, self.given, ())


def people(name, rows):
    table = parquet.read_table(DATA / f"{name}.parquet").slice(0, rows)
    return np.column_stack([table[f].to_numpy() for f in FEATURES]), table["employed"].to_numpy()


@pytest.fixture(scope="module")
def census():
    x, y = people("train", 4000)
    unseen, truth = people("holdout", 40_000)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    holdout = SimpleNamespace(y=truth, sha256="0" * 64, rows=truth.size, is_streamed=False)
    return holdout, model.predict(unseen), model.predict_proba(unseen)[:, 1]


BINARY = {
    (accuracy, "overall"): metrics.accuracy_score,
    (accuracy, "balanced_accuracy"): metrics.balanced_accuracy_score,
    (accuracy, "precision"): metrics.precision_score,
    (accuracy, "recall"): metrics.recall_score,
    (accuracy, "specificity"): lambda y, said: metrics.recall_score(y, said, pos_label=0),
    (accuracy, "f1"): metrics.f1_score,
    (accuracy, "mcc"): metrics.matthews_corrcoef,
    (scores, "log_loss"): metrics.log_loss,
    (scores, "brier"): metrics.brier_score_loss,
    (scores, "auc"): metrics.roc_auc_score,
    (scores, "average_precision"): metrics.average_precision_score,
}


@pytest.mark.parametrize("key", BINARY, ids=[name for _, name in BINARY])
def test_of_labels_and_scores(census, key):
    holdout, said, given = census
    room, name = key
    found = getattr(room, name)(Answered(said, given), holdout, ask=Ask(0.95, 1, AccuracyGate()))
    theirs = BINARY[key](holdout.y, given if room is scores else said)
    assert found.value == pytest.approx(float(theirs), abs=1e-12)
    assert found.low < found.value < found.high


REGRESSION = {
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "r2": metrics.r2_score,
    "quantile_loss": lambda y, said: metrics.mean_pinball_loss(y, said, alpha=0.5),
    "bias": lambda y, said: abs(np.mean(said - y)),
}


@pytest.mark.parametrize("name", REGRESSION)
def test_of_numbers(name):
    """A regression of age on the other answers."""
    x, unseen = people("train", 4000)[0], people("holdout", 40_000)[0]
    said, age = Ridge().fit(x[:, 1:], x[:, 0]).predict(unseen[:, 1:]), unseen[:, 0]
    holdout = SimpleNamespace(y=age, sha256="0" * 64, rows=age.size, is_streamed=False)
    subject = Answered(said, task="regression")
    found = getattr(numbers, name)(subject, holdout, ask=Ask(0.95, 1, AccuracyGate()))
    assert found.value == pytest.approx(float(REGRESSION[name](age, said)), abs=1e-12, rel=1e-12)
    assert found.low <= found.value < found.high
