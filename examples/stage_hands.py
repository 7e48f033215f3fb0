"""What the two demos share: run a command and show it, start a service and stop it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
START_SECONDS = 90
# Boosted trees answer one row on every core, and wait for the slowest: on a busy machine, long.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", **os.environ}
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")


class DemoFailed(Exception):
    """A step did not come out as it must."""


def say(words: str) -> None:
    """Announce a step."""
    print(f"\n\033[1m== {words}\033[0m" if sys.stdout.isatty() else f"\n== {words}", flush=True)


def run(*command: str, exits: int = 0, show: str = "all") -> str:
    """Run a command at the project's root, show it and what it prints; returns its stdout.

    `show` is 'all', 'gates' (from the table on) or 'last' (the last line).

    Raises:
        DemoFailed: it ended with another exit code than `exits`.
    """
    print("$ " + " ".join(command), flush=True)
    program = str(BIN / command[0])
    done = subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode != exits:
        print(done.stdout + done.stderr, flush=True)
        raise DemoFailed(f"{' '.join(command)}: exit code {done.returncode}, not {exits}")
    if show == "last":
        lines = lines[-1:]
    if show == "gates":
        starts = [i for i, line in enumerate(lines) if line.startswith("====") and "gates" in line]
        lines = lines[starts[-1] if starts else 0 :]
    print("\n".join([*lines, *(done.stderr.splitlines() if exits else [])]), flush=True)
    return done.stdout


def last_json(printed: str) -> dict[str, Any]:
    """The JSON object on the last line."""
    found: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    return found


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """A gatekit service in a process of its own."""

    def __init__(self, stage: str, model: str, log: Path) -> None:
        self.stage, self.port = stage, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log / f"service-{stage}.log"
        settings = {
            "GATEKIT_MODEL": model,
            "GATEKIT_STAGE": stage,
            "GATEKIT_PORT": str(self.port),
            "GATEKIT_POLL_SECONDS": "1",
            "GATEKIT_VERIFY": "enforce",
            "GATEKIT_CACHE": str(log / f"cache-{stage}"),
        }
        with self.log.open("w", encoding="utf-8") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gatekit_service"],
                cwd=ROOT,
                env={**ENVIRONMENT, **settings},
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    def health(self) -> dict[str, Any]:
        """What /health answers, {} while nothing answers."""
        return ask(f"{self.url}/health")

    def wait_for(self, version: str) -> dict[str, Any]:
        """Wait until it serves that version; returns its health.

        Raises:
            DemoFailed: it does not within the time.
        """
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            health = self.health()
            if health.get("status") == "ok" and health.get("version") == version:
                return health
            time.sleep(0.2)
        said = self.log.read_text(encoding="utf-8")[-2000:]
        raise DemoFailed(f"the {self.stage} service does not serve version {version}:\n{said}")

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()


def ask(url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """GET, or POST of JSON; {} if nothing answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        refused: dict[str, Any] = json.load(error)
        return refused
    except OSError:
        return {}


def shown(health: Mapping[str, Any]) -> str:
    """A service's health in one line."""
    keys = ("status", "stage", "model", "version", "engine")
    return json.dumps({key: health.get(key) for key in keys})


@contextmanager
def timed() -> Iterator[None]:
    """Print `demo passed` with the seconds, or what failed, and end with 1."""
    start = time.monotonic()
    try:
        yield
    except DemoFailed as failed:
        print(f"\ndemo failed: {failed}", flush=True)
        sys.exit(1)
    print(f"\ndemo passed in {time.monotonic() - start:.0f} s", flush=True)
