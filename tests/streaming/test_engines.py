"""One contract for every engine: the same evidence to the byte, and errors that name the part."""

import os
import signal
import threading
import time
from dataclasses import replace

import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.data import Streams, open_holdout
from gatekit.errors import CandidateError, DataError, ModelMisbehaved, UsageProblem
from gatekit.means import OfMeans
from gatekit.parts import blocks
from gatekit.scoring.signature import Column, Signature
from gatekit.streaming.engines import open_engine
from gatekit.streaming.local import LocalEngine
from gatekit.streaming.names import ALL
from gatekit.streaming.question import CANDIDATE
from gatekit.streaming.reconciling import reconciled
from gatekit.streaming.spread import SampleQuestion, seek, seek_rows
from gatekit.streaming.task import Task
from gatekit.testing import write_toy

TWO = "local, two processes"


def missing(what):
    if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
        pytest.fail(f"{what} is not installed, and GATEKIT_REQUIRE_ALL=1")
    pytest.skip(f"{what} is not installed")


@pytest.fixture(scope="session")
def cluster():
    """A Dask scheduler with two workers, each a process of its own."""
    try:
        from distributed import LocalCluster
    except ModuleNotFoundError:
        missing("dask")
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as made:
        yield made


@pytest.fixture
def engine(request, streamed):
    kind = request.param
    if kind == TWO:
        return LocalEngine(streamed.open, 2)
    if kind == "dask":
        address = request.getfixturevalue("cluster").scheduler_address
        return open_engine(address.replace("tcp", "dask"), streamed.open, 1)
    if os.environ.get("GATEKIT_SPARK_TEST") != "1":
        pytest.skip("make spark-test")
    return open_engine("spark://local[2]", streamed.open, 1)


def each(*names):
    return pytest.mark.parametrize("engine", names, indirect=True)


@pytest.fixture(scope="session")
def expected(streamed):
    """The evidence of this machine, its counts compared with the plain ones."""
    engine = LocalEngine(streamed.open)
    found = reconciled(streamed.holdout.parts, engine.run(streamed.task, streamed.holdout.parts))
    rows = streamed.rows()
    right = (rows["x0"].to_numpy() >= 0) == rows["label"].to_numpy()
    assert found.rows == rows.num_rows
    assert found.labels[CANDIDATE].counts.trace() == right.sum()
    assert found.counts[ALL].total().tolist() == [int((~right).sum()), 0, 0, int(right.sum())]
    own, said = streamed.task.question.own, rows["x0"].to_numpy() >= 0
    means = own.means(own.measures[0], CANDIDATE, found.weighed, rows.num_rows)
    assert means.whole["calls"] == pytest.approx(said.mean(), rel=1e-9)
    assert len(set(means.made(own.measures[0].measure))) == 64
    return found.sha256


@each(TWO, "spark")  # dask: below, while a worker dies
def test_every_engine_gives_the_same_bytes(engine, streamed, expected):
    parts = streamed.holdout.parts
    assert len(parts) == 3
    assert reconciled(parts, engine.run(streamed.task, parts)).sha256 == expected


def sample_task(holdout):
    """What is asked of the rows of a sample alone."""
    signature = Signature((Column("x0", "double"),))
    sought = seek((holdout, holdout), signature, by_number=False)
    return Task(SampleQuestion(sought, seek_rows(holdout, holdout.pilot, signature)))


@each(TWO, "dask", "spark")
def test_every_engine_counts_a_sample_without_a_model_alike(engine, streamed):
    holdout, task = streamed.holdout, sample_task(streamed.holdout)
    local, found = (
        reconciled(holdout.parts, each.run(task, holdout.parts))
        for each in (LocalEngine(streamed.open), engine)
    )
    assert found.sha256 == local.sha256
    x = streamed.rows()["x0"].to_numpy()
    assert found.spread["input x0"].known == found.rows == x.size
    assert (found.spread["input x0"].least, found.spread["input x0"].most) == (x.min(), x.max())
    assert found.seen["rows"].flags().all()


def changed(streamed, tmp_path, column, values):
    """The same holdout with another column in place of one."""
    rows = streamed.rows()
    rows = rows.set_column(rows.column_names.index(column), column, values)
    parquet.write_table(rows, tmp_path / "holdout.parquet", row_group_size=700)
    return open_holdout(streamed.holdout.spec, tmp_path, Streams(10)).parts


@each(TWO)
def test_a_label_that_is_missing_is_an_error_that_names_the_part(engine, streamed, tmp_path):
    labels = streamed.rows()["label"].to_pylist()
    labels[1500] = None
    parts = changed(streamed, tmp_path, "label", pa.array(labels))
    with pytest.raises(DataError, match=r"holdout.parquet#2: column 'label' lacks 1 of 600"):
        reconciled(parts, engine.run(streamed.task, parts))


