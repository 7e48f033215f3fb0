"""The gates of a running service, against `python -m gatekit_service` and against liars."""

import json
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gatekit.candidate import describe
from gatekit.data import open_holdout
from gatekit.errors import PolicyError, ServiceProblem
from gatekit.evidence.histogram import Histogram
from gatekit.gate import NOT_APPLICABLE, Ask
from gatekit.gates import live, load, staging
from gatekit.gates.generator import LoadRun, generate
from gatekit.kept import NAMES
from gatekit.policy import DataSpec
from gatekit.policy_gates import LoadGate, StagingGate
from gatekit.registry import ModelVersion
from gatekit.registry.folder import FolderRegistry
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.service_client import LiveService
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec
from gatekit.testing import toy_holdout, write_toy
from gatekit_service.settings import Settings

from ..service.conftest import (  # noqa: TID252 - tests are no installed package
    service_process,
    wait_for,
)

TYPES = {"x0": "double", "visits_12": "long", "city": "string", "active": "boolean"}
ASK = Ask(0.95, 1, StagingGate(calls=320))


class Scene:
    """Version 1 is served; its subject, another subject, the holdout and the service."""

    def __init__(self, root):
        self.root = root
        self.registry = FolderRegistry(root / "registry")
        self.started = []
        self.candidate = self.subject(t=0.0)
        self.other = self.subject(t=0.5)
        self.registry.move("churn-model", "staging", "1", "alias")
        path = toy_holdout(root / "holdout.parquet", 330, seed=3, columns=TYPES)
        self.holdout = open_holdout(DataSpec(path=path.name, target="label"), root)

    def subject(self, **params):
        folder = write_toy(
            self.root / f"made{len(self.started)}", "threshold", columns=TYPES, **params
        )
        version = self.registry.register("churn-model", folder).version
        spool = self.root / f"spool{version}"
        spool.mkdir()
        described = describe(
            "models:/churn-model/" + version, folder, ModelVersion("churn-model", version)
        )
        subject = Subject(SubjectSpec(described, "native"), spool, self.runner)
        self.started.append(subject)
        return subject

    def runner(self):
        runner = Runner(Limits(), Path(tempfile.mkdtemp(dir=self.root)))
        runner.start()
        return runner


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    scene = Scene(tmp_path_factory.mktemp("scene"))
    settings = Settings(
        model="churn-model",
        registry=scene.registry.uri,
        cache=scene.root / "cache",
        port=0,
        poll_seconds=0.1,
    )
    with service_process(settings, scene.root / "log") as url:
        scene.service = LiveService(url)
        wait_for(lambda: scene.service.health()["status"] == "ok", 120)
        yield scene
        scene.service.close()
    for subject in scene.started:
        subject.close()
    assert "visits_12" not in (scene.root / "log").read_text()


def test_the_served_candidate_is_recognised(scene):
    found = staging.wrong_version(scene.candidate, scene.service, ask=ASK)
    assert (found.value, found.detail) == (0.0, ())


def test_another_version_is_told_from_the_served_one(scene, monkeypatch):
    monkeypatch.setattr(staging, "PATIENCE_SECONDS", 0.0)
    found = staging.wrong_version(scene.other, scene.service, ask=ASK)
    assert found.value == 1.0
    assert found.detail[0] == "version: the service says 1, the candidate is 2"
    assert found.detail[1].startswith("digest: ")


def test_the_real_service_keeps_its_contract(scene):
    found = staging.contract_violations(scene.candidate, scene.service, scene.holdout, ask=ASK)
    assert (found.value, found.detail) == (0.0, ())
    assert found.n > 30


def test_the_real_service_answers_as_the_candidate(scene):
    found = staging.disagreements(scene.candidate, scene.service, scene.holdout, ask=ASK)
    assert (found.value, found.n, found.detail) == (0.0, 330, ())


def test_every_row_answered_otherwise_is_counted(scene):
    found = staging.disagreements(scene.other, scene.service, scene.holdout, ask=ASK)
    x = scene.holdout.column("x0")
    assert found.value == ((x > 0) & (x <= 0.5)).sum() > 0
    assert "served 1, tested 0" in found.detail[0]


def test_the_p99_over_http_has_bounds(scene):
    found = staging.p99(scene.candidate, scene.service, scene.holdout, ask=ASK)
    assert 0 < found.low <= found.value <= found.high < 10_000
    assert (found.n, found.unit) == (320, "ms")


