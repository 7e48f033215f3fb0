"""Every measure of real rows, from evidence merged of small blocks against the same rows held."""

import functools
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from gatekit.data import Streams, open_holdout
from gatekit.evidence.whole import Evidence
from gatekit.gate import Ask
from gatekit.gates import accuracy, fairness, group_calibration, numbers, scores, slice_gains
from gatekit.policy import DataSpec
from gatekit.policy_gates import AccuracyGate, FairnessGate
from gatekit.scoring.answers import Scored
from gatekit.streaming.filling import fill
from gatekit.streaming.question import CANDIDATE, CHAMPION, Said, ask
from gatekit.streaming.told import Told
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec

ALONE = [
    accuracy.overall, accuracy.balanced_accuracy, accuracy.precision, accuracy.recall,
    accuracy.specificity, accuracy.f1, accuracy.mcc, accuracy.worst_slice, scores.log_loss,
    scores.brier, scores.auc, scores.average_precision, scores.calibration_error,
    numbers.mae, numbers.rmse, numbers.r2, numbers.bias, numbers.quantile_loss,
]  # fmt: skip
GROUPS = [
    fairness.demographic_parity_difference, fairness.equalized_odds_ratio,
    fairness.predictive_parity_difference, group_calibration.calibration_difference,
]  # fmt: skip
BESIDE = [
    accuracy.paired_gain, slice_gains.worst_slice_gain, scores.auc_gain, scores.log_loss_rise,
    numbers.rmse_rise,
]  # fmt: skip
SETS = {
    "binary": (load_breast_cancer, LogisticRegression(), DecisionTreeClassifier(max_depth=2)),
    "multiclass": (load_wine, LogisticRegression(), DecisionTreeClassifier(max_depth=2)),
    "regression": (load_diabetes, LinearRegression(), DecisionTreeRegressor(max_depth=3)),
}
BLOCK = 40


class Answered(Subject):
    """A subject that has answered already."""

    def __init__(self, role, task, said):
        score = "predict_proba" if task != "regression" else ""
        super().__init__(SubjectSpec(None, "native", 1, task, score), None, None)
        self.candidate, self.role, self.given = SimpleNamespace(title=role), role, said

    def predictions(self, _holdout, **_):
        return self.given.labels

    def scored(self, _holdout, **_):
        return Scored(self.given.labels, self.given.whole, self.given.classes)


def answer(model, x, y, task):
    model.fit(x[::2], y[::2])
    if task == "regression":
        return Said(model.predict(x))
    whole, classes = model.predict_proba(x), tuple(model.classes_.tolist())
    return Said(model.predict(x), whole[:, 1] if task == "binary" else whole, whole, classes)


@pytest.fixture(params=SETS)
def two_roads(request, tmp_path):
    """Both subjects; the holdout held, and as it streams."""
    task, (load, *models) = request.param, SETS[request.param]
    x, y = load(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    said = {
        role: answer(model, x, y, task)
        for role, model in zip((CANDIDATE, CHAMPION), models, strict=True)
    }
    table = pa.table(
        {
            "label": y,
            "group": np.where(x[:, 0] > 0, "over", "under"),
            "band": np.digitize(x[:, 1], [-0.5, 0.5]) * 5,
        }
    )
    parquet.write_table(table, tmp_path / "h.parquet", row_group_size=100)
    spec = DataSpec(
        path="h.parquet",
        target="label",
        sensitive=(("group",), ("group", "band")),
        slices=(("band",), ("band", "group")),
    )
    held, streamed = (open_holdout(spec, tmp_path, each) for each in (None, Streams(10)))
    assert streamed.pilot.table.equals(held.table)
    question = ask(streamed, task, 1, 0.5, said)
    parts = []
    for start in range(0, y.size, BLOCK):
        rows = slice(start, start + BLOCK)
        cut = {
            role: Said(
                *(None if v is None else v[rows] for v in (s.labels, s.scores, s.whole)), s.classes
            )
            for role, s in said.items()
        }
        parts.append(fill(question, table.slice(start, BLOCK), cut))
    told = Told(question, functools.reduce(Evidence.merge, reversed(parts)))
    subjects = [Answered(role, task, said[role]) for role in (CANDIDATE, CHAMPION)]
    for each in subjects:
        each.tell = lambda: told
    return (*subjects, held, streamed)


def test_both_roads_lead_to_the_same_estimates(two_roads):
    new, old, held, streamed = two_roads
    asked = Ask(0.9, 1, AccuracyGate(slice_support=5))
    groups = Ask(0.9, 1, FairnessGate())
    measured = 0
    for measures, subjects, how in (
        (ALONE, (new,), asked),
        (BESIDE, (new, old), asked),
        (GROUPS if new.task == "binary" else [], (new,), groups),
    ):
        for measure in measures:
            one, other = (measure(*subjects, rows, ask=how) for rows in (held, streamed))
            same = ("name", "method", "n", "rows_for_bound")
            assert [getattr(one, k) for k in same] == [getattr(other, k) for k in same]
            values = [[each.value, each.low, each.high] for each in (one, other)]
            assert values[1] == pytest.approx(values[0], abs=1e-7, rel=1e-6, nan_ok=True), one.name
            measured += np.isfinite(one.value)
    assert measured >= {"binary": 20, "multiclass": 11, "regression": 7}[new.task]
