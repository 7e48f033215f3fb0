"""With real MLflow models: the native engine says what pyfunc says, in a runner."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from gatekit.errors import GatekitError, ModelMisbehaved
from gatekit.gates.certified import scores_of
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scanning.scan import scan
from gatekit.scoring.engines import choose_engine
from gatekit.testing import write_toy

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
RANDOM = np.random.default_rng(5)
NUMBERS = pd.DataFrame(
    {
        "tenure": RANDOM.integers(0, 70, 300),
        "monthly": RANDOM.normal(50, 20, 300),
        "calls": RANDOM.integers(0, 9, 300).astype("int32"),
    }
)
MIXED = NUMBERS.assign(contract=RANDOM.choice(["month", "year"], 300))
LABEL = (NUMBERS.monthly + NUMBERS.tenure > 85).astype(int)


def saved(folder, estimator, frame, label=LABEL, **more):
    import mlflow.sklearn
    from mlflow.models import infer_signature

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(frame, label)
        signature = infer_signature(frame, estimator.predict(frame))
        mlflow.sklearn.save_model(
            estimator, folder, signature=signature, pip_requirements=["scikit-learn"], **more
        )
    return folder


def both(folder, table, scratch, forks=None):
    with Runner(Limits(), scratch, server=forks) as runner:
        assert runner.load(folder).engine == "native"
        assert runner.load(folder, "pyfunc").engine == "pyfunc"
        return runner.predict(table), runner.predict(table, engine="pyfunc")


def table_of(frame):
    # Columns in another order and one too many: both engines must sort that out.
    columns = frame.assign(label=LABEL)[[*reversed(frame.columns), "label"]]
    return pa.Table.from_pandas(columns, preserve_index=False)


def test_logistic_regression_on_an_array_says_what_pyfunc_says(tmp_path):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression())
    folder = saved(tmp_path / "m", model, NUMBERS)
    # no fork: where there can be no fork server, all is imported behind the walls
    native, pyfunc = both(folder, table_of(NUMBERS), tmp_path / "scratch")
    assert np.array_equal(native, pyfunc)
    assert np.array_equal(native, model.predict(NUMBERS))
    assert sorted(path.name for path in (tmp_path / "scratch").iterdir()) == []


def test_columns_by_name_and_words_say_what_pyfunc_says(forks, tmp_path):
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    steps = make_column_transformer(
        (OneHotEncoder(), ["contract"]), (StandardScaler(), ["tenure", "monthly", "calls"])
    )
    words = np.where(LABEL == 1, "leaves", "stays")
    model = make_pipeline(steps, LogisticRegression())
    folder = saved(tmp_path / "m", model, MIXED, words)
    table = table_of(MIXED)
    native, pyfunc = both(folder, table, tmp_path / "scratch", forks)
    assert native.tolist() == pyfunc.tolist() == model.predict(MIXED).tolist()
    assert set(native) == {"leaves", "stays"}

    column = pa.array(["Alice"] * len(MIXED))
    stranger = table.set_column(table.column_names.index("contract"), "contract", column)
    with Runner(Limits(), tmp_path / "scratch", server=forks) as runner:
        runner.load(folder)
        with pytest.raises(ModelMisbehaved, match="raised ValueError") as caught:
            runner.predict(stranger)
    assert "Alice" not in str(caught.value)


def test_a_numeric_column_transformer_gets_its_names(forks, tmp_path):
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    steps = make_column_transformer((StandardScaler(), ["monthly", "tenure"]))
    model = make_pipeline(steps, LogisticRegression())
    folder = saved(tmp_path / "m", model, NUMBERS)
    native, pyfunc = both(folder, table_of(NUMBERS), tmp_path / "scratch", forks)
    assert np.array_equal(native, pyfunc)


def test_a_regression_says_what_pyfunc_says(forks, tmp_path):
    from sklearn.linear_model import LinearRegression

    folder = saved(tmp_path / "m", LinearRegression(), NUMBERS)
    native, pyfunc = both(folder, table_of(NUMBERS), tmp_path / "scratch", forks)
    np.testing.assert_allclose(native, pyfunc, rtol=1e-13, atol=1e-15)


def test_the_predict_function_of_the_flavor_is_honoured(forks, tmp_path):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression()
    folder = saved(tmp_path / "m", model, NUMBERS, pyfunc_predict_fn="predict_proba")
    with Runner(Limits(), tmp_path / "scratch", server=forks) as runner:
        for engine in ("native", "pyfunc"):
            runner.load(folder, engine)
            with pytest.raises(ModelMisbehaved, match="a 300 x 2 array"):
                runner.predict(table_of(NUMBERS), engine=engine)


def test_a_real_skops_model_that_asks_to_trust_system_is_refused(forks, tmp_path):
    from sklearn.linear_model import LogisticRegression

    folder = saved(tmp_path / "m", LogisticRegression(), NUMBERS)
    assert scan(folder) == ()
    change = yaml.safe_load((folder / "MLmodel").read_text())
    change["flavors"]["sklearn"]["skops_trusted_types"] = ["posix.system"]
    (folder / "MLmodel").write_text(yaml.safe_dump(change))
    with (
        Runner(Limits(), tmp_path / "scratch", server=forks) as runner,
        pytest.raises(ModelMisbehaved, match=r"refused before loading.*posix\.system"),
    ):
        runner.load(folder)


def test_a_toy_loads_through_mlflow_itself(forks, tmp_path):
    columns = {"x0": "double", "n": "long", "s": "string", "b": "boolean", "f": "float"}
    folder = write_toy(tmp_path / "toy", "threshold", columns, wrong=0.2)
    x = np.linspace(-1, 1, 50)
    table = pa.table(
        {
            "x0": x,
            "n": np.arange(50),
            "s": ["a", None] * 25,
            "b": x > 0,
            "f": x.astype(np.float32),
        }
    )
    native, pyfunc = both(folder, table, tmp_path / "scratch", forks)
    assert np.array_equal(native, pyfunc)
    assert 0 < (native != (x > 0)).sum() < 25


def test_the_compiled_engine_says_what_pyfunc_says(forks, tmp_path):
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from gatekit.scoring.engines import load_compiled

    steps = make_column_transformer(
        (OneHotEncoder(), ["contract"]), (StandardScaler(), ["tenure", "monthly", "calls"])
    )
    folder = saved(tmp_path / "m", make_pipeline(steps, LogisticRegression()), MIXED)
    table = table_of(MIXED)
    with Runner(Limits(), tmp_path / "scratch", server=forks) as runner:
        assert runner.load(folder, "compiled").engine == "compiled"
        runner.load(folder, "pyfunc")
        said, reference = runner.predict(table), runner.predict(table, engine="pyfunc")
        odds = runner.answer(table, "predict_proba").scores
        form = runner.linear_form()
        at_rest = runner.form()
    scores = scores_of(form, table)
    assert np.asarray(form.labels)[scores.argmax(axis=1)].tolist() == reference.tolist()
    assert np.array_equal(said, reference)
    assert odds.shape == (len(MIXED), 2)
    engine = load_compiled(at_rest)  # what a service loads, without MLflow and scikit-learn
    assert engine.takes_rows
    rows = [tuple(row) for row in MIXED.itertuples(index=False)]
    assert engine.predict_rows(rows).tolist() == reference.tolist()


def test_the_compiled_engine_is_refused_for_what_it_does_not_know(forks, tmp_path):
    from sklearn.naive_bayes import GaussianNB

    folder = saved(tmp_path / "m", GaussianNB(), NUMBERS)
    with Runner(Limits(), tmp_path / "scratch", server=forks) as runner:
        with pytest.raises(GatekitError, match="it ends in GaussianNB"):
            runner.load(folder, "compiled")
        runner.load(folder, "native")
        assert runner.linear_form() == "it ends in GaussianNB"


def test_the_compiled_engine_is_refused_for_another_flavor(tmp_path):
    with pytest.raises(GatekitError, match="cannot be had for a model of gatekit"):
        choose_engine(write_toy(tmp_path / "toy", "threshold"), "compiled")


@pytest.mark.parametrize("writes", [True, False])
def test_a_model_that_writes_into_its_frame_is_seen_behind_mlflows_copy(tmp_path, writes):
    import mlflow.pyfunc
    from mlflow.models import infer_signature

    from gatekit.scoring.engines import load_engine

    class Model(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            said = (model_input["monthly"] > 50).astype(int).to_numpy()
            if writes:
                model_input["tenure"] = 0
            return said

    folder = tmp_path / "m"
    signature = infer_signature(NUMBERS, LABEL)
    mlflow.pyfunc.save_model(
        folder, python_model=Model(), signature=signature, pip_requirements=["mlflow"]
    )
    engine = load_engine(folder, "pyfunc")
    table = table_of(NUMBERS)
    assert engine.disturbed(table) == ("values changed in tenure" if writes else "")
    assert engine.predict(table).tolist() == (NUMBERS.monthly > 50).astype(int).tolist()
