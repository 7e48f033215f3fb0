"""A holdout in an S3-compatible store is the holdout of the same files here: a real server's."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit import parts
from gatekit.data import Streams, open_holdout, open_sample
from gatekit.data_files import data_sha256
from gatekit.errors import DataError
from gatekit.parts import blocks
from gatekit.policy import DataSpec, SampleSpec
from gatekit.scoring.signature import Column, Signature
from gatekit.streaming.local import LocalEngine
from gatekit.streaming.reconciling import reconciled
from gatekit.streaming.spread import SampleQuestion, seek
from gatekit.streaming.task import Task

pytestmark = pytest.mark.slow
LARGE = Streams(10**9)


def opened(address, **more):
    return open_holdout(DataSpec(path=address, target="label", **more), None, LARGE)


def test_the_evidence_is_that_of_the_same_file_here(streamed, store):
    address = store(streamed.root, "churn")
    here = streamed.holdout
    there = open_holdout(replace(here.spec, path=f"{address}/holdout.parquet"), None, LARGE)
    assert there.is_streamed
    assert (there.sha256, there.rows, there.columns) == (here.sha256, here.rows, here.columns)
    assert there.pilot.table.equals(here.pilot.table)
    engine = LocalEngine(streamed.open)
    found = [
        reconciled(each.parts, engine.run(streamed.task, each.parts)) for each in (here, there)
    ]
    assert found[0].sha256 == found[1].sha256


def test_a_folder_has_the_digest_and_the_columns_of_its_files(tmp_path, store):
    for year in (2024, 2025):
        path = tmp_path / f"year={year}" / "a.parquet"
        path.parent.mkdir()
        parquet.write_table(pa.table({"x": [1.0, 2.0], "label": [0, 1]}), path)
    parquet.write_table(pa.table({"half": [1]}), tmp_path / "_half.parquet")
    address = store(tmp_path, "years")
    holdout = opened(f"{address}/")
    assert holdout.sha256 == data_sha256(tmp_path)
    assert holdout.columns == ("x", "label", "year")
    assert holdout.pilot.table["year"].to_pylist() == [2024, 2024, 2025, 2025]
    assert opened(address, sha256=holdout.sha256).sha256 == holdout.sha256
    with pytest.raises(DataError, match=r"years has sha256 .*, the policy pins 000"):
        opened(address, sha256="0" * 64)


def test_an_object_that_changes_after_it_was_hashed_is_an_error_that_names_it(
    tmp_path, store, streamed
):
    """Other rows of the same number, of the same size, written in the same second."""
    table, path = streamed.rows(), tmp_path / "h.parquet"
    parquet.write_table(table, path, compression="none", use_dictionary=False)
    address = store(tmp_path, "changing")
    holdout = open_holdout(replace(streamed.holdout.spec, path=address), None, LARGE)
    assert sum(table.num_rows for table in blocks(holdout.parts[0], ["x0"])) == holdout.rows
    first = holdout.stamps["h.parquet"]
    assert first[0] == str(path.stat().st_size)
    moved = table.set_column(0, "x0", pa.array(table["x0"].to_numpy() + 1))
    parquet.write_table(moved, path, compression="none", use_dictionary=False)
    store(tmp_path, "changing")
    words = r"h.parquet#0: s3://data/changing/h.parquet has changed since it was hashed"
    with pytest.raises(DataError, match=words):
        reconciled(holdout.parts, LocalEngine(streamed.open).run(streamed.task, holdout.parts))


def test_a_reference_in_a_store_is_the_reference_of_the_same_files_here(tmp_path, store):
    path = tmp_path / "day=1" / "a.parquet"
    path.parent.mkdir()
    table = pa.table({"x": np.arange(500) / 8, "word": ["a", "b"] * 250})
    parquet.write_table(table, path, row_group_size=200)
    address = store(tmp_path, "reference")
    here, there = (
        open_sample(SampleSpec(path=each), "reference", "label", tmp_path, Streams(10))
        for each in (".", address)
    )
    assert there.is_streamed
    assert (there.sha256, there.rows, there.columns) == (here.sha256, 500, ("x", "word"))
    signature = Signature((Column("x", "double"), Column("word", "string")))
    sought = seek((here, there), signature, by_number=False)
    task = Task(SampleQuestion(sought))
    found = [
        reconciled(each.parts, LocalEngine(None).run(task, each.parts)) for each in (here, there)
    ]
    assert found[0].sha256 == found[1].sha256
    assert found[0].spread["input word"].as_dict() == {"a": 250, "b": 250}
    with pytest.raises(DataError, match="only a run of gates reads those"):
        open_sample(SampleSpec(path=address), "reference", "label", tmp_path)
    with pytest.raises(DataError, match=r"no Parquet file at .*Correct data.reference.path"):
        open_sample(SampleSpec(path="s3://data/none"), "reference", "label", tmp_path, LARGE)


def test_only_the_columns_that_are_asked_for_are_read(tmp_path, store, monkeypatch):
    many = {f"c{at}": pa.array(range(at, at + 50_000)) for at in range(20)}
    path = tmp_path / "wide.parquet"
    parquet.write_table(pa.table(many), path, compression="none", use_dictionary=False)
    holdout = opened(store(tmp_path, "wide") + "/wide.parquet")
    read, source = [], parts.opened_object

    class Noted:
        """A file that notes how much of it was read."""

        closed = False

        def __init__(self, file):
            self.file, self.seek, self.tell = file, file.seek, file.tell

        def read(self, size=None):
            read.append(self.file.read(size))
            return read[-1]

        def close(self):
            self.closed = True

    @contextmanager
    def noted(address, stamp=()):
        with source(address, stamp) as file:
            yield pa.PythonFile(Noted(file), "r")

    monkeypatch.setattr(parts, "opened_object", noted)
    tables = list(blocks(holdout.parts[0], ["c3", "c7"]))
    assert sum(table.num_rows for table in tables) == 50_000
    assert 0 < sum(map(len, read)) < path.stat().st_size / 5


def test_what_is_not_there_is_said(store, closed_port, monkeypatch):
    with pytest.raises(DataError, match="no Parquet file at s3://data/nothing"):
        opened("s3://data/nothing")
    with pytest.raises(DataError, match=r"in a store, and no \.dvc file pins"):
        opened("s3://data/nothing", rev="v1")
    with pytest.raises(DataError, match="only a run of gates reads those"):
        open_holdout(DataSpec(path="s3://data/x", target="label"), None)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")  # a connection of its own
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(DataError, match=r"s3://data/x cannot be read: .*ACCESS_DENIED"):
        opened("s3://data/x")
    monkeypatch.setenv("AWS_ENDPOINT_URL", closed_port)
    with pytest.raises(DataError, match=r"s3://data/x cannot be read: .*AWS_ENDPOINT_URL"):
        opened("s3://data/x")
