"""The compiled engine says what scikit-learn says, or refuses in words. No mlflow here."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gatekit.errors import CandidateError
from gatekit.scoring.assembling import assemble
from gatekit.scoring.compiling import describe_estimator
from gatekit.scoring.form import Form
from gatekit.scoring.signature import Column, Signature
from gatekit.scoring.tables import rows_to_array, to_array, to_columns

RANDOM = np.random.default_rng(11)
ROWS = 400
NUMBERS = pd.DataFrame(RANDOM.normal(size=(ROWS, 4)), columns=list("abcd"))
MIXED = NUMBERS.assign(
    count=RANDOM.integers(0, 9, ROWS),
    plan=RANDOM.choice(["month", "year", "none"], ROWS),
)
Y2 = (NUMBERS.a + NUMBERS.b + RANDOM.normal(size=ROWS) > 0).astype(int).to_numpy()
Y3 = Y2 + (NUMBERS.c > 0).to_numpy()
WORDS = np.where(Y2 == 1, "leaves", "stays")
REAL = (3 * NUMBERS.a - NUMBERS.d).to_numpy()


def compile_estimator(estimator, signature):
    """Through its file, as the runner and the service do."""
    return assemble(Form.unpack(describe_estimator(estimator, signature).pack()))


def signature(frame):
    kinds = {"f": "double", "i": "long", "b": "boolean"}
    return Signature(
        tuple(Column(n, kinds.get(frame[n].dtype.kind, "string")) for n in frame.columns)
    )


def asked(estimator, frame, y):
    """The estimator fitted, what was compiled of it, and the rows as that wants them."""
    estimator.fit(frame, y)
    found = compile_estimator(estimator, signature(frame))
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return estimator, found, to_columns(table) if found.by_columns else to_array(table)


def linear():
    from sklearn import linear_model as lm
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
    from sklearn.svm import LinearSVC

    yield lm.LogisticRegression(), Y2
    yield lm.LogisticRegression(), Y3
    yield lm.LogisticRegression(), WORDS
    yield make_pipeline(StandardScaler(), lm.LogisticRegression()), Y2
    yield make_pipeline(MinMaxScaler(), RobustScaler(), lm.LogisticRegression()), Y3
    yield make_pipeline(MaxAbsScaler(), LinearSVC()), Y2
    yield make_pipeline(StandardScaler(with_mean=False), lm.RidgeClassifier()), Y3
    yield lm.SGDClassifier(random_state=0), Y3
    yield make_pipeline(StandardScaler(with_std=False), lm.Ridge()), REAL
    yield lm.LinearRegression(fit_intercept=False), REAL


def trees():
    from sklearn import ensemble as e
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    few = {"n_estimators": 15, "random_state": 0}
    yield e.RandomForestClassifier(**few), Y2
    yield e.RandomForestClassifier(**few), Y3
    yield e.ExtraTreesClassifier(**few), WORDS
    yield e.GradientBoostingClassifier(**few), Y2
    yield make_pipeline(StandardScaler(), e.GradientBoostingClassifier(**few)), Y3
    yield e.HistGradientBoostingClassifier(max_iter=15), WORDS
    yield e.HistGradientBoostingClassifier(max_iter=15), Y3
    yield e.RandomForestRegressor(**few), REAL
    yield e.GradientBoostingRegressor(**few, loss="huber"), REAL
    yield e.HistGradientBoostingRegressor(max_iter=15), REAL


def pipelines():
    from sklearn import ensemble as e
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    numbers = (make_pipeline(SimpleImputer(), StandardScaler()), ["d", "a", "count"])
    for encoder in (
        OneHotEncoder(),
        OneHotEncoder(drop="first", handle_unknown="ignore"),
        OneHotEncoder(drop="if_binary", sparse_output=False),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    ):
        for rest in ("drop", "passthrough"):
            yield (
                make_pipeline(
                    make_column_transformer((encoder, ["plan"]), numbers, remainder=rest),
                    LogisticRegression(max_iter=500),
                ),
                Y3,
            )
    yield (
        make_pipeline(
            make_column_transformer((OneHotEncoder(), ["count", "plan"]), remainder="passthrough"),
            e.RandomForestClassifier(9, random_state=0),
        ),
        WORDS,
    )


def same(said, own):
    if own.dtype.kind == "f":
        np.testing.assert_allclose(said, own, rtol=1e-12, atol=1e-14)
    else:
        assert said.tolist() == own.tolist()


@pytest.mark.parametrize(
    ("made", "frame"),
    [(m, f) for ms, f in ((linear, NUMBERS), (trees, NUMBERS), (pipelines, MIXED)) for m in ms()],
)
@pytest.mark.filterwarnings("ignore")
def test_it_says_what_the_estimator_says(made, frame):
    estimator, found, given = asked(*(made[0], frame, made[1]))
    own = estimator.predict(frame)
    same(found.predict(given), own)
    alone = [c[:1] for c in given] if found.by_columns else given[:1]
    same(found.predict(alone), own[:1])
    if found.probabilities is not None:
        np.testing.assert_allclose(
            found.probabilities(given), estimator.predict_proba(frame), rtol=1e-12, atol=1e-14
        )
    else:
        assert not hasattr(estimator, "predict_proba") or made[1] is REAL


def test_forests_send_empty_cells_where_scikit_learn_sends_them():
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

    holes = NUMBERS.mask(RANDOM.random(NUMBERS.shape) < 0.2)
    for model in (RandomForestClassifier(15), HistGradientBoostingClassifier(max_iter=15)):
        estimator, found, given = asked(model, holes, Y2)
        same(found.predict(given), estimator.predict(holes))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_cell_that_scikit_learn_refuses_is_refused(bad):
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    for model in (LogisticRegression(), GradientBoostingClassifier(n_estimators=3)):
        estimator, found, given = asked(model, NUMBERS, Y2)
        given = given[:3].copy()
        given[1, 2] = bad
        with pytest.raises(ValueError, match="Input"):
            estimator.predict(pd.DataFrame(given, columns=NUMBERS.columns))
        with pytest.raises(ValueError, match="a row holds"):
            found.predict(given)


@pytest.mark.filterwarnings("ignore")
def test_a_strange_category_raises_where_the_encoder_says_error():
    made = list(pipelines())
    for (model, y), raises in ((made[0], True), (made[2], False)):
        estimator, found, given = asked(model, MIXED, y)
        given = [column[:2] for column in given]
        given[-1] = np.array(["weekly", "month"], dtype=object)
        if raises:
            with pytest.raises(ValueError, match="category"):
                found.predict(given)
        else:
            frame = MIXED[:2].assign(plan=["weekly", "month"])
            same(found.predict(given), estimator.predict(frame))


def refused():
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures

    class Own(LogisticRegression):
        pass

    yield KNeighborsClassifier(), Y2, "ends in KNeighborsClassifier"
    yield make_pipeline(PolynomialFeatures(), LogisticRegression()), Y2, "PolynomialFeatures"
    yield make_pipeline(MinMaxScaler(clip=True), LogisticRegression()), Y2, "clips"
    yield Own(), Y2, "ends in Own"
    hist = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0])
    yield hist, Y2, "categories"
    poisson = HistGradientBoostingRegressor(max_iter=2, loss="poisson")
    yield poisson, np.abs(REAL), "loss is poisson"


@pytest.mark.parametrize(("model", "y", "words"), list(refused()))
def test_what_is_not_known_is_refused_by_name(model, y, words):
    frame = NUMBERS.round().abs() if "categories" in words else NUMBERS
    with pytest.raises(CandidateError, match=words) as caught:
        asked(model, frame, y)
    assert "compiled engine cannot be had" in str(caught.value)


def test_columns_that_are_optional_or_narrow_are_refused():
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(NUMBERS, Y2)
    for column, words in (
        (Column("d", "double", required=False), "optional"),
        (Column("d", "float"), "float"),
    ):
        columns = (*signature(NUMBERS).inputs[:3], column)
        with pytest.raises(CandidateError, match=words):
            compile_estimator(model, Signature(columns))
    with pytest.raises(CandidateError, match="otherwise"):
        compile_estimator(model, Signature(signature(NUMBERS).inputs[::-1]))


@pytest.mark.parametrize("kinds", [("double", "long"), ("float", "float"), ("float", "boolean")])
def test_rows_become_the_array_that_their_table_becomes(kinds):
    from gatekit.scoring.casting import decode

    cells = {"double": 0.1, "long": 2**53 + 1, "float": 0.1, "boolean": True}
    asks = Signature(tuple(Column(f"c{i}", kind) for i, kind in enumerate(kinds)))
    rows = [tuple(cells[kind] for kind in kinds)] * 3
    table = decode({"features": [list(row) for row in rows]}, asks)
    wide, narrow = to_array(table), rows_to_array(rows, asks)
    assert wide.dtype == narrow.dtype
    assert np.array_equal(wide, narrow)
    assert wide.flags.f_contiguous == narrow.flags.f_contiguous
