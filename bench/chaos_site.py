"""What the faults happen to: a registry over HTTP, a door before it that can be shut, a service.

`mlflow server` with a database file and its artifacts behind it; versions of one model whose
reports are signed; `python -m gatekit_service` with proof enforced.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from gatekit.attest.envelope import sign
from gatekit.attest.keys import generate
from gatekit.attest.statement import gate_run_statement
from gatekit.decision import GateOutcome
from gatekit.digest import model_digest, model_files
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Entry
from gatekit.promotion.promote import expected
from gatekit.registry import GateRunRecord
from gatekit.report.document import FORM_FILE, JSON_FILE, TAG_PREFIX, Report, summary_tag
from gatekit.report.signed import STATEMENT_FILE
from gatekit.times import iso, utc_now

NAME, STAGE, SECRET = "chaos-model", "staging", "a secret for hooks"
COLUMNS = ("x0", "x1", "x2", "x3")
HOPS = {"connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"}
POLICY = f"""
model = "{NAME}"
[data.holdout]
path = "holdout.parquet"
target = "y"
[gates.accuracy]
floor = 0.5
[promotion.{STAGE}]
requires = ["accuracy"]
[keys.ci]
public = "ci.pub"
roles = ["attest", "promote", "override", "revoke"]
"""


class Door:
    """Before the registry: `shut` is "" (open), "all", "files", "silent" or "cut" (half a file)."""

    def __init__(self, uri: str) -> None:
        self.behind, self.shut = urlsplit(uri).netloc, ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(door) -> type:  # noqa: N805 - the door is what the handler knows
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.close_connection = True
                is_file = "mlflow-artifacts/artifacts" in self.path and "path=" not in self.path
                if door.shut == "all" or (door.shut == "files" and is_file):
                    return
                if door.shut == "silent":
                    time.sleep(30)
                    return
                status, headers, content = self.passed_on(body)
                self.send_response(status)
                for key, value in headers:
                    if key.lower() not in HOPS:
                        self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Connection", "close")
                self.end_headers()
                half = door.shut == "cut" and is_file
                self.wfile.write(content[: len(content) // 2] if half else content)

            def passed_on(self, body: bytes) -> tuple:
                line = http.client.HTTPConnection(door.behind, timeout=60)
                try:
                    headers = {k: v for k, v in self.headers.items() if k.lower() not in HOPS}
                    line.request(self.command, self.path, body, headers)
                    said = line.getresponse()
                    return said.status, said.getheaders(), said.read()
                finally:
                    line.close()

            # the names that http.server looks for
            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler


class Site:
    """Registry, door, versions and the service; everything it starts it ends."""

    def __init__(self, root: Path) -> None:
        from mlflow import MlflowClient

        from gatekit.registry.mlflow import MlflowRegistry

        self.root, self.key, self.stranger = root, generate(), generate()
        (root / "gates.toml").write_text(POLICY)
        (root / "ci.pub").write_text(self.key.public.pem)
        self._server, uri = _start_server(root)
        self.door = Door(uri)
        self.registry = MlflowRegistry(uri)
        self.client = MlflowClient(uri)
        self.client.create_registered_model(NAME)
        self.service: subprocess.Popen | None = None
        self.url, self.cache = "", root / "cache"
        self.port = _free_port()

    def close(self) -> None:
        """End service, door and registry."""
        self.stop()
        self.door.close()
        self._server.terminate()
        self._server.wait(30)

    def add(self, folder: Path | None = None, *, signer=None, age_days=0, **told) -> str:
        """Register the next version, which answers x0 plus its number, with a signed report."""
        number = len(self.client.search_model_versions(f"name='{NAME}'")) + 1
        made = folder or _linear(self.root / f"made-{number}", number)
        engine = told.pop("engine", "compiled")
        run = self.client.create_run(self.registry.experiment("training")).info
        self.client.log_artifacts(run.run_id, str(made), "model")
        source = f"{run.artifact_uri}/model"
        version = str(self.client.create_model_version(NAME, source, run.run_id).version)
        self._report(version, made, engine, signer or self.key, age_days, told)
        return version

    def _report(self, version, made, engine, signer, age_days, told) -> None:
        from gatekit.scoring.engines import load_engine

        form = load_engine(made, "compiled").form if engine == "compiled" else b""
        rows = [[float(x0), 0.0, 0.0, 0.0] for x0 in range(4)]
        golden = {"seed": 0, "rows": rows, "answers": [row[0] + int(version) for row in rows]}
        golden = told.get("golden", golden)
        begin = utc_now() - timedelta(days=age_days)
        sha256 = hashlib.sha256(form).hexdigest() if form else ""
        report = Report(
            model={"name": NAME, "version": version, "digest": model_digest(model_files(made))},
            champion={},
            data={},
            policy={"digest": "0" * 64, "changes": []},
            run={"engine": engine, "created": iso(begin), "golden": golden, "compiled": sha256},
            outcome=GateOutcome.PASSED,
            gates=(),
        )
        raw = report.to_json()
        statement = gate_run_statement(report.document(), begin, begin + timedelta(days=30))
        files = {JSON_FILE: raw, STATEMENT_FILE: sign(statement, signer)}
        run = self.registry.attach(
            GateRunRecord("gates", {}, {}, {}), files | ({FORM_FILE: form} if form else {})
        )
        tag = summary_tag(report, raw, files[STATEMENT_FILE])
        self.registry.tag(NAME, version, TAG_PREFIX + run, tag)

    def point(self, version: str) -> None:
        """Move the pointer, nothing more: faults come by any way."""
        self.client.set_registered_model_alias(NAME, STAGE, version)

    def enter(self, version: str, kind: str, digest: str, reason: str = "") -> None:
        """Write a signed entry into the journal."""
        desk = Desk(self.registry, NAME, "alias", "bench", utc_now, self.key)
        journal = desk.journal()
        entry = Entry(
            kind=kind,
            target=STAGE if kind != "revoke" else "",
            version=version,
            digest=digest,
            expects=expected(journal, STAGE) if kind != "revoke" else 0,
            reason=reason,
        )
        desk.append(entry, journal)

    def digest(self, number: int | str) -> str:
        """Of the files of a version that was made here."""
        return model_digest(model_files(self.root / f"made-{number}"))

    def start(self, **more: object) -> None:
        """Start the service; returns when it listens."""
        told = {"MODEL": NAME, "STAGE": STAGE, "REGISTRY": self.door.uri, "PORT": self.port}
        told |= {"CACHE": self.cache, "GATES": self.root / "gates.toml", "VERIFY": "enforce"}
        told |= {"POLL_SECONDS": 0.3, "HOOK_SECRET": SECRET, "MODEL_MEMORY_MB": 700, **more}
        environment = {**os.environ, **{f"GATEKIT_{key}": str(v) for key, v in told.items()}}
        environment |= {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
        log = self.root / "service.log"
        with log.open("wb") as stream:
            self.service = subprocess.Popen(
                [sys.executable, "-m", "gatekit_service"], env=environment, stderr=stream
            )
        wait(
            lambda: re.search(r"running on (http://\S+)", log.read_text()), 120, "a listening port"
        )
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.service is not None:
            self.service.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.service.wait(30)
            self.service = None

    def health(self) -> dict:
        """What /health says; empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as said:
                return json.load(said)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return {}

    def serves(self, version: str, seconds: float = 120) -> None:
        """Wait until it serves that version and has nothing to complain of."""
        wait(
            lambda: (h := self.health()).get("version") == version and not h.get("last_error"),
            seconds,
            f"version {version}",
        )

    def complaint(self, seconds: float = 90) -> str:
        """Wait for what the service has to complain of."""
        return wait(lambda: self.health().get("last_error"), seconds, "a complaint")


