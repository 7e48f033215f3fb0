"""The inference log: what lies in it, what it may cost, and the monitor that reads it."""

import json
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit import cli
from gatekit.errors import DataError
from gatekit.monitoring.logged import labelled, read_labels, read_log
from gatekit.scoring.casting import Decoder
from gatekit.scoring.signature import Column, Signature
from gatekit_service import inferences
from gatekit_service.app import create_app
from gatekit_service.inferences import InferenceLog, table_of
from gatekit_service.state import Answered

from .conftest import NAME, served, wait_for

SIGNATURE = Signature(
    (
        Column("x", "double"),
        Column("n", "long"),
        Column("city", "string", required=False),
        Column("at", "datetime"),
        Column("on", "boolean"),
    )
)


def answer(request, rows, predictions, version="3"):
    model = SimpleNamespace(
        model=NAME, version=version, digest="d" * 64, decoder=Decoder.of(SIGNATURE)
    )
    return Answered(request, "/predict", 200, 1.0, model, rows, predictions)


def row(x, city="Bern"):
    return [x, 4, city, "2026-01-31T12:00:00", True]


def wrote(folder, *answers, share=1.0, most_mb=100.0):
    """What the log of these answers counts, after it was closed."""
    counts = Counter()
    log = InferenceLog(folder, share, most_mb, counts)
    log.start()
    for each in answers:
        log.offer(each)
    log.stop()
    log._thread.join(300)  # on a busy machine its first imports take longer than a service waits
    return counts


def test_a_log_has_the_types_of_the_signature_and_who_asked(tmp_path):
    answers = (answer("r1", [row(0.5), row(1.5, None)], [0, 1]), answer("r2", [row(2.5)], [1]))
    assert wrote(tmp_path, *answers) == {"written": 3}
    table = read_log(tmp_path, NAME).table
    assert table.schema.field("at").type == pa.timestamp("ns")
    assert table.column_names[:5] == list(SIGNATURE.names)
    assert table["x"].to_pylist() == [0.5, 1.5, 2.5]
    assert table["city"].to_pylist() == ["Bern", None, "Bern"]
    assert table["gatekit_request"].to_pylist() == ["r1", "r1", "r2"]
    assert table["gatekit_row"].to_pylist() == [0, 1, 0]
    assert table["gatekit_prediction"].to_pylist() == [0, 1, 1]
    assert set(table["gatekit_version"].to_pylist()) == {"3"}


def test_each_version_has_a_folder_and_the_one_that_answered_last_is_read(tmp_path):
    wrote(tmp_path, answer("a", [row(1.0)], [0], "9"))
    wrote(tmp_path, answer("b", [row(2.0)], [0], "10"))
    assert sorted(path.name for path in (tmp_path / NAME).iterdir()) == ["10", "9"]
    assert read_log(tmp_path, NAME).version == "10"
    assert read_log(tmp_path, NAME, "9").table["gatekit_request"].to_pylist() == ["a"]
    with pytest.raises(DataError, match="nothing of version 8") as told:
        read_log(tmp_path, NAME, "8")
    assert told.value.hint == "It has: 10, 9"


def test_a_written_file_is_never_changed(tmp_path):
    wrote(tmp_path, answer("a", [row(1.0)], [0]))
    (first,) = tmp_path.glob("*/*/*.parquet")
    before = first.read_bytes()
    wrote(tmp_path, answer("b", [row(1.0)], [0]))
    assert first.read_bytes() == before
    assert len(list(tmp_path.glob("*/*/*.parquet"))) == 2
    assert not list(tmp_path.glob("*/*/.*"))


def test_the_queue_is_bounded_and_what_it_drops_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(inferences, "QUEUE", 3)
    counts = Counter()
    log = InferenceLog(tmp_path, 1.0, 100.0, counts)  # not started: nothing takes from the queue
    for number in range(5):
        log.offer(answer(f"r{number}", [row(1.0), row(2.0)], [0, 1]))
    assert counts == {"dropped": 4}


def test_a_share_is_a_share(tmp_path):
    counts = Counter()
    log = InferenceLog(tmp_path, 0.25, 100.0, counts)
    log._dice.seed(4)
    for number in range(1000):
        log.offer(answer(f"r{number}", [row(1.0)], [0]))
    assert 200 < log._queue.qsize() < 300
    assert not counts


def test_the_oldest_files_go_when_it_grows(tmp_path):
    for number in range(6):
        wrote(tmp_path, answer(f"r{number}", [row(1.0)], [0]), most_mb=0.012)
    kept = read_log(tmp_path, NAME).table["gatekit_request"].to_pylist()
    size = sum(path.stat().st_size for path in tmp_path.glob("*/*/*.parquet"))
    assert size <= 0.012 * 2**20
    assert kept == [f"r{number}" for number in range(6)][-len(kept) :]
    assert 1 <= len(kept) < 6


def test_a_disk_that_refuses_costs_rows_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert wrote(tmp_path / "file", answer("r", [row(1.0)], [0])) == {"failed": 1}


