"""What only an MLflow registry has: outages, credentials, logged models, experiments, silence."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

from gatekit.errors import NotFound, RegistryError, RegistryUnavailable
from gatekit.registry import GateRunRecord
from gatekit.registry.embedded import artifact_location, database_file, embedded_uri

from .conftest import logged_run, registered
from .contract import model_folder, snapshot

CREDENTIALS = ("TOKEN", "USERNAME", "PASSWORD")
CALLS = {
    "version": lambda registry, into: registry.version("m", "1"),
    "versions": lambda registry, into: registry.versions("m"),
    "by_alias": lambda registry, into: registry.by_alias("m", "champion"),
    "by_stage": lambda registry, into: registry.by_stage("m", "Staging"),
    "alias_holder": lambda registry, into: registry.holder("m", "champion", "alias"),
    "stage_holder": lambda registry, into: registry.holder("m", "Staging", "stage"),
    "entries": lambda registry, into: registry.entries("m.journal"),
    "append": lambda registry, into: registry.append("m.journal", {"kind": "intent"}),
    "fetch_version": lambda registry, into: registry.fetch("models:/m/1", into),
    "fetch_run": lambda registry, into: registry.fetch("runs:/" + "0" * 32 + "/model", into),
    "read": lambda registry, into: registry.read("0" * 32, "report.json"),
    "attach": lambda registry, into: registry.attach(GateRunRecord("t", {}, {}, {}), {}),
    "move": lambda registry, into: registry.move("m", "champion", "1", "alias"),
    "clear": lambda registry, into: registry.clear("m", "Staging", "stage"),
    "tag": lambda registry, into: registry.tag("m", "1", "k", "v"),
}
every_call = pytest.mark.parametrize("call", CALLS)


def opened(uri):
    from gatekit.registry.mlflow import MlflowRegistry

    return MlflowRegistry(uri)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch, elsewhere):
    for each in CREDENTIALS:
        monkeypatch.delenv(f"MLFLOW_TRACKING_{each}", raising=False)


@pytest.fixture
def answering():
    """Start a small HTTP server that answers everything with one status and body."""
    with contextlib.ExitStack() as stack:

        def start(status, body, kind="application/json"):
            seen = []

            class Handler(BaseHTTPRequestHandler):
                def answer(self):
                    self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    seen.append((self.path, self.headers.get("Authorization")))
                    content = body(self) if callable(body) else body
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

                do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer

                def log_message(self, *args):
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}", seen

        yield start


@pytest.fixture
def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}"  # bound, never listening


class TestOutage:
    @every_call
    def test_a_closed_port_is_an_outage_said_at_once(self, closed_port, tmp_path, call):
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable, match=f"registry at {closed_port} does not answer"):
            CALLS[call](opened(closed_port), tmp_path / "into")
        assert time.monotonic() - began < 5

    @every_call
    @pytest.mark.parametrize(
        "body",
        [b"oops", b'{"error_code": "INTERNAL_ERROR", "message": "alias not found"}'],
    )
    def test_a_server_that_answers_500_is_an_outage(self, answering, tmp_path, call, body):
        uri, _ = answering(500, body)
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable, match="does not answer"):
            CALLS[call](opened(uri), tmp_path / "into")
        assert time.monotonic() - began < 10

    def test_a_server_that_accepts_and_says_nothing_is_an_outage(self, monkeypatch, tmp_path):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        with socket.create_server(("127.0.0.1", 0)) as silent:
            registry = opened(f"http://127.0.0.1:{silent.getsockname()[1]}")
            began = time.monotonic()
            with pytest.raises(RegistryUnavailable, match="does not answer"):
                registry.holder("m", "champion", "alias")
            assert time.monotonic() - began < 8

    def test_the_default_patience_is_seconds(self, closed_port, monkeypatch):
        for variable in ("MAX_RETRIES", "TIMEOUT"):
            monkeypatch.delenv(f"MLFLOW_HTTP_REQUEST_{variable}", raising=False)
        opened(closed_port)
        retries = int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
        assert (retries + 1) * int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 20

    def test_what_the_user_has_set_wins(self, closed_port, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
        opened(closed_port)
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"

    @every_call
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (404, b"<html>default backend</html>"),
            (404, b'{"detail": "Not Found"}'),
            (200, b"<html>please log in</html>"),
            (429, b'{"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slowly"}'),
        ],
    )
    def test_what_is_no_mlflow_never_says_absent(self, answering, tmp_path, call, status, body):
        uri, _ = answering(status, body)
        with pytest.raises(RegistryError) as caught:
            CALLS[call](opened(uri), tmp_path / "into")
        assert not isinstance(caught.value, NotFound)

    def test_a_file_that_is_no_database_is_an_outage(self, tmp_path):
        (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
        with pytest.raises(RegistryUnavailable, match="does not answer"):
            opened(f"sqlite:///{tmp_path}/broken.db").versions("m")

    def test_a_missing_folder_is_an_outage_and_is_not_made(self, tmp_path):
        with pytest.raises(RegistryUnavailable, match="no folder"):
            opened(f"sqlite:///{tmp_path}/typo/mlflow.db")
        assert not (tmp_path / "typo").exists()

    def test_a_database_that_breaks_later_is_an_outage(self, tmp_path):
        registry = opened(embedded_uri(tmp_path))
        with pytest.raises(NotFound):
            registry.versions("m")
        (tmp_path / ".gatekit" / "mlflow.db").write_bytes(b"this is no database" * 100)
        for ask in (
            lambda: registry.versions("m"),
            lambda: registry.holder("m", "champion", "alias"),
            lambda: registry.entries("m.journal"),
        ):
            with pytest.raises(RegistryUnavailable, match="does not answer"):
                ask()


class TestRights:
    @every_call
    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (401, b"You are not authenticated"),
            (403, b"Permission denied"),
            (403, b'{"error_code": "PERMISSION_DENIED", "message": "Permission denied"}'),
        ],
    )
    def test_a_missing_right_is_named(self, answering, tmp_path, call, status, body):
        uri, _ = answering(status, body)
        with pytest.raises(RegistryError, match=f"right to do this is missing.*{status}") as caught:
            CALLS[call](opened(uri), tmp_path / "into")
        assert not isinstance(caught.value, NotFound | RegistryUnavailable)

    def test_a_token_is_sent(self, answering, monkeypatch):
        uri, seen = answering(500, b"")
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
        with pytest.raises(RegistryUnavailable):
            opened(uri).versions("m")
        assert {sent for _, sent in seen} == {"Bearer t0ken"}

    def test_a_user_and_password_are_sent(self, answering, monkeypatch):
        uri, seen = answering(500, b"")
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ci")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pa:ss")
        with pytest.raises(RegistryUnavailable):
            opened(uri).versions("m")
        assert {sent for _, sent in seen} == {"Basic " + base64.b64encode(b"ci:pa:ss").decode()}

    def test_a_password_in_the_uri_is_used_and_never_shown(self, answering, tmp_path):
        uri, seen = answering(500, b"")
        secret = quote("s3cret!")
        registry = opened(uri.replace("http://", f"http://ci:{secret}@"))
        assert registry.uri == uri.replace("http://", "http://ci@")
        for ask in CALLS.values():
            with pytest.raises(RegistryUnavailable) as caught:
                ask(registry, tmp_path / "into")
            assert "s3cret" not in f"{caught.value} {caught.value.__cause__}"
        assert {sent for _, sent in seen} == {"Basic " + base64.b64encode(b"ci:s3cret!").decode()}

    def test_the_registry_variable_wins_for_registry_calls(
        self, answering, monkeypatch, closed_port
    ):
        body = json.dumps({"model_version": {"name": "m", "version": "7"}}).encode()
        uri, seen = answering(200, body)
        monkeypatch.setenv("MLFLOW_REGISTRY_URI", uri)
        registry = opened(closed_port)
        assert registry.by_alias("m", "champion").version == "7"
        assert len(seen) == 1
        with pytest.raises(RegistryUnavailable, match=closed_port):
            registry.read("0" * 32, "report.json")


class TestJournal:
    def test_an_entry_that_was_written_twice_counts_once(self, sqlite_bench, name):
        """An HTTP client that repeats a request whose answer was lost writes a second version."""
        registry, journal = sqlite_bench.registry, f"{name}.journal"
        assert registry.append(journal, {"n": "1"}) == 1
        tags = registry._client.get_model_version(journal, "1").tags
        registry._client.create_model_version(journal, "gatekit-journal:/entry", tags=tags)
        assert registry.append(journal, {"n": "3"}) == 3
        assert registry.entries(journal) == [(1, {"n": "1"}), (3, {"n": "3"})]

    def test_a_lost_answer_is_looked_up(self, sqlite_bench, name, monkeypatch):
        registry, journal = sqlite_bench.registry, f"{name}.journal"
        registry.append(journal, {"n": "1"})
        create = type(registry._client).create_model_version

        def written_but_unanswered(*args, **kwargs):
            create(*args, **kwargs)
            raise ConnectionError("reset by peer")

        monkeypatch.setattr(type(registry._client), "create_model_version", written_but_unanswered)
        assert registry.append(journal, {"n": "2"}) == 2
        monkeypatch.undo()
        assert registry.entries(journal) == [(1, {"n": "1"}), (2, {"n": "2"})]

    def test_a_journal_is_marked_and_what_is_no_entry_is_left_out(self, sqlite_bench, name):
        registry, journal = sqlite_bench.registry, f"{name}.journal"
        registry.append(journal, {"n": "1"})
        registry._client.create_model_version(journal, "file:///nowhere")
        assert registry.entries(journal) == [(1, {"n": "1"})]
        assert registry.version(journal, "1").tags["gatekit.journal"] == "entry"
        assert registry._client.get_registered_model(journal).tags == {"gatekit.journal": "journal"}

    def test_an_entry_too_large_is_refused_whole(self, sqlite_bench, name):
        with pytest.raises(RegistryError) as caught:
            sqlite_bench.registry.append(f"{name}.journal", {"a": "b", "decision": "x" * 100_001})
        assert not isinstance(caught.value, RegistryUnavailable)
        assert sqlite_bench.registry.entries(f"{name}.journal") == []

    def test_every_page_is_read(self, sqlite_bench, name, monkeypatch):
        monkeypatch.setattr("gatekit.registry.mlflow_journal._PAGE", 3)
        numbers = [sqlite_bench.registry.append(f"{name}.journal", {}) for _ in range(8)]
        assert [n for n, _ in sqlite_bench.registry.entries(f"{name}.journal")] == numbers
        assert len(sqlite_bench.registry.versions(f"{name}.journal")) == 8


def logged_model(bench, folder):
    """A model as MLflow 3 logs it: beside the run, with an id of its own."""
    client = bench.registry._client
    run, _ = logged_run(bench.registry, folder)
    experiment = client.get_run(run).info.experiment_id
    model = client.create_logged_model(experiment, name="classifier", source_run_id=run)
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    return run, model.model_id


def check_models_of_runs(bench, tmp_path):
    folder = model_folder(tmp_path / "source", "of a run")
    run, _ = logged_model(bench, folder)
    before = snapshot(bench.store)
    for path in ("model", "classifier"):
        into = bench.registry.fetch(f"runs:/{run}/{path}", tmp_path / path)
        assert snapshot(into) == snapshot(folder)
    with pytest.raises(NotFound, match="no model at nothing"):
        bench.registry.fetch(f"runs:/{run}/nothing", tmp_path / "nothing")
    assert snapshot(bench.store) == before


def check_version_of_logged_model(bench, name, tmp_path, monkeypatch):
    folder = model_folder(tmp_path / "source", "logged")
    run, model = logged_model(bench, folder)
    with monkeypatch.context() as patch:  # MLflow's SQL store asks its ambient registry here
        patch.setenv("MLFLOW_TRACKING_URI", bench.uri)
        bench.registry._client.create_registered_model(name)
        bench.registry._client.create_model_version(name, f"models:/{model}", run, model_id=model)
    before = snapshot(bench.store)
    found = bench.registry.version(name, "1")
    assert (found.run_id, found.source) == (run, f"models:/{model}")
    into = bench.registry.fetch(f"models:/{name}/1", tmp_path / "into")
    assert snapshot(into) == snapshot(folder)
    assert snapshot(bench.store) == before


class TestFiles:
    def test_models_of_runs_in_sqlite(self, sqlite_bench, tmp_path):
        check_models_of_runs(sqlite_bench, tmp_path)

    @pytest.mark.slow
    def test_models_of_runs_on_a_server(self, server_bench, tmp_path):
        check_models_of_runs(server_bench, tmp_path)

    def test_a_logged_model_in_sqlite(self, sqlite_bench, name, tmp_path, monkeypatch):
        check_version_of_logged_model(sqlite_bench, name, tmp_path, monkeypatch)

    @pytest.mark.slow
    def test_a_logged_model_on_a_server(self, server_bench, name, tmp_path, monkeypatch):
        check_version_of_logged_model(server_bench, name, tmp_path, monkeypatch)

    def test_a_version_whose_files_are_gone_is_no_empty_model(self, sqlite_bench, name, tmp_path):
        import shutil
        from urllib.parse import urlparse

        run, source = logged_run(sqlite_bench.registry, model_folder(tmp_path / "source", "w"))
        registered(sqlite_bench.registry, name, source, run)
        shutil.rmtree(urlparse(source).path)
        with pytest.raises(RegistryError, match="no files of it") as caught:
            sqlite_bench.registry.fetch(f"models:/{name}/1", tmp_path / "into")
        assert not isinstance(caught.value, NotFound)

    def test_an_artifact_store_that_is_down_is_an_outage(
        self, sqlite_bench, name, tmp_path, closed_port
    ):
        run, _ = logged_run(sqlite_bench.registry, model_folder(tmp_path / "source", "w"))
        source = closed_port.replace("http://", "mlflow-artifacts://") + "/model"
        registered(sqlite_bench.registry, name, source, run)
        with pytest.raises(RegistryUnavailable, match="does not answer"):
            sqlite_bench.registry.fetch(f"models:/{name}/1", tmp_path / "into")


class TestRuns:
    def check_gate_run(self, bench, name):
        record = GateRunRecord(
            "gates of 6",
            {"gatekit.model": name, "gatekit.verdict": "PASSED"},
            {"accuracy": 0.9, "lower": float("nan")},
            {"policy": "sha256:1"},
        )
        run = bench.registry._client.get_run(bench.registry.attach(record, {"report.json": b"{}"}))
        assert run.info.status == "FINISHED"
        assert run.info.run_name == "gates of 6"
        assert run.data.metrics == {"accuracy": 0.9}
        assert run.data.params == {"policy": "sha256:1"}
        assert run.data.tags.items() >= record.tags.items()
        assert run.info.experiment_id == bench.registry.experiment("gatekit")
        found = bench.registry._client.search_runs(
            [run.info.experiment_id], f"tags.`gatekit.model` = '{name}'"
        )
        assert [each.info.run_id for each in found] == [run.info.run_id]

    def test_a_gate_run_is_an_mlflow_run_of_its_own(self, sqlite_bench, name):
        self.check_gate_run(sqlite_bench, name)

    @pytest.mark.slow
    def test_a_gate_run_on_a_server(self, server_bench, name):
        self.check_gate_run(server_bench, name)

    def test_a_gate_run_that_breaks_off_is_failed(self, sqlite_bench, name, monkeypatch):
        def full(*args, **kwargs):
            raise OSError("no space left on device")

        monkeypatch.setattr(type(sqlite_bench.registry._client), "log_artifacts", full)
        with pytest.raises(RegistryUnavailable, match="no space left"):
            sqlite_bench.registry.attach(GateRunRecord(name, {}, {}, {}), {"r": b""})
        experiment = sqlite_bench.registry.experiment("gatekit")
        (run,) = sqlite_bench.registry._client.search_runs([experiment], f"run_name = '{name}'")
        assert run.info.status == "FAILED"

    def test_an_experiment_is_made_once_beside_the_database(self, sqlite_bench, sqlite_root, name):
        made = sqlite_bench.registry.experiment(name)
        assert sqlite_bench.registry.experiment(name) == made
        location = sqlite_bench.registry._client.get_experiment(made).artifact_location
        assert location == (sqlite_root / ".gatekit" / "artifacts" / name).as_uri()

    def test_a_deleted_experiment_is_said_to_be_deleted(self, sqlite_bench, name):
        made = sqlite_bench.registry.experiment(name)
        sqlite_bench.registry._client.delete_experiment(made)
        with pytest.raises(RegistryError, match="is deleted"):
            sqlite_bench.registry.experiment(name)


class TestEmbedded:
    def test_the_uri_names_an_absolute_file_in_a_folder_that_is_made(self, tmp_path):
        assert embedded_uri(tmp_path / "a") == f"sqlite:///{tmp_path}/a/.gatekit/mlflow.db"
        assert (tmp_path / "a" / ".gatekit").is_dir()

    def test_only_a_sqlite_file_has_a_database_file(self, tmp_path):
        assert database_file(f"sqlite:///{tmp_path}/x.db?a=b") == tmp_path / "x.db"
        assert database_file("sqlite:///:memory:") is None
        assert database_file("http://host") is None

    def test_artifacts_never_leave_their_folder(self, tmp_path):
        location = artifact_location(f"sqlite:///{tmp_path}/x.db", "../../etc")
        assert location.startswith((tmp_path / "artifacts").as_uri() + "/")
        assert location.count("/") == (tmp_path / "artifacts").as_uri().count("/") + 1
        assert artifact_location("http://host", "gatekit") is None


QUIET = """
import sys
from gatekit.registry import GateRunRecord, open_registry

