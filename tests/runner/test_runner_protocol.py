"""Frames survive the way in any pieces; nonsense is told from them before it costs memory."""

import numpy as np
import pyarrow as pa
import pytest

from gatekit.runner.environment import child_environment
from gatekit.runner.protocol import (
    MAGIC,
    MAX_BODY,
    PREFIX,
    Assembly,
    Frame,
    Garbage,
    array_to_frame,
    bytes_to_table,
    encode,
    frame_to_column,
    table_to_bytes,
)
from gatekit.runner.worker import describe


def passed(frame, size=7):
    assembly, data = Assembly(), b"".join(encode(frame))
    while wanted := assembly.wanted:
        piece, data = data[: min(size, wanted)], data[min(size, wanted) :]
        assembly.buffer += piece
    assert not data
    return assembly.frame()


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i4", "i8", ">i8", "f2", "f4", "f8", ">f8"])
def test_numbers_come_back_as_they_were(dtype):
    array = np.array([0, 1, 1, 0, 1], dtype)
    back = frame_to_column(passed(array_to_frame({"id": 1}, array)))
    assert np.array_equal(back, array)
    assert back.dtype == array.dtype.newbyteorder("=")


def test_words_and_empty_ones_come_back():
    back = frame_to_column(passed(array_to_frame({}, np.array(["a", None, "c"], object))))
    assert back.to_pylist() == ["a", None, "c"]


@pytest.mark.parametrize(
    "array", [np.array([1, "a"], object), np.array([1j]), np.array(["2026"], "M8[s]")]
)
def test_other_types_are_no_predictions(array):
    with pytest.raises(TypeError):
        array_to_frame({}, array)


def test_a_table_comes_back():
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    assert bytes_to_table(passed(Frame({}, table_to_bytes(table)), 999).body).equals(table)


@pytest.mark.parametrize(
    "data",
    [
        b"x" * PREFIX.size,
        PREFIX.pack(MAGIC, 1 << 21, 0),
        PREFIX.pack(MAGIC, 2, MAX_BODY + 1),
        PREFIX.pack(MAGIC, 2, 0) + b"{]",
        PREFIX.pack(MAGIC, 2, 0) + b"[]",
    ],
)
def test_nonsense_is_garbage(data):
    with pytest.raises(Garbage):
        Assembly(bytearray(data)).frame()


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"array": "O", "rows": 1},
        {"array": "<f8", "rows": 2},
        {"array": "<f8", "rows": "1"},
        {"array": "<f8,<f8", "rows": 1},
        {"array": "arrow"},
    ],
)
def test_an_array_that_is_not_as_its_header_says_is_garbage(header):
    with pytest.raises(Garbage):
        frame_to_column(Frame(header, b"12345678"))


def test_an_error_holds_no_cell_of_the_data():
    table = pa.table({"name": ["Alice", "Bob"], "x0": [1.0, 2.0]})
    said = describe(ValueError("unknown 'Alice' in column 'name'\nrow: Bob"), table)
    assert said["message"] == "unknown '...' in column 'name'"
    rows = (
        "Failed to enforce schema of data '    name\n0  Alice' with schema. Error: Model is missing"
    )
    assert describe(RuntimeError(rows), table)["message"] == "Model is missing"


def test_only_what_is_on_the_list_passes(tmp_path):
    named = ("PATH", "LC_ALL", "TZ", "OMP_NUM_THREADS")
    secret = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_URI", "CI_JOB_TOKEN", "AWS_SECRET_ACCESS_KEY",
              "API_KEY", "PYTHONSTARTUP", "LD_PRELOAD", "HOME")  # fmt: skip
    child = child_environment(tmp_path, dict.fromkeys((*named, *secret), "given"))
    assert {name for name, value in child.items() if value == "given"} == set(named)
    assert child["HOME"] == child["TMPDIR"] == str(tmp_path)