class Liar(BaseHTTPRequestHandler):
    """A service that does to every request what `manner` says."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    manner = "quotes"

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        status, body = {
            "quotes": (422, {"error": "bad rows: " + raw.decode("utf-8", "replace")}),
            "accepts": (200, {"predictions": [1]}),
            "breaks": (500, {"error": "oops"}),
            "mumbles": (422, ["no sentence"]),
        }[self.manner]
        said = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


@pytest.fixture
def liar():
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisLiar", (Liar,), {}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def speak(manner):
        server.RequestHandlerClass.manner = manner
        return LiveService(f"http://127.0.0.1:{server.server_address[1]}")

    yield speak
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("manner", "words", "least"),
    [
        ("quotes", "answered 422 with a value that was sent", 20),
        ("accepts", "answered 200, not 422", 30),
        ("breaks", "answered 500, not 422", 30),
        ("mumbles", "answered 422 without a JSON sentence", 30),
    ],
)
def test_a_service_that_breaks_the_contract_is_caught(scene, liar, manner, words, least):
    service = liar(manner)
    found = staging.contract_violations(scene.candidate, service, scene.holdout, ask=ASK)
    service.close()
    assert sum(words in line for line in found.detail) >= least
    assert found.value == len(found.detail)


def test_rows_the_service_refuses_are_disagreements(scene, liar):
    service = liar("breaks")
    found = staging.disagreements(scene.candidate, service, scene.holdout, ask=ASK)
    service.close()
    assert found.value == 330
    assert found.detail[0] == "row 0: answered 500: oops"


def test_a_p99_finer_than_the_generator_is_refused(scene):
    with pytest.raises(PolicyError, match="cannot see below 2 ms"):
        load.p99(
            scene.candidate, scene.service, scene.holdout, ask=Ask(0.95, 1, LoadGate(p99_ms=1.0))
        )


def test_load_on_another_model_is_refused(scene):
    with pytest.raises(ServiceProblem, match="does not serve churn-model version 2"):
        load.error_rate(scene.other, scene.service, scene.holdout, ask=Ask(0.95, 1, LoadGate()))


@pytest.mark.slow
def test_locust_measures_the_real_service_once_for_all_gates(scene, tmp_path):
    gate = LoadGate(p99_ms=5000.0, users=4, seconds=6.0, requests_per_second=60.0)
    ask = Ask(0.95, 1, gate)
    service = LiveService(scene.service.url, kept=tmp_path / "kept")
    rate = load.error_rate(scene.candidate, service, scene.holdout, ask=ask)
    slow = load.p99(scene.candidate, service, scene.holdout, ask=ask)
    again = LiveService(
        scene.service.url, kept=tmp_path / "kept"
    )  # as another process of the session
    enough = load.throughput(scene.candidate, again, scene.holdout, ask=ask)
    assert rate.value == 0.0
    assert rate.n == slow.n == enough.n == 360  # what the schedule holds, neither more nor less
    assert 0 < slow.value <= slow.high < 5000.0
    assert "the generator alone, asking /health/live" in slow.detail[0]
    assert 0 < enough.value <= 60.0
    kept = sorted(path.name for path in (tmp_path / "kept").iterdir() if path.suffix)
    assert [name for name in kept if name.startswith("load-")] == sorted(NAMES)
    (stats,) = json.loads((tmp_path / "kept" / "load-locust.json").read_text())
    assert (stats["name"], stats["num_requests"]) == ("/predict", 360)
    again.close()
    service.close()


@pytest.mark.slow
def test_a_master_and_workers_count_what_is_not_answered(scene, liar):
    service = liar("breaks")
    gate = LoadGate(users=2, seconds=2.0, requests_per_second=20.0, processes=2, shape="step")
    run = generate(service, [{"features": [[1.0, 1, "Bern", True]]}], gate)
    service.close()
    assert run.failed == run.requests == 25
    assert run.failures == {"answered 500": 25}
    assert run.latencies_ms.smallest(1) >= 2000.0  # a failed request counts as the whole run long


def seen(ms=(1.0,) * 100, alone=(0.5,) * 100, **fields):
    values = {"failures": {}, "versions": {"1": len(ms)}, "seconds": 10.0, **fields}
    times = (Histogram.of(each) for each in (ms, alone, [0.1]))
    return LoadRun(*times, **values)


def measured(scene, run, measure, **settings):
    """A load measure of a run that was seen already."""
    service = LiveService(scene.service.url)
    service.loads[f"{service.url} {scene.candidate.candidate.digest}"] = run
    ask = Ask(0.95, 1, LoadGate(**settings))
    return measure(scene.candidate, service, scene.holdout, ask=ask)


def test_answers_of_another_version_are_errors(scene):
    run = seen(versions={"1": 60, "2": 40})
    wrong = measured(scene, run, load.error_rate)
    assert (wrong.value, wrong.n) == (0.4, 100)
    assert wrong.detail == ("40 requests were answered by version 2",)
    assert measured(scene, run, load.throughput, seconds=10.0).value == 6.0


def test_a_run_that_ends_late_has_less_throughput(scene):
    assert measured(scene, seen(seconds=20.0), load.throughput, seconds=10.0).value == 5.0
    assert measured(scene, seen(seconds=9.7), load.throughput, seconds=10.0).value == 10.0


def test_a_bar_below_what_the_generator_saw_alone_is_refused(scene):
    run = seen(alone=(7.0,) * 100)
    with pytest.raises(PolicyError, match=r"the generator alone saw 7 ms"):
        measured(scene, run, load.p99, p99_ms=6.9)
    assert measured(scene, run, load.p99, p99_ms=7.1).value == 1.0


def test_a_rate_that_one_generator_cannot_offer_is_refused(scene):
    with pytest.raises(PolicyError, match="is trusted to 5000") as told:
        measured(scene, seen(), load.error_rate, requests_per_second=4000.0, shape="spike")
    assert "load.processes to 3" in told.value.hint
    assert measured(
        scene, seen(), load.error_rate, requests_per_second=4000.0, shape="spike", processes=3
    )


def test_memory_is_the_most_that_was_seen(scene):
    run = seen(held_mb=(80.0, 120.5, 90.0))
    found = measured(scene, run, load.memory, memory_mb=200.0)
    assert (found.value, found.n, found.unit) == (120.5, 3, "MB")
    with pytest.raises(ServiceProblem, match="does not say what its process holds"):
        measured(scene, seen(), load.memory, memory_mb=200.0)
    assert measured(scene, seen(), load.memory).method == NOT_APPLICABLE


def test_the_first_answer_of_the_version_is_timed(scene):
    scene.service.predict([[1.0, 1, "Bern", True]])
    ask = Ask(0.95, 1, StagingGate(first_ms=1000.0))
    found = live.first_answer(scene.candidate, scene.service, ask=ask)
    assert (found.n, found.unit) == (1, "ms")
    assert 0 < found.value < 60_000
    left = live.first_answer(scene.candidate, scene.service, ask=ASK)
    assert left.method == NOT_APPLICABLE
    with pytest.raises(ServiceProblem, match="does not serve churn-model version 2"):
        live.first_answer(scene.other, scene.service, ask=ask)


@pytest.mark.slow
def test_the_real_service_keeps_to_its_openapi_document(scene):
    ask = Ask(0.95, 1, StagingGate(fuzz_failures=0.0, fuzz_examples=4))
    found = live.fuzz_failures(scene.candidate, scene.service, ask=ask)
    assert (found.value, found.detail) == (0.0, ())
    assert found.n > 15


class Sloppy(BaseHTTPRequestHandler):
    """A service with a document that it breaks: a route that fails, and one that says nothing."""

    def do_GET(self):
        ok = {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}
        paths = {
            path: {"get": {"responses": {"200": ok}}} for path in ("/broken", "/other", "/good")
        }
        said = {
            "/openapi.json": {
                "openapi": "3.1.0",
                "info": {"title": "s", "version": "1"},
                "paths": paths,
            },
            "/health": {"model": "churn-model", "version": "1", "digest": self.server.digest},
            "/other": [],
        }.get(self.path, {})
        raw = json.dumps(said).encode()
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


@pytest.mark.slow
def test_a_service_that_breaks_its_document_is_caught(scene):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sloppy)
    server.digest = scene.candidate.candidate.digest
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    service = LiveService(f"http://127.0.0.1:{server.server_address[1]}")
    ask = Ask(0.95, 1, StagingGate(fuzz_failures=0.0, fuzz_examples=2))
    try:
        found = live.fuzz_failures(scene.candidate, service, ask=ask)
    finally:
        service.close()
        server.shutdown()
        thread.join()
        server.server_close()
    routes = {line.partition(":")[0] for line in found.detail}
    assert routes == {"GET /broken", "GET /other"}
    assert found.value >= 2
