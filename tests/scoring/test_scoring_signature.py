"""The signature is read from MLmodel as MLflow wrote it, and rows are made to fit it."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from gatekit.errors import CandidateError, DataError, ModelMisbehaved
from gatekit.scoring.engines import choose_engine, labels, load_engine
from gatekit.scoring.signature import TYPES, Column, Signature, arrow_type, read_signature
from gatekit.scoring.tables import conform, to_array, to_columns, to_frame
from gatekit.testing import toy_holdout, write_toy


def described(folder, inputs):
    folder.mkdir(exist_ok=True)
    (folder / "MLmodel").write_text(yaml.safe_dump({"signature": {"inputs": inputs}}))
    return folder


def one(type_, name="a"):
    return Signature((Column(name, type_),))


def test_columns_are_read_in_order(tmp_path):
    inputs = (
        '[{"type": "long", "name": "b", "required": true}, '
        '{"type": "string", "name": "a", "required": false}, {"type": "double", "name": "c"}]'
    )
    signature = read_signature(described(tmp_path, inputs))
    assert signature.inputs == (
        Column("b", "long"),
        Column("a", "string", required=False),
        Column("c", "double"),
    )
    assert signature.names == ("b", "a", "c")
    assert not signature.is_numeric
    assert Signature.from_dict(signature.as_dict()) == signature


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ('[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}]', "tensor"),
        ('[{"type": "double"}]', "without a name"),
        ('[{"type": "array", "name": "a"}]', "of type 'array'"),
        ('[{"type": "double", "name": "a"}, {"type": "long", "name": "a"}]', "'a' twice"),
        ("[]", "no input column"),
        ('{"a": 1}', "not a list"),
        ("nonsense", "not valid JSON"),
    ],
)
def test_what_gatekit_cannot_read_is_said(tmp_path, inputs, said):
    with pytest.raises(CandidateError, match=said):
        read_signature(described(tmp_path, inputs))


def test_a_model_without_a_signature_has_none(tmp_path):
    (tmp_path / "MLmodel").write_text("flavors: {}")
    assert read_signature(tmp_path) is None


def test_importing_and_reading_stay_light(tmp_path):
    write_toy(tmp_path / "toy", "threshold")
    script = (
        "import sys, pathlib; from gatekit.scoring.engines import choose_engine\n"
        "import gatekit.runner.process, gatekit.runner.worker\n"
        "assert choose_engine(pathlib.Path(sys.argv[1])) == 'native'\n"
        "print([n for n in ('mlflow', 'pandas', 'sklearn', 'scipy') if n in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "toy")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("type_", TYPES)
def test_each_type_has_an_arrow_type_that_fits_itself(type_):
    table = pa.table({"a": pa.array([], arrow_type(type_))})
    assert conform(table, one(type_)).schema == table.schema


@pytest.mark.parametrize(
    ("values", "type_", "becomes"),
    [
        (pa.array([1, 2]), "double", [1.0, 2.0]),
        (pa.array([1.0, 2.0]), "long", [1, 2]),
        (pa.array([1, 2], pa.int32()), "long", [1, 2]),
        (pa.array(["x", None]).dictionary_encode(), "string", ["x", None]),
        (pa.array([1.5, None]), "double", [1.5, None]),
        (pa.array([None, None]), "double", [None, None]),
    ],
)
def test_a_value_is_cast_where_it_stays_the_same(values, type_, becomes):
    assert conform(pa.table({"a": values}), one(type_))["a"].to_pylist() == becomes


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([3.5], "long"),
        (["1"], "double"),
        ([1], "string"),
        ([True], "long"),
        ([1], "boolean"),
        ([2**53 + 1], "double"),
        ([1, None], "long"),
        ([True, None], "boolean"),
        ([2**40], "integer"),
    ],
)
def test_a_value_that_would_change_is_refused(values, type_):
    with pytest.raises(DataError, match="'a'"):
        conform(pa.table({"a": values}), one(type_))


def test_an_optional_boolean_may_be_empty():
    signature = Signature((Column("a", "boolean", required=False),))
    table = conform(pa.table({"a": [True, None]}), signature)
    assert table["a"].to_pylist() == [True, None]
    assert to_frame(table)["a"].tolist() == [True, None]  # what MLflow takes for a boolean
    (array,) = to_columns(table)
    assert np.isnan(array).tolist() == [False, True]


def test_surplus_columns_go_and_order_is_the_models():
    table = pa.table({"z": [1], "b": [1.0], "a": [2.0]})
    signature = Signature(
        (Column("a", "double"), Column("b", "double"), Column("c", "double", False))
    )
    assert conform(table, signature).to_pydict() == {"a": [2.0], "b": [1.0]}


def test_an_array_is_what_the_frame_would_become():
    table = pa.table({"a": [1, 2], "b": [0.5, None], "c": [True, False]})
    assert np.array_equal(to_array(table), [[1, 0.5, 1], [2, np.nan, 0]], equal_nan=True)
    single = pa.table({"a": pa.array([1, 2], pa.float32())})
    assert to_array(single).dtype == np.float32
    assert to_frame(single).dtypes["a"] == np.float32


@pytest.mark.parametrize(
    "raw",
    [
        np.array([0, 1]),
        np.array([[0], [1]]),
        [0, 1],
        pd.Series([0, 1], index=[5, 9]),
        pd.DataFrame({"p": [0, 1]}),
    ],
)
def test_labels_are_one_array(raw):
    assert labels(raw).tolist() == [0, 1]
    assert labels(raw).ndim == 1


def test_words_are_objects_whatever_held_them():
    for raw in (["a", "b"], np.array(["a", "b"]), pd.Series(["a", "b"])):
        assert labels(raw).dtype == object
        assert labels(raw).tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (np.zeros((3, 2)), "3 x 2 array"),
        (np.float64(1), "returned a float64"),
        (np.array(1.0), "single value"),
        ("yes", "returned a str"),
        (None, "returned a NoneType"),
        ([[1], [1, 2]], "unequal length"),
        (pd.DataFrame({"a": [1], "b": [2]}), "1 x 2 array"),
    ],
)
def test_what_is_no_prediction_is_said(raw, said):
    with pytest.raises(ModelMisbehaved, match=said):
        labels(raw)


def test_a_wrong_share_is_steered_and_belongs_to_the_row(tmp_path):
    import pyarrow.parquet as pq

    table = pq.read_table(toy_holdout(tmp_path / "h.parquet", 4000, 3, groups=("g",)))
    engine = load_engine(write_toy(tmp_path / "toy", "threshold", wrong=0.1), "native")
    wrong = engine.predict(table) != table["label"].to_numpy()
    assert 0.085 < wrong.mean() < 0.115
    backwards = table.take(list(range(3999, -1, -1)))
    again = engine.predict(backwards) != backwards["label"].to_numpy()
    assert np.array_equal(again[::-1], wrong)
    assert set(table["g"].to_pylist()) == {"a", "b"}
    assert table.equals(pq.read_table(toy_holdout(tmp_path / "i.parquet", 4000, 3, groups=("g",))))


def test_an_engine_must_be_known(tmp_path):
    folder = write_toy(tmp_path / "toy", "threshold")
    assert choose_engine(folder, "pyfunc") == "pyfunc"
    with pytest.raises(CandidateError, match="'fast' is no engine"):
        choose_engine(folder, "fast")
