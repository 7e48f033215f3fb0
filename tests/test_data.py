"""The holdout: the same rows from every format, no gaps, the pinned bytes."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, feather, ipc, parquet

from gatekit.data import open_holdout
from gatekit.errors import DataError
from gatekit.policy import DataSpec
from gatekit.scoring.signature import Column, Signature

TABLE = pa.table(
    {
        "age": [31.5, 47.0, 22.25, 60.0],
        "visits": [3, 0, 12, 7],
        "city": ["Bern", "Chur", "Bern", "Genf"],
        "group": ["a", "b", "b", "a"],
        "label": [1, 0, 0, 1],
    }
)
SIGNATURE = Signature((Column("city", "string"), Column("age", "double")))


def write(table, path):
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
    elif path.suffix == ".csv":
        csv.write_csv(table, path)
    elif path.suffix == ".feather":
        feather.write_feather(table, path)
    else:
        with ipc.new_file(str(path), table.schema) as sink:
            sink.write_table(table)
    return path


def opened(tmp_path, table=TABLE, name="h.parquet", **spec):
    write(table, tmp_path / name)
    fields = {"path": name, "target": "label", "sensitive": (("group",),), **spec}
    return open_holdout(DataSpec(**fields), tmp_path)


@pytest.mark.parametrize("name", ["h.parquet", "h.csv", "h.arrow", "h.feather"])
def test_every_format_holds_the_same(tmp_path, name):
    holdout = opened(tmp_path, name=name)
    assert holdout.sha256 == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert holdout.columns == ("age", "visits", "city", "group", "label")
    assert holdout.rows == 4
    assert holdout.table.equals(TABLE)
    assert holdout.y.tolist() == [1, 0, 0, 1]
    names, index = holdout.groups("group")
    assert names == ("a", "b")
    assert index.tolist() == [0, 1, 1, 0]
    assert holdout.features(SIGNATURE).equals(TABLE.select(["city", "age"]))
    holdout.check(SIGNATURE)


def test_a_column_that_is_not_required_may_be_absent(tmp_path):
    signature = Signature((*SIGNATURE.inputs, Column("fax", "string", required=False)))
    assert opened(tmp_path).features(signature).column_names == ["city", "age"]


GAPS = {
    "null label": ("label", pa.array([1, None, 0, 1]), 1),
    "nan label": ("label", pa.array([1.0, np.nan, np.nan, 1.0]), 2),
    "infinite label": ("label", pa.array([1.0, np.inf, 0.0, 1.0]), 1),
    "null group": ("group", pa.array(["a", None, None, None]), 3),
    "null and nan": ("label", pa.array([1.0, None, np.nan, 1.0]), 1),
}


@pytest.mark.parametrize(("column", "values", "missing"), GAPS.values(), ids=GAPS)
def test_a_gap_in_labels_or_groups_is_refused(tmp_path, column, values, missing):
    table = TABLE.set_column(TABLE.column_names.index(column), column, values)
    with pytest.raises(DataError, match=rf"column '{column}' lacks {missing} of 4 values"):
        opened(tmp_path, table).check(SIGNATURE)


def test_a_gap_in_a_feature_is_the_models_own_matter(tmp_path):
    table = TABLE.set_column(0, "age", pa.array([None, 47.0, np.nan, 60.0]))
    opened(tmp_path, table).check(SIGNATURE)


@pytest.mark.parametrize(
    ("column", "who"),
    [("label", "the policy"), ("group", "the policy"), ("age", "the model's signature")],
)
def test_a_missing_column_is_named_with_who_needs_it(tmp_path, column, who):
    holdout = opened(tmp_path, TABLE.drop_columns([column]))
    with pytest.raises(DataError, match=rf"no column '{column}', which {who} names.*It has: "):
        holdout.check(SIGNATURE)


def test_no_rows_prove_nothing(tmp_path):
    with pytest.raises(DataError, match="has no rows"):
        opened(tmp_path, TABLE.slice(0, 0)).check(SIGNATURE)


def test_the_pinned_bytes_or_none(tmp_path):
    sha256 = opened(tmp_path).sha256
    assert opened(tmp_path, sha256=sha256).rows == 4
    other = TABLE.slice(1)
    with pytest.raises(DataError, match=rf"the policy pins {sha256[:12]}"):
        opened(tmp_path, other, sha256=sha256)


def test_the_digest_changes_with_one_value(tmp_path):
    changed = TABLE.set_column(1, "visits", pa.array([3, 0, 12, 8]))
    assert opened(tmp_path).sha256 != opened(tmp_path, changed).sha256


def test_no_file_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no holdout at .*h.parquet"):
        open_holdout(DataSpec(path="h.parquet", target="label"), tmp_path)


@pytest.mark.parametrize("name", ["h.parquet", "h.arrow", "h.feather"])
def test_a_broken_file_is_an_error_in_one_line(tmp_path, name):
    (tmp_path / name).write_bytes(b"no data at all")
    with pytest.raises(DataError, match=f"{name} cannot be read") as caught:
        open_holdout(DataSpec(path=name, target="label"), tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unknown_format_is_an_error(tmp_path):
    (tmp_path / "h.xlsx").write_bytes(b"rows")
    with pytest.raises(DataError, match=r"h.xlsx: gatekit reads .parquet, .csv, .arrow, .feather"):
        open_holdout(DataSpec(path="h.xlsx", target="label"), tmp_path)
