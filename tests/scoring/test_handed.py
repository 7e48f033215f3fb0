"""A model that writes into its rows is seen, whatever it is handed; one that reads is not."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gatekit.scoring.handed import disturbance

FRAME = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["x", "y", None]})


def sets(frame):
    frame["a"] = 0.0


def adds(frame):
    frame["c"] = 1


def drops(frame):
    del frame["b"]


def turns(frame):
    frame.index = frame.index[::-1]


def reads(frame):
    return frame.assign(a=frame["a"] * 2)


def retypes(frame):
    frame["a"] = frame["a"].astype("float32")


@pytest.mark.parametrize(
    ("does", "words"),
    [
        (sets, "values changed in a"),
        (adds, "columns came, went or moved: c"),
        (drops, "columns came, went or moved: b"),
        (turns, "values changed in a, b, the index"),
        (retypes, "values changed in a"),
        (len, ""),
        (reads, ""),
    ],
)
def test_a_frame(does, words):
    assert disturbance(does, FRAME.copy()) == words


def test_an_array_and_columns():
    def writes(array):
        array[0] = 5

    gaps = np.array([[1.0, np.nan]])
    assert disturbance(writes, gaps.copy()) == "values changed in the array"
    assert disturbance(np.sum, gaps.copy()) == ""
    columns = [np.zeros(2), np.array(["a", "b"], dtype=object)]
    assert disturbance(lambda rows: writes(rows[1]), columns) == "values changed in column 1"
    assert disturbance(len, columns) == ""


def test_arrow_through_its_memory():
    def writes(table):
        address = table["a"].chunk(0).buffers()[1].address
        import ctypes

        ctypes.c_double.from_address(address).value = 9.0

    table = pa.table({"a": np.array([1.0, 2.0]), "b": [1, 2]})
    assert disturbance(lambda rows: rows["b"], table) == ""
    assert disturbance(writes, table) == "values changed in a"


class Wrapper:
    """MLflow's: hands its model a copy."""

    def __init__(self, model):
        self._predict_fn = model

    def predict(self, frame):
        return self._predict_fn(frame.copy())


def test_behind_mlflows_copy():
    wrapped = Wrapper(sets)
    assert disturbance(wrapped.predict, FRAME.copy()) == ""
    assert disturbance(wrapped.predict, FRAME.copy(), wrapped) == "values changed in a"
    assert wrapped._predict_fn is sets  # as it was

    def raises(frame):
        raise KeyError("a")

    broken = Wrapper(raises)
    with pytest.raises(KeyError):
        disturbance(broken.predict, FRAME.copy(), broken)
    assert broken._predict_fn is raises
