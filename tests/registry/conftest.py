"""MLflow registries to test against: one SQLite file, and one server (tests/servers.py)."""

from __future__ import annotations

import contextlib
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.registry.contract")

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def name():
    return f"model-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """MLflow's ambient default leads to a dead end, and the working folder is an empty one."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    folder = tmp_path / "working-folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield
    assert list(folder.iterdir()) == [], "something was written into the working folder"


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


@pytest.fixture(scope="session")
def sqlite_root(tmp_path_factory):
    return tmp_path_factory.mktemp("embedded")


@pytest.fixture
def sqlite_bench(elsewhere, sqlite_root):
    from gatekit.registry.embedded import embedded_uri

    return mlflow_bench(embedded_uri(sqlite_root), sqlite_root / ".gatekit" / "artifacts")


@pytest.fixture
def server_bench(elsewhere, mlflow_server):
    uri, artifacts = mlflow_server
    return mlflow_bench(uri, artifacts)


def mlflow_bench(uri: str, store: Path):
    from gatekit.registry.mlflow import MlflowRegistry

    from .contract import Bench

    registry = MlflowRegistry(uri, create=True)

    def register(name: str, folder: Path) -> str:
        run, source = logged_run(registry, folder)
        return registered(registry, name, source, run)

    return Bench(registry, uri, register, store)


def logged_run(registry, folder: Path) -> tuple[str, str]:
    """A run with a model among its artifacts: its id, and where the model is."""
    client = registry._client
    run = client.create_run(registry.experiment("training")).info
    client.log_artifacts(run.run_id, str(folder), "model")
    return run.run_id, f"{run.artifact_uri}/model"


def registered(registry, name: str, source: str, run_id: str) -> str:
    from mlflow.exceptions import MlflowException

    try:
        registry._client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return str(registry._client.create_model_version(name, source, run_id).version)
