"""The servers of bench/serving.py: started on core 0, asked by wrk from core 1."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from serving_models import registry_uri

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1"}
PATIENCE_S = 120


@dataclass
class Server:
    """One server; `took_s` from its start to its first prediction."""

    name: str
    command: Callable[[int], list[str]]
    path: str
    dialect: str
    first: bytes
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    port: int = 0
    took_s: float = 0.0
    started_cpu_s: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait for an answer."""
        self.before()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        own = {"PATH": f"{BIN}:{os.environ['PATH']}", **ALONE, **QUIET, **self.environment}
        begun = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", "0", *self.command(self.port)],
                env={**os.environ, **own, "GATEKIT_PORT": str(self.port)},
                stdout=log,
                stderr=log,
                process_group=0,
            )
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - begun > PATIENCE_S:
                self.stop()
                sys.exit(f"{self.name} does not start; see {self.log}")
            time.sleep(0.02)
        self.took_s = time.monotonic() - begun
        self.started_cpu_s = self.cpu_s()

    def answers(self) -> bool:
        """Whether it predicts."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{self.path}",
            data=self.first,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status == 200
        except OSError:
            return False

    def memory_mb(self) -> float:
        """PSS of its processes together, once what starts it is gone."""
        time.sleep(1)
        assert self.process is not None
        kilobytes = 0
        for pid in family(self.process.pid):
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
            kilobytes += int(found[1]) if found else 0
        return kilobytes / 1024

    def cpu_s(self) -> float:
        """Seconds of CPU that it has used, with all that it started: also what has ended since."""
        assert self.process is not None
        ticks = 0
        for pid in family(self.process.pid):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            ticks += sum(map(int, fields[11:15]))  # utime, stime, and those of ended children
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End what this started, and nothing else."""
        if self.process is None:
            return
        pids = family(self.process.pid)
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process = None


def family(parent: int) -> list[int]:
    """A process and all that it started, and they."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(status.rpartition(")")[2].split()[1]), []).append(
                int(entry.name)
            )
    found, todo = [], [parent]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def servers_for(
    folder: Path, model: str, peers: set[str], given: argparse.Namespace
) -> list[Server]:
    """The service, its restart from a cache, and the peers asked for."""
    ours = {
        "GATEKIT_MODEL": model,
        "GATEKIT_REGISTRY": registry_uri(folder),
        "GATEKIT_GATES": str(folder / f"{model}.toml"),
        "GATEKIT_VERIFY": "enforce",
        "GATEKIT_ENGINE": "pyfunc" if model == "pyfunc" else "compiled",
        "GATEKIT_CACHE": str(folder / "cache"),
    }
    uvicorn = [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--no-access-log"]
    uvicorn += ["--log-level", "warning", "--app-dir", str(HERE)]
    commands: dict[str, tuple[Callable[[int], list[str]], str, str]] = {
        "service": (lambda _: [sys.executable, "-m", "gatekit_service"], "/predict", "features"),
        "restart": (lambda _: [sys.executable, "-m", "gatekit_service"], "/predict", "features"),
        "mlflow": (lambda port: mlflow_serve(model, port), "/invocations", "mlflow"),
        "constant": (
            lambda port: [*uvicorn, "--port", str(port), "serving_apps:constant"],
            *("/predict", "features"),
        ),
        "onnx": (
            lambda port: [*uvicorn, "--port", str(port), "--factory", "serving_apps:onnx"],
            *("/predict", "features"),
        ),
        "mlserver": (
            lambda port: mlserver(folder, port, given.mlserver),
            "/v2/models/m/infer",
            "v2",
        ),
    }
    wanted = ["service", "restart", *sorted(peers)]
    if given.mlserver is None:
        wanted = [name for name in wanted if name != "mlserver"]
    made = []
    for name in wanted:
        command, path, dialect = commands[name]
        first = (folder / f"{model}-1-{dialect}.jsonl").read_bytes().partition(b"\n")[0]
        server = Server(name, command, path, dialect, first, folder / f"{name}-{model}.log")
        server.environment = {"MLFLOW_TRACKING_URI": registry_uri(folder)}
        if name in ("service", "restart"):
            server.environment |= ours
        if name == "service":
            server.before = lambda: shutil.rmtree(folder / "cache", ignore_errors=True)
        if name == "onnx":
            server.environment["ONNX"] = str(folder / "lr.onnx")
        made.append(server)
    return made


def mlflow_serve(model: str, port: int) -> list[str]:
    """MLflow's own server, one worker."""
    uri = f"models:/{model}@staging"
    command = [str(BIN / "mlflow"), "models", "serve", "-m", uri, "--env-manager", "local"]
    return [*command, "-p", str(port), "-h", "127.0.0.1", "-w", "1"]


def mlserver(folder: Path, port: int, binaries: Path) -> list[str]:
    """MLServer with its runtime for scikit-learn, in one process."""
    home = folder / "mlserver"
    (home / "m").mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "model.joblib", home / "m" / "model.joblib")
    runtime = "mlserver_sklearn.SKLearnModel"
    model = {"name": "m", "implementation": runtime, "parameters": {"uri": "./model.joblib"}}
    (home / "m" / "model-settings.json").write_text(json.dumps(model))
    settings = {
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": port + 1 if port < 65000 else port - 2,
        "metrics_port": port + 2 if port < 65000 else port - 1,
        "parallel_workers": 0,
        "debug": False,
    }
    (home / "settings.json").write_text(json.dumps(settings))
    return [str(binaries / "mlserver"), "start", str(home)]


def wrk(
    server: Server, folder: Path, model: str, case: tuple[int, int], seconds: int
) -> tuple[float, float]:
    """Requests a second, and a second of the server's CPU; other rows in each."""
    rows, connections = case
    bodies = folder / f"{model}-{rows}-{server.dialect}.jsonl"
    before = server.cpu_s()
    done = subprocess.run(
        [
            *("taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"),
            *("--timeout", "10s", "-s", str(HERE / "serving.lua")),
            *(f"http://127.0.0.1:{server.port}{server.path}", "--", str(bodies)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    used = max(server.cpu_s() - before, 0.01)
    found = re.search(r"RATE (\S+) (\d+) (\d+)", done.stdout)
    if found is None or found[2] != "0":
        sys.exit(f"{server.name} failed requests: {done.stdout[-500:]}")
    return float(found[1]), int(found[3]) / used
