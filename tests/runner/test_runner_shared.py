"""Many rows cross in memory that a model may read and nothing else."""

import os

import numpy as np
import pyarrow as pa
import pytest

from gatekit.runner import shared
from gatekit.runner.forkserver import ForkServer
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.runner.shared import SharedRows, shared_table
from gatekit.testing import write_toy
from tests.runner.hostile import ways_to_write

ROWS = 20_000


def table(seed=1, rows=ROWS):
    random = np.random.default_rng(seed)
    words = pa.array(random.choice(["a", "b"], rows)).dictionary_encode()
    return pa.table({"x0": random.normal(size=rows), "word": words})


@pytest.fixture
def rows():
    made = SharedRows.opened()
    if made is None:
        pytest.skip("no sealed memory on this machine")
    yield made
    made.close()
    os.close(made.descriptor)


def test_a_table_comes_out_as_it_went_in_and_stays(rows):
    first, second = table(), table(2, 2 * ROWS)
    size = rows.put(first)
    assert size > first.nbytes
    out = shared_table(rows.descriptor, size)
    assert out.equals(first)
    assert shared_table(rows.descriptor, rows.put(second)).equals(second)
    assert out.equals(first)


def test_what_is_not_worth_it_or_too_large_crosses_the_pipe(rows, monkeypatch):
    assert not rows.put(table(rows=100))
    assert not rows.put(pa.table({"x": np.zeros(2000, np.int8)}))
    monkeypatch.setattr(shared, "ROOM", 1 << 17)
    small = SharedRows.opened()
    assert not small.put(table())
    small.close()
    assert not small.put(table(rows=4000))
    os.close(small.descriptor)


def test_nobody_writes_there_but_who_made_it(rows):
    rows.put(table())
    assert ways_to_write(rows.descriptor) == []
    plain = os.memfd_create("plain")
    os.ftruncate(plain, 1 << 16)
    assert len(ways_to_write(plain)) == 6  # a list of ways that never work proves nothing
    os.close(plain)


@pytest.fixture(scope="module")
def server():
    made = ForkServer.begin(())
    yield made
    if made is not None:
        made.close()


@pytest.mark.parametrize("forked", [False, True])
def test_a_model_behind_the_walls_is_asked_through_it(tmp_path, server, forked):
    folder = write_toy(tmp_path / "model", "threshold", ("x0",))
    rows = table().select(["x0"])
    with Runner(Limits(), tmp_path / "scratch", server=server if forked else None) as runner:
        runner.load(folder)
        if runner._talk.child.shared is None:
            pytest.skip("no sealed memory on this machine")
        few = [runner.predict(rows.slice(at, 500)) for at in range(0, ROWS, 500)]
        for _ in range(3):
            assert np.array_equal(runner.predict(rows), np.concatenate(few))
        assert runner.predict(rows.slice(7, 1)).tolist() == [few[0][7]]


def test_without_such_memory_all_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(SharedRows, "opened", lambda: None)
    rows = table().select(["x0"])
    with Runner(Limits(), tmp_path / "scratch") as runner:
        runner.load(write_toy(tmp_path / "model", "threshold", ("x0",)))
        assert np.array_equal(runner.predict(rows), rows["x0"].to_numpy() >= 0)