def test_a_service_logs_what_it_answers_and_drains_when_it_ends(world, tmp_path):
    world.point(world.register())
    settings = world.settings(inferences=tmp_path / "log")
    with served(create_app(settings, world.opener)) as client:
        wait_for(lambda: client.health()["status"] == "ok", 60)
        body = json.dumps({"features": [[1, 0, 0, 0], [-1, 0, 0, 0]]}).encode()
        assert client.post("/predict", body, "application/json")[0] == 200
        assert client.post("/predict", b"{}", "application/json")[0] == 422
    table = read_log(tmp_path / "log", NAME).table
    assert table["x0"].to_pylist() == [1.0, -1.0]
    assert table["gatekit_prediction"].to_pylist() == [1, 0]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def logged_rows(folder, right, wrong):
    """A log in which so many rows are answered as their label says, and so many not; the labels."""
    n = right + wrong
    said = np.ones(n, dtype=int)
    wrote(folder / "log", *(answer(f"r{i}", [row(float(i))], [int(said[i])]) for i in range(n)))
    labels = pa.table(
        {"gatekit_request": [f"r{i}" for i in range(n)], "y": [1] * right + [0] * wrong}
    )
    parquet.write_table(labels, folder / "labels.parquet")
    (folder / "gates.toml").write_text(
        f'model = "{NAME}"\n[data.holdout]\npath = "h.parquet"\ntarget = "y"\n'
        "[gates.accuracy]\nfloor = 0.8\ntolerated_loss = 0.01\n"
    )
    return [
        "monitor",
        "--inferences",
        str(folder / "log"),
        "--labels",
        str(folder / "labels.parquet"),
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "outcome", "codes"),
    [(190, 10, "PASSED", (0, 0)), (100, 100, "FAILED", (1, 1)), (17, 3, "INCONCLUSIVE", (0, 1))],
)
def test_the_monitor_judges_as_the_gates_do(project, capsys, right, wrong, outcome, codes):
    command = logged_rows(project, right, wrong)
    assert cli.main(command) == codes[0]
    said = capsys.readouterr().out
    n = right + wrong
    assert said.startswith(f"churn-model version 3: {n} rows answered\n{n} of them have a label\n")
    assert outcome in said
    assert "accuracy.tolerated_loss: not monitored" in said
    assert max(map(len, said.splitlines())) <= 80
    assert cli.main([*command, "--strict", "--json"]) == codes[1]
    (bar,) = json.loads(capsys.readouterr().out)["bars"]
    assert (bar["key"], bar["outcome"].upper()) == ("accuracy.floor", outcome)
    assert bar["estimate"]["value"] == right / n


@pytest.mark.parametrize(("shift", "code"), [(0.0, 0), (2.0, 1)])
def test_the_monitor_sees_rows_that_moved_without_any_label(project, capsys, shift, code):
    x = np.random.default_rng(5).normal(size=1200)
    table = pa.table({"x": x[:600], "n": [4] * 600, "on": [True] * 600})
    parquet.write_table(table, project / "learnt.parquet")
    wrote(project / "log", answer("r", [row(float(v) + shift) for v in x[600:]], [1] * 600))
    (project / "gates.toml").write_text(
        f'model = "{NAME}"\n[data.holdout]\npath = "h.parquet"\ntarget = "y"\n'
        '[data.reference]\npath = "learnt.parquet"\n[gates.drift]\nks = 0.25\njoint_auc = 0.7\n'
    )
    assert cli.main(["monitor", "--inferences", str(project / "log"), "--json"]) == code
    said = json.loads(capsys.readouterr().out)
    (bar,) = said["bars"]
    assert (bar["key"], bar["outcome"].upper()) == ("drift.ks", ("PASSED", "FAILED")[code])
    assert said["not_monitored"] == ["drift.joint_auc"]


def test_labels_are_joined_by_request_and_row_and_a_retry_counts_once(tmp_path):
    one = answer("r1", [row(0.0), row(1.0), row(2.0)], [0, 1, 0])
    wrote(tmp_path, one, answer("r2", [row(3.0)], [1]), one)
    labels = pa.table(
        {"gatekit_request": ["r1", "r1", "gone"], "gatekit_row": [2, 0, 0], "y": [7, 5, 1]}
    )
    parquet.write_table(labels, tmp_path / "labels.parquet")
    rows = labelled(read_log(tmp_path, NAME), read_labels(tmp_path / "labels.parquet", "y"), "y")
    assert list(zip(rows["x"].to_pylist(), rows["y"].to_pylist(), strict=True)) == [
        (0.0, 5),
        (2.0, 7),
    ]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"gatekit_request": ["r1", "r1"], "y": [0, 1]}, "labels 1 rows more than once"),
        ({"request": ["r1"], "y": [0]}, "no column 'gatekit_request'"),
        ({"gatekit_request": ["r1"], "label": [0]}, "no column 'y'"),
        ({"gatekit_request": ["other"], "y": [0]}, "none of the 1 logged rows has a label yet"),
    ],
)
def test_labels_that_cannot_be_used_are_named(tmp_path, labels, words):
    wrote(tmp_path, answer("r1", [row(1.0)], [0]))
    parquet.write_table(pa.table(labels), tmp_path / "labels.parquet")
    with pytest.raises(DataError, match=words):
        labelled(read_log(tmp_path, NAME), read_labels(tmp_path / "labels.parquet", "y"), "y")


def test_a_log_that_is_not_there_and_a_time_without_answers(tmp_path):
    with pytest.raises(DataError, match="no inference log of churn-model"):
        read_log(tmp_path, NAME)
    wrote(tmp_path, answer("r1", [row(1.0)], [0]))
    with pytest.raises(DataError, match="was logged since"):
        read_log(tmp_path, NAME, since=datetime(2100, 1, 1, tzinfo=UTC))


def test_a_table_of_answers_keeps_their_order():
    at = datetime.now(UTC)
    table = table_of([(answer("b", [row(2.0)], [1]), at), (answer("a", [row(1.0)], [0]), at)])
    assert table["gatekit_request"].to_pylist() == ["b", "a"]