def wait(question, seconds: float, what: str):
    """The first answer that is not empty."""
    end = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > end:
            raise TimeoutError(f"no {what} within {seconds:g} s")
        time.sleep(0.1)
    return answer


def _linear(folder: Path, number: int) -> Path:
    import mlflow
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    rows = pd.DataFrame(np.eye(4), columns=list(COLUMNS))
    model = LinearRegression().fit(rows, rows["x0"])
    model.coef_, model.intercept_ = np.array([1.0, 0.0, 0.0, 0.0]), float(number)
    signature = mlflow.models.infer_signature(rows, np.zeros(4))
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
    mlflow.sklearn.save_model(
        model,
        str(folder),
        signature=signature,
        serialization_format="skops",
        pip_requirements=["scikit-learn"],
    )
    return folder


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _start_server(root: Path) -> tuple[subprocess.Popen, str]:
    port, artifacts = _free_port(), root / "artifacts"
    artifacts.mkdir()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{root}/mlflow.db"]
    command += ["--artifacts-destination", artifacts.as_uri()]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (root / "server.log").open("wb") as stream:
        server = subprocess.Popen(
            command, env={**os.environ, **quiet, "PATH": path}, cwd=root,
            stdout=stream, stderr=stream,
        )  # fmt: skip
    uri = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{uri}/health", timeout=2):
            return True
        return False

    wait(answers, 300, "answer of mlflow server")
    return server, uri


def scratch() -> Path:
    """A folder that everybody may enter: other users' processes have to."""
    return Path(tempfile.mkdtemp(prefix="chaos-"))
