"""A file's rows in parts and blocks: all of them, once, the same from every format."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, ipc, parquet

from gatekit import parts
from gatekit.data import Streams, open_holdout, open_sample
from gatekit.errors import DataError
from gatekit.parts import blocks, column_names, find_parts
from gatekit.policy import DataSpec, SampleSpec
from gatekit.scoring.signature import Column, Signature

SIGNATURE = Signature((Column("x", "double"),))
N = 1000
TABLE = pa.table(
    {
        "x": np.arange(N) / 8,
        "word": [f"w{i % 7}" for i in range(N)],
        "label": np.arange(N) % 2,
    }
)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(parts, "BLOCK", 64)


def write(path, table=TABLE, rows=150):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=rows)
    elif path.suffix == ".csv":
        csv.write_csv(table, path)
    else:
        with ipc.new_file(str(path), table.schema) as sink:
            sink.write_table(table, max_chunksize=rows)
    return path


@pytest.mark.parametrize("name", ["h.parquet", "h.csv", "h.arrow"])
def test_the_parts_hold_every_row_once_in_blocks_of_one_size(tmp_path, small_blocks, name):
    found = find_parts(write(tmp_path / name))
    assert sum(part.rows for part in found) == N
    assert len(found) == (1 if name == "h.csv" else 7)
    read = [list(blocks(part, ["word", "x"])) for part in found]
    for part, tables in zip(found, read, strict=True):
        sizes = [table.num_rows for table in tables]
        assert sum(sizes) == part.rows
        assert set(sizes[:-1]) <= {64}
        assert 0 < sizes[-1] <= 64
        assert all(table["x"].num_chunks == 1 for table in tables)
    whole = pa.concat_tables([table for tables in read for table in tables])
    assert whole.equals(TABLE.select(["word", "x"]))


def test_folders_that_spell_out_columns_are_columns(tmp_path):
    folder = tmp_path / "data"
    for year, land in ((2024, "ch"), (2025, "de")):
        write(folder / f"year={year}" / f"land={land}" / "a.parquet", rows=400)
    write(folder / "year=2025" / "land=de" / ".half.parquet")
    found = find_parts(folder, spelled=True)
    assert found[0].id == "year=2024/land=ch/a.parquet#0"
    assert set(column_names(found)) == {"x", "word", "label", "year", "land"}
    table = next(blocks(found[-1], ["land", "x", "year"]))
    assert table.select(["land", "year"]).slice(0, 1).to_pylist() == [{"land": "de", "year": 2025}]
    spec = DataSpec(path="data", target="label", sensitive=(("land",),), slices=(("year",),))
    held = open_holdout(spec, tmp_path)
    streamed = open_holdout(spec, tmp_path, Streams(1500))
    assert held.sha256 == streamed.sha256
    assert (held.rows, streamed.rows, held.is_streamed, streamed.is_streamed) == (
        2 * N,
        2 * N,
        False,
        True,
    )
    assert held.groups("year")[0] == ("2024", "2025")
    streamed.check(SIGNATURE)
    assert streamed.pilot.groups("land")[0] == ("ch", "de")


def test_a_column_that_one_file_lacks_is_empty_there(tmp_path):
    write(tmp_path / "log" / "1.parquet", TABLE)
    write(tmp_path / "log" / "2.parquet", TABLE.drop_columns(["word", "label"]))
    spec = SampleSpec(path="log")
    held, streamed = (
        open_sample(spec, "current", "label", tmp_path, streams) for streams in (None, Streams(10))
    )
    columns = ["word", "x", "label"]
    read = [table for part in streamed.parts for table in blocks(part, columns)]
    whole = pa.concat_tables(read, promote_options="permissive")
    assert whole.equals(held.table.select(columns))
    assert whole["word"].null_count == N
    assert streamed.pilot.table.schema.equals(held.table.schema)


def test_a_holdout_streams_above_a_size_or_when_it_is_asked_to(tmp_path):
    write(tmp_path / "h.parquet")
    write(tmp_path / "h.csv")

    def opened(name, streams):
        return open_holdout(DataSpec(path=name, target="label"), tmp_path, streams).is_streamed

    assert not opened("h.parquet", None)
    assert not opened("h.parquet", Streams(N))
    assert opened("h.parquet", Streams(N - 1))
    assert not opened("h.csv", Streams(1))  # how many rows it has is not known before it is read
    assert opened("h.csv", Streams(N, always=True))


def test_what_streams_gives_a_pilot_and_never_all_its_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", 60)
    spec = DataSpec(path=write(tmp_path / "h.parquet").name, target="label")
    holdout = open_holdout(spec, tmp_path, Streams(10))
    with pytest.raises(DataError, match=r"streams: its 1,000 rows .* Ask holdout.pilot"):
        holdout.y  # noqa: B018
    pilot = holdout.pilot
    assert pilot.rows == 56  # 8 of each of 7 row groups
    assert pilot.sha256 != holdout.sha256
    assert not pilot.is_streamed
    assert pilot.pilot is pilot
    again = open_holdout(spec, tmp_path, Streams(10)).pilot
    assert again.table.equals(pilot.table)
    assert float(np.ptp(pilot.column("x"))) > 100  # from all over the file


def test_parts_without_rows_are_none(tmp_path):
    path = write(tmp_path / "h.parquet", TABLE.slice(0, 0))
    assert find_parts(path) == ()
