"""Real MLflow models that give scores, behind a real runner; every type of column end to end."""

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
from gatekit.gates import accuracy, parity, schema, schema_cells, schema_example, scores
from gatekit.policy import DataSpec
from gatekit.policy_gates import AccuracyGate, SchemaGate
from gatekit.registry import ModelVersion
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
ASK = Ask(0.95, 1, AccuracyGate())


def frame():
    random = np.random.default_rng(1)
    n = 300
    x = random.normal(size=n)
    day = datetime.datetime(2020, 1, 1)  # noqa: DTZ001 - a column of plain moments
    return pd.DataFrame(
        {
            "number": x,
            "gap": np.where(random.random(n) < 0.1, np.nan, x),
            "whole": random.integers(0, 9, n),
            "flag": random.random(n) < 0.5,
            "word": random.choice(["a", "b"], n),
            "kind": random.choice(["p", "q"], n),
            "day": [day + datetime.timedelta(days=int(d)) for d in random.integers(0, 99, n)],
            "since": [None if d < 9 else day for d in random.integers(0, 99, n)],
            "maybe": pd.Series([None if d < 9 else "m" for d in random.integers(0, 99, n)]),
            "churn": np.where(x + random.normal(0, 0.5, n) > 0, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def pipeline():
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    data = frame()
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), ["word", "kind"]),
        (SimpleImputer(), ["gap"]),
        ("passthrough", ["number", "whole", "flag"]),
        ("drop", ["day", "since", "maybe"]),
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    return model.fit(data.drop(columns="churn"), data["churn"])


@pytest.fixture(scope="module")
def saved(pipeline, tmp_path_factory):
    """Folders of the same pipeline, saved to give labels and to give probabilities."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.sklearn
    from mlflow.models import infer_signature

    data = frame().drop(columns="churn")
    folders = {}
    for how in ("predict", "predict_proba"):
        folders[how] = tmp_path_factory.mktemp("models") / how
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mlflow.sklearn.save_model(
                pipeline,
                folders[how],
                signature=infer_signature(data, getattr(pipeline, how)(data)),
                input_example=data.dropna().head(3),
                pyfunc_predict_fn=how,
                pip_requirements=["scikit-learn"],
                skops_trusted_types=["numpy.dtype"],
            )
    return folders


@pytest.fixture
def subject(forks, tmp_path):
    made = []

    def make(folder):
        model = describe(str(folder), folder, ModelVersion("toy", ""))

        def start():
            runner = Runner(Limits(), tmp_path / "scratch", server=forks)
            runner.start()
            return runner

        (tmp_path / "spool").mkdir(exist_ok=True)
        spec = SubjectSpec(model, "native", "yes", "binary", "predict_proba", 0.5, "no")
        made.append(Subject(spec, tmp_path / "spool", start))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def holdout(tmp_path):
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    kind = table.column_names.index("kind")
    table = table.set_column(kind, "kind", table["kind"].cast(pa.string()).dictionary_encode())
    parquet.write_table(table, tmp_path / "holdout.parquet")
    return open_holdout(DataSpec(path="holdout.parquet", target="churn"), tmp_path)


@pytest.mark.parametrize("how", ["predict", "predict_proba"])
def test_a_pipeline_over_every_type_of_column_gives_its_scores(
    saved, subject, holdout, pipeline, how
):
    from sklearn.metrics import roc_auc_score

    model = subject(saved[how])
    data = frame()
    p = pipeline.predict_proba(data.drop(columns="churn"))[:, 1]
    assert np.allclose(model.scores(holdout), p, atol=1e-12)
    assert model.predictions(holdout).tolist() == list(pipeline.predict(data))
    auc = scores.auc(model, holdout, ask=ASK)
    assert auc.value == pytest.approx(roc_auc_score(data["churn"] == "yes", p), abs=1e-12)
    assert accuracy.overall(model, holdout, ask=ASK).value > 0.8
    assert parity.disagreements(model, holdout, ask=ASK).value == 0
    assert model.timings(holdout, 3).shape == (3,)


PROMISES = (
    schema.unanswered,
    schema.batch_dependence,
    schema.order_dependence,
    schema.nondeterminism,
    schema.disturbed_input,
    schema.improbable,
    schema_cells.empty_cell,
    schema_cells.left_out,
    schema_cells.casting,
    schema_example.example,
)


def test_a_pipeline_over_every_type_of_column_keeps_its_promises(saved, subject, holdout):
    model = subject(saved["predict_proba"])
    columns = {c.name: (c.type, c.required) for c in model.candidate.signature.inputs}
    assert columns["gap"] == ("double", False)
    assert columns["since"] == ("datetime", False)
    assert columns["maybe"] == ("string", False)
    assert {kind for kind, _ in columns.values()} >= {"long", "boolean", "string"}
    ask = Ask(0.95, 1, SchemaGate(examples=6))
    found = {look.__name__: look(model, holdout, ask=ask) for look in PROMISES}
    assert {name: each.detail for name, each in found.items() if each.value} == {}
    assert all(each.n for each in found.values())
    # scikit-learn's encoder raises ValueError for a word that it has not seen
    strange = schema_cells.unseen_category(model, holdout, ask=ask)
    assert strange.value == 0
    answer = Ask(0.95, 1, SchemaGate(examples=6, unseen="answer"))
    said = schema_cells.unseen_category(model, holdout, ask=answer)
    assert "the policy says answer: the candidate raised ValueError" in said.detail[0]