registry = open_registry(sys.argv[1])
registry.append("quiet.journal", {"a": "b"})
registry.move("quiet.journal", "Staging", "1", "stage")
registry.by_stage("quiet.journal", "Staging")
registry.attach(GateRunRecord("t", {}, {"m": 1.0}, {}), {"r": b""})
registry.clear("quiet.journal", "Staging", "stage")
"""


def said(uri):
    unset = {"MLFLOW_LOGGING_LEVEL", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "PYTHONWARNINGS"}
    unset |= {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"}
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    done = subprocess.run(
        [sys.executable, "-W", "default::FutureWarning", "-c", QUIET, uri],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout + done.stderr


class TestSilence:
    def test_nothing_is_printed_with_a_new_database(self, tmp_path):
        assert said(embedded_uri(tmp_path)) == ""

    @pytest.mark.slow
    def test_nothing_is_printed_with_a_server(self, server_bench):
        assert said(server_bench.uri) == ""

    def test_retries_are_not_announced(self, closed_port):
        opened(closed_port)
        assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.WARNING)

    def test_the_package_stays_light(self):
        code = (
            "import sys, gatekit.registry, gatekit.registry.mlflow, gatekit.registry.folder\n"
            "print(sorted({'mlflow', 'pandas', 'numpy', 'sqlalchemy'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"