@each(TWO)
def test_an_own_measure_that_is_wrong_is_named_with_the_part(engine, streamed):
    wrong = OfMeans(lambda y, said: {"cost": y[:3], "calls": y}, len)
    own = streamed.task.question.own
    own = replace(own, measures=(replace(own.measures[0], measure=wrong),))
    task = replace(streamed.task, question=replace(streamed.task.question, own=own))
    said = r"holdout.parquet#\d: <lambda> gave 'cost' of shape \(3,\) for \d00 rows"
    with pytest.raises(DataError, match=said):
        list(engine.run(task, streamed.holdout.parts))


def with_model(streamed, folder):
    model, *others = streamed.task.models
    return replace(streamed.task, models=(replace(model, folder=str(folder)), *others))


@each("dask")
def test_workers_verify_what_they_were_sent(engine, streamed, tmp_path):
    folder = write_toy(tmp_path / "other", "probability", ("x0", "x1"), slope=9.0)
    task = with_model(streamed, folder)
    with pytest.raises(CandidateError, match=r"reached a worker with digest .* and not"):
        list(engine.run(task, streamed.holdout.parts))


@each(TWO)
def test_a_model_that_dies_is_named_with_the_part(engine, streamed, tmp_path):
    folder = write_toy(tmp_path / "crash", "crash", ("x0", "x1"))
    task = with_model(streamed, folder)
    with pytest.raises(ModelMisbehaved, match=r"holdout.parquet#\d: the candidate's process"):
        list(engine.run(task, streamed.holdout.parts))


def test_a_lost_worker_is_made_good_and_nothing_counts_twice(cluster, streamed, expected):
    from distributed import Client

    with Client(cluster.scheduler_address) as client:
        killed = threading.Event()

        def kill():
            for _ in range(2000):  # until a share is being counted
                if any(client.processing().values()):
                    break
                time.sleep(0.01)
            pids = client.run(os.getpid)
            os.kill(next(iter(pids.values())), signal.SIGKILL)
            killed.set()

        killer = threading.Thread(target=kill)
        killer.start()
        engine = open_engine(cluster.scheduler_address.replace("tcp", "dask"), streamed.open, 1)
        parts = streamed.holdout.parts
        found = reconciled(parts, engine.run(streamed.task, parts))
        killer.join()
        assert killed.is_set()
        client.wait_for_workers(2, timeout=60)
    assert found.sha256 == expected


def test_an_engine_that_is_not_there_is_said_so(streamed, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("gatekit.streaming.dask.SECONDS_TO_CONNECT", 0.2)
    engine = open_engine("dask://127.0.0.1:9", streamed.open, 1)
    with pytest.raises(UsageProblem, match=r"no Dask scheduler answers at 127.0.0.1:9"):
        list(engine.run(streamed.task, streamed.holdout.parts))


def test_an_engine_whose_package_is_missing_is_said_so(streamed, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    monkeypatch.delitem(__import__("sys").modules, "gatekit.streaming.dask", raising=False)
    with pytest.raises(UsageProblem, match=r"needs dask, which is not installed.*\[dask\]"):
        open_engine("dask://127.0.0.1:9", streamed.open, 1)


@each(TWO, "dask")
def test_a_file_that_changes_after_it_was_hashed_is_an_error_that_names_it(
    engine, streamed, tmp_path
):
    """The same rows, the same size, another time; and then it is gone. No model is asked."""
    task = sample_task(streamed.holdout)
    path = tmp_path / "holdout.parquet"
    parquet.write_table(streamed.rows(), path, row_group_size=700)
    parts = open_holdout(streamed.holdout.spec, tmp_path, Streams(10)).parts
    raw, before = path.read_bytes(), path.stat()
    path.write_bytes(raw)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1000))
    words = r"holdout.parquet#\d: .*has changed since it was hashed: as many bytes, "
    with pytest.raises(DataError, match=words):
        reconciled(parts, engine.run(task, parts))
    path.unlink()
    with pytest.raises(DataError, match=r"holdout.parquet is not there.*at the same path"):
        reconciled(parts, engine.run(task, parts))


def test_a_file_that_changes_while_it_is_read_is_an_error(streamed, tmp_path):
    path = tmp_path / "holdout.parquet"
    parquet.write_table(streamed.rows(), path, row_group_size=700)
    part = open_holdout(streamed.holdout.spec, tmp_path, Streams(10)).parts[0]
    read = blocks(part, ["x0"])
    assert next(read).num_rows == 700
    os.utime(path, ns=(0, 0))
    with pytest.raises(DataError, match=r"holdout.parquet has changed since it was hashed"):
        next(read)


def test_a_part_whose_rows_are_gone_is_an_error(streamed):
    parts = streamed.holdout.parts
    lying = (replace(parts[0], rows=701), *parts[1:])
    with pytest.raises(DataError, match=r"#0 has 701 rows by its metadata, and 700 were counted"):
        reconciled(lying, LocalEngine(streamed.open).run(streamed.task, lying))
