"""What is drawn for the schema gate: values of every kind, and the same ones in every process."""

import json
import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gatekit.gates import drawing
from gatekit.gates.promises import Drawn, _each
from gatekit.gates.rows import Rows, table_of
from gatekit.scoring.signature import Column, Signature

KINDS = {"d": "double", "f": "float", "n": "long", "i": "integer", "c": "string", "t": "datetime"}
ODD = "ODD = (" + ", ".join(str(4000 + 7 * k) for k in range(300)) + ")\nFINE = (1234.5, 77.125)\n"


def rows(make_holdout):
    days = np.datetime64("2020-01-01", "ns") + np.arange(900) * np.timedelta64(1, "D")
    random = np.random.default_rng(3)
    table = pa.table(
        {
            "d": random.normal(4000, 900, 900),
            "f": random.normal(4000, 900, 900).astype(np.float32),
            "n": 2**60 + np.arange(900),
            "i": np.arange(900, dtype=np.int32) + 4000,
            "c": [f"word {k}" for k in range(900)],
            "t": days,
            "label": [0, 1] * 450,
        }
    )
    signature = Signature(tuple(Column(name, kind) for name, kind in KINDS.items()))
    return Rows(signature, make_holdout(table))


def drawn(strategy, number=100):
    found = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def look(value):
        found.append(value)

    look()
    return found


PROBE = """
import json, sys
sys.path.insert(0, sys.argv[1])
if len(sys.argv) > 2:
    import odd_constants
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from gatekit.gates import drawing

def drawn(strategy):
    found = []
    @settings(max_examples=150, derandomize=True, database=None, deadline=None,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy)
    def look(value):
        found.append(value)
    look()
    return found

numbers = [4000.0 + k for k in range(3000)]
ours = st.lists(drawing.by(drawing.together((
    drawing.floats(numbers),
    drawing.whole_numbers([int(n) for n in numbers]),
    drawing.one_of([str(n) for n in numbers]),
    drawing.perhaps_none(drawing.one_of([False, True])),
))), min_size=1, max_size=6)
print(json.dumps([drawn(ours), drawn(st.integers(4000, 7000))]))
"""


def test_the_same_is_drawn_whatever_is_loaded_beside(tmp_path):
    (tmp_path / "odd_constants.py").write_text(ODD, encoding="utf-8")

    def probe(*beside):
        command = [sys.executable, "-c", PROBE, str(tmp_path), *beside]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(said.stdout)

    (ours, plain), (again, otherwise) = probe(), probe("beside")
    assert plain != otherwise  # what Hypothesis does by itself: this test could fail
    assert ours == again


@pytest.mark.parametrize("size", [1, 2, 64, 65, 1000, 2**61])
def test_every_place_can_be_drawn_and_no_other(size):
    places = drawn(drawing.by(drawing.place(size)), 300)
    assert min(places) == 0
    assert max(places) < size
    assert len(set(places)) >= min(size, 60)
    assert max(places) >= 0.9 * (size - 1)


def test_values_are_those_seen_simple_ones_and_others_around(make_holdout):
    made = rows(make_holdout)
    tables = [table_of(batch, made.columns) for batch in drawn(made.batches(), 200)]
    seen = pa.concat_tables(tables).to_pydict()
    held = made._holdout.table.to_pydict()
    for name in "df":
        low, high = min(held[name]), max(held[name])
        hair = 1e-6 * (high - low)  # a number of 32 bits is rounded
        assert 2 * low - high - hair <= min(seen[name]) < 2 * low - high + 0.2 * (high - low)
        assert 2 * high - low + hair >= max(seen[name]) > 2 * high - low - 0.2 * (high - low)
        assert 0.2 < np.mean(np.isin(seen[name], held[name])) < 0.6
    for name in "ni":
        assert {min(held[name]), max(held[name])} <= set(seen[name]) <= set(held[name])
    assert set(seen["c"]) <= set(held["c"])
    assert len(set(seen["c"])) > 100
    assert {len(table) for table in tables} == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("ends", [(-1.7e308, 1.7e308), (5e-324, 1e-323), (3.0, 3.0)])
def test_whatever_the_range_what_is_drawn_is_finite(ends):
    assert all(map(math.isfinite, drawn(drawing.by(drawing.floats(ends)))))


def test_the_simplest_is_nought():
    found = []

    def judge(batch):
        found.append(batch)
        raise AssertionError

    row = drawing.together([drawing.floats([-5.0, 1000.0])])
    strategy = st.lists(drawing.by(row), min_size=1, max_size=6)
    with pytest.raises(AssertionError):
        _each(judge, Drawn((), (), strategy), 20)
    assert found[-1] == [(0.0,)]
