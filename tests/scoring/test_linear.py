"""The linear form gives scikit-learn's own scores, or says why there is none. No mlflow here."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gatekit.errors import CandidateError
from gatekit.gates.certified import scores_of
from gatekit.scoring.linear import LinearForm
from gatekit.scoring.linear_reading import linear_form
from gatekit.scoring.signature import Column, Signature

RANDOM = np.random.default_rng(11)
ROWS = 300
NUMBERS = pd.DataFrame(RANDOM.normal(size=(ROWS, 3)), columns=list("abc"))
MIXED = NUMBERS.assign(
    code=RANDOM.integers(0, 5, ROWS), plan=RANDOM.choice(["month", "year", "none"], ROWS)
)
Y2 = (NUMBERS.a + NUMBERS.b + RANDOM.normal(size=ROWS) > 0).astype(int).to_numpy()
Y3 = np.array(["x", "y", "z"])[Y2 + (NUMBERS.c > 0).to_numpy()]
CODES = ["code", "plan"]


def signature(frame):
    kinds = {"f": "double", "i": "long"}
    return Signature(
        tuple(Column(n, kinds.get(frame[n].dtype.kind, "string")) for n in frame.columns)
    )


def models():
    from sklearn import linear_model as lm
    from sklearn import preprocessing as pre
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    scaled = make_pipeline(SimpleImputer(), pre.StandardScaler())
    hot = make_column_transformer(
        (scaled, ["c", "a"]),
        (pre.OneHotEncoder(handle_unknown="ignore", sparse_output=False), CODES),
        remainder="passthrough",
    )
    dropped = make_column_transformer(
        (pre.OneHotEncoder(drop="first", sparse_output=False), CODES), (pre.MinMaxScaler(), ["b"])
    )
    ordered = make_column_transformer((pre.OrdinalEncoder(), CODES), remainder="drop")
    gaps = NUMBERS.mask(RANDOM.random(NUMBERS.shape) < 0.1)
    yield lm.LogisticRegression(), NUMBERS, Y2
    yield make_pipeline(pre.StandardScaler(), lm.LogisticRegression()), NUMBERS, Y3
    yield make_pipeline(pre.MaxAbsScaler(), pre.RobustScaler(), LinearSVC()), NUMBERS, Y2
    yield make_pipeline(hot, lm.LogisticRegression()), MIXED, Y3
    yield make_pipeline(dropped, lm.RidgeClassifier()), MIXED, Y2
    yield make_pipeline(ordered, pre.StandardScaler(), lm.LogisticRegression()), MIXED, Y2
    yield make_pipeline(pre.MinMaxScaler(), SimpleImputer(), lm.LogisticRegression()), gaps, Y2


@pytest.mark.parametrize("index", range(7))
def test_the_scores_are_scikit_learns(index):
    model, frame, y = list(models())[index]
    model.fit(frame, y)
    form = LinearForm.from_json(linear_form(model, signature(frame)).as_json())
    found = scores_of(form, pa.Table.from_pandas(frame, preserve_index=False))
    theirs = model.decision_function(frame)
    ours = found[:, 1] - found[:, 0] if theirs.ndim == 1 else found
    assert ours == pytest.approx(theirs, abs=1e-9)
    labels = np.asarray(form.labels)[np.argmax(found, axis=1)]
    assert (labels == model.predict(frame)).all()


def refused():
    from sklearn import linear_model as lm
    from sklearn import preprocessing as pre
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    yield RandomForestClassifier(n_estimators=2), "ends in RandomForestClassifier"
    yield make_pipeline(pre.PolynomialFeatures(), lm.LogisticRegression()), "PolynomialFeatures"
    yield make_pipeline(pre.MinMaxScaler(clip=True), lm.LogisticRegression()), "clips"


@pytest.mark.parametrize("index", range(3))
def test_what_is_not_linear_is_said_by_name(index):
    model, words = list(refused())[index]
    with pytest.raises(CandidateError, match=words):
        linear_form(model.fit(NUMBERS, Y2), signature(NUMBERS))


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"{}",
        b"null",
        b'{"labels": [0, 1], "intercept": [1], "columns": {}}',
        b'{"labels": [0, [1]], "intercept": [1, 2], "columns": {}}',
        b'{"labels": [0, 1], "intercept": [1, 2], "columns": {"a": [[1], [], [], null]}}',
        b'{"labels": [0, 1], "intercept": [1, 2], "columns": {"a": 3}}',
        b'{"labels": 7, "intercept": [1, 2], "columns": {}}',
        b'{"labels": [0, 1], "intercept": ["x", 2], "columns": {}}',
        b"\xff",
    ],
)
def test_what_is_no_form_is_refused(text):
    with pytest.raises(ValueError):
        LinearForm.from_json(text)
