"""Every task with every kind of answer, over every type of column, by models of any flavor."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.candidate import describe
from gatekit.data import open_holdout
from gatekit.gate import Ask
from gatekit.gates import accuracy, drift, numbers, parity, schema_cells, schema_example, scores
from gatekit.policy import DataSpec
from gatekit.policy_gates import AccuracyGate, DriftGate, ParityGate, SchemaGate
from gatekit.registry import ModelVersion
from gatekit.runner.answer import checked
from gatekit.runner.process import Loaded
from gatekit.runner.protocol import frame_to_column
from gatekit.runner.scored import frame_to_scored
from gatekit.runner.worker import Worker
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec
from gatekit.verdict import Outcome, decide

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
ROWS = 400
DAY = datetime.datetime(2020, 1, 1)  # noqa: DTZ001 - a column of plain moments
NUMBERS = ["number", "gap", "whole"]
ANSWERS = {
    "binary": ("labels", "series", "list", "column", "chance", "frame", "dict"),
    "multiclass": ("labels", "chances"),
    "regression": ("labels", "series", "column"),
}


def rows():
    random = np.random.default_rng(1)
    x = random.normal(size=ROWS)
    rare = random.random((4, ROWS)) < 0.1
    return pd.DataFrame(
        {
            "number": x,
            "gap": np.where(rare[0], np.nan, x),
            "whole": random.integers(0, 9, ROWS),
            "flag": random.random(ROWS) < 0.5,
            "sure": pd.Series([None if r else r == 0 for r in rare[1]], dtype=object),
            "word": random.choice(["a", "b"], ROWS),
            "kind": random.choice(["p", "q"], ROWS),
            "day": [DAY + datetime.timedelta(days=int(d)) for d in random.integers(0, 99, ROWS)],
            "since": [None if r else DAY for r in rare[2]],
            "maybe": pd.Series([None if r else "m" for r in rare[3]], dtype=object),
        }
    )


def told(frame):
    """What the models make of a row: a number near `number`, of every column a little.

    A column left out is an empty one.
    """
    frame = frame.reindex(columns=rows().columns)
    words = (frame["word"] == "a") * 0.01 + (frame["kind"] == "p") * 0.01
    gaps = [frame[name].isna() * 0.01 for name in ("gap", "since", "maybe", "sure")]
    sure = frame["sure"].map({True: 0.01, False: -0.01}).fillna(0).astype(float)
    days = (frame["day"] > DAY + datetime.timedelta(days=50)) * 0.01
    return (frame["number"] + words + sum(gaps) + sure + days + frame["flag"] * 0.01).to_numpy()


TRUTH = {
    "binary": lambda v: np.where(v > 0, "yes", "no"),
    "multiclass": lambda v: np.digitize(v, (-0.5, 0.5)),
    "regression": lambda v: 3 * v,
}


def answer(task, how, frame):
    value = told(frame)
    said, p = TRUTH[task](value), 1 / (1 + np.exp(-4 * value))
    near = np.exp(-4 * (value[:, None] - np.array([-1.0, 0.0, 1.0])) ** 2)
    forms = {
        "labels": lambda: said,
        "series": lambda: pd.Series(said, index=frame.index),
        "list": said.tolist,
        "column": lambda: pd.DataFrame({"said": said}),
        "chance": lambda: pd.DataFrame({"no": 1 - p, "yes": p}),
        "frame": lambda: pd.DataFrame({"prediction": said, "p": p, "other": 0}),
        "dict": lambda: {"prediction": said, "p": p},
        "chances": lambda: pd.DataFrame(near / near.sum(axis=1)[:, None], columns=list("012")),
    }
    return forms[how]()


SCORE = {"chance": "predict_proba", "chances": "predict_proba", "frame": "p", "dict": "p"}


class Here:
    """A runner whose worker answers in this process: MLflow is imported once for all models."""

    is_alive = True

    def load(self, folder, engine="auto"):
        self.worker = Worker(0, 0)
        self.worker._load({"folder": str(folder), "engine": engine})
        self.engine = engine
        return Loaded(0.0, 0.0, engine)

    def predict(self, table, *, engine=None):
        return checked(frame_to_column(self._ask(table, engine)), table.num_rows)

    def answer(self, table, score, *, engine=None):
        return frame_to_scored(self._ask(table, engine, score=score), table.num_rows)

    def answer_each(self, tables, score=""):
        return [self.answer(each, score) if score else self.predict(each) for each in tables]

    def _ask(self, table, engine, **more):
        header = {"op": "predict", "engine": engine or self.engine, **more}
        return self.worker._do(header, table, {"id": 0})

    def close(self):
        pass


def subject(folder, tmp_path, task, score=""):
    model = describe(str(folder), folder, ModelVersion("toy", ""))
    (tmp_path / "spool").mkdir(parents=True, exist_ok=True)
    negative, positive = ("no", "yes") if task == "binary" else (0, 1)
    spec = SubjectSpec(model, "pyfunc", positive, task, score, 0.5, negative)
    return Subject(spec, tmp_path / "spool", Here)


def holdout(tmp_path, truth, columns=None):
    frame = rows()[columns] if columns else rows()
    table = pa.Table.from_pandas(frame, preserve_index=False).append_column("y", pa.array(truth))
    if "kind" in table.column_names:  # a category is words with a dictionary
        place = table.column_names.index("kind")
        coded = table["kind"].cast(pa.string()).dictionary_encode()
        table = table.set_column(place, "kind", coded)
    parquet.write_table(table, tmp_path / "holdout.parquet")
    return open_holdout(DataSpec(path="holdout.parquet", target="y"), tmp_path)


@pytest.fixture(scope="module")
def python_model():
    import mlflow.pyfunc

    class Model(mlflow.pyfunc.PythonModel):
        def __init__(self, task, how):
            self.task, self.how = task, how

        def predict(self, context, model_input, params=None):
            return answer(self.task, self.how, model_input)

    return Model


def saved(save, folder, frame, *model, **more):
    from mlflow.models import infer_signature

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signature = infer_signature(frame, None)
        save(*model, path=folder, signature=signature, pip_requirements=["numpy"], **more)
    return folder


def measured(model, data, task):
    ask = Ask(0.95, 1, AccuracyGate())
    if task == "regression":
        return numbers.mae(model, data, ask=ask).value < 0.2
    return accuracy.overall(model, data, ask=ask).value > 0.95


@pytest.mark.parametrize(
    ("task", "how"), [(task, how) for task, forms in ANSWERS.items() for how in forms]
)
def test_a_python_model_may_answer_in_any_form(python_model, tmp_path, task, how):
    import mlflow.pyfunc

    frame = rows()
    example = frame[frame.isna().any(axis=1)].head(4)  # with a gap of every kind of column
    made = saved(
        mlflow.pyfunc.save_model,
        tmp_path / "model",
        frame,
        python_model=python_model(task, how),
        input_example=example,
    )
    model = subject(made, tmp_path, task, SCORE.get(how, ""))
    truth = TRUTH[task](frame["number"].to_numpy())
    data = holdout(tmp_path, truth.astype(str) if how == "chances" else truth)
    optional = {c.name for c in model.candidate.signature.inputs if not c.required}
    assert optional == {"gap", "sure", "since", "maybe"}
    assert measured(model, data, task)
    if how in ("chance", "frame", "dict"):
        assert scores.auc(model, data, ask=Ask(0.95, 1, AccuracyGate())).low > 0.95
    if how == "chances":
        assert scores.log_loss(model, data, ask=Ask(0.95, 1, AccuracyGate())).value < 0.3
    assert parity.disagreements(model, data, ask=Ask(0.95, 1, ParityGate())).value == 0
    ask = Ask(0.95, 1, SchemaGate(examples=5))
    for look in (schema_cells.empty_cell, schema_cells.left_out, schema_example.example):
        found = look(model, data, ask=ask)
        assert (found.value, found.detail) == (0, ())
        assert found.n
    drifted = drift.of_predictions(model, data, data, ask=Ask(0.95, 1, DriftGate()))
    assert drifted.value == 0


@pytest.mark.parametrize("task", list(ANSWERS))
@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosting_of_another_library_gives_labels_and_scores(tmp_path, library, task):
    import importlib

    flavor = importlib.import_module(f"mlflow.{library}")
    module = importlib.import_module(library)
    kind = "Regressor" if task == "regression" else "Classifier"
    quiet = {"verbosity": 0} if library == "xgboost" else {"verbose": -1}
    made = getattr(module, {"xgboost": "XGB", "lightgbm": "LGBM"}[library] + kind)
    frame = rows()[NUMBERS]
    truth = TRUTH[task](frame["number"].to_numpy())
    if task == "binary":
        truth = (truth == "yes").astype(int)
    fitted = made(n_estimators=40, n_jobs=1, **quiet).fit(frame, truth)
    folder = saved(flavor.save_model, tmp_path / "model", frame, fitted)
    model = subject(folder, tmp_path, task)
    model.positive = 1
    data = holdout(tmp_path, truth, NUMBERS)
    assert np.array_equal(model.predictions(data), fitted.predict(frame))
    assert measured(model, data, task)
    if task != "regression":
        by_score = subject(folder, tmp_path / "scores", task, "predict_proba")
        by_score.positive = 1
        given = fitted.predict_proba(frame)
        assert np.allclose(by_score.scores(data), given[:, 1] if task == "binary" else given)


def test_scores_of_two_values_are_no_ranking(python_model, tmp_path):
    import mlflow.pyfunc

    class Hard(python_model):
        def predict(self, context, model_input, params=None):
            return answer("binary", "chance", model_input).round()

    model = Hard("binary", "chance")
    made = saved(mlflow.pyfunc.save_model, tmp_path / "model", rows(), python_model=model)
    data = holdout(tmp_path, TRUTH["binary"](rows()["number"].to_numpy()))
    candidate = subject(made, tmp_path, "binary", "predict_proba")
    found = scores.auc(candidate, data, ask=Ask(0.95, 1, AccuracyGate()))
    assert decide(found, ">=", 0.5).outcome is Outcome.FAILED
    assert "2 different scores" in " ".join((found.method, *found.detail))
