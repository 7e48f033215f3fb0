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
from gatekit.gate import Ask
from gatekit.gates import load, staging
from gatekit.policy import DataSpec
from gatekit.policy_gates import LoadGate, StagingGate
from gatekit.registry import ModelVersion
from gatekit.registry.folder import FolderRegistry
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.service_client import LiveService
from gatekit.subject import Subject, SubjectSpec
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
    with service_process(settings, scene.root / "log") as process:
        url = process.url
        scene.service = LiveService(url)
        wait_for(lambda: scene.service.health()["status"] == "ok")
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
def test_locust_measures_the_real_service_once_for_both_gates(scene):
    ask = Ask(0.95, 1, LoadGate(p99_ms=500.0, users=4, seconds=7.0, requests_per_second=60.0))
    rate = load.error_rate(scene.candidate, scene.service, scene.holdout, ask=ask)
    slow = load.p99(scene.candidate, scene.service, scene.holdout, ask=ask)
    assert len(scene.service.loads) == 1
    assert rate.value == 0.0
    assert rate.n == slow.n
    assert 300 < slow.n < 480
    assert 0 < slow.value <= slow.high < 500.0


@pytest.mark.slow
def test_locust_counts_what_is_not_answered(scene, liar):
    service = liar("breaks")
    ask = Ask(0.95, 1, LoadGate(users=2, seconds=2.0, requests_per_second=20.0))
    run = load._generate(service.url, [{"features": [[1.0, 1, "Bern", True]]}], ask.settings)
    service.close()
    assert run.failures == run.requests > 10
    assert min(run.ms) >= 2000.0  # a failed request counts as the whole run long


def test_one_slow_rate_is_not_taken_for_the_policys(scene):
    ask = Ask(0.95, 1, LoadGate(p99_ms=500.0, requests_per_second=50.0))
    key = f"{scene.service.url} {scene.candidate.candidate.digest}"
    service = LiveService(scene.service.url)
    service.loads[key] = load.LoadRun((1.0,) * 100, 0, 10.0, {"1": 60, "2": 40})
    with pytest.raises(ServiceProblem, match="only 10 requests a second were sent of 50"):
        load.p99(scene.candidate, service, scene.holdout, ask=ask)
    wrong = load.error_rate(scene.candidate, service, scene.holdout, ask=ask)
    assert wrong.value == 0.4  # answered, but by another version
    assert wrong.n == 100
    service.close()
