"""The load generator as the gates use it: a locust run in a process of its own, and its result.

locust patches the process it runs in, so the `gatekit_locust` plugin's driver starts it and the
result is read from a file. Processes of one session share one run: two at once would measure
each other.
"""

from __future__ import annotations

import fcntl
import json
import math
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic
from typing import Any

from gatekit.errors import ServiceProblem
from gatekit.evidence.histogram import Histogram
from gatekit.kept import LOAD_RUN
from gatekit.progress import Progress
from gatekit.service_client import LiveService
from gatekit.service_metrics import read_metrics

SLACK_SECONDS = 480.0  # more than the driver itself waits, for both runs
ALONE_SECONDS = 3.0
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class LoadRun:
    """What one run saw. A failed request has a time as well: the whole run's at the least.

    `latencies_ms` count from the intended start, each known to 0.1 percent and rounded up;
    `alone_ms` are those of /health/live by the same schedule; `lag_ms` is how late requests left
    although a user was free. The driver has added up those of all its
    processes.
    """

    latencies_ms: Histogram
    alone_ms: Histogram
    lag_ms: Histogram
    failures: dict[str, int]
    versions: dict[str, int]
    seconds: float
    held_mb: tuple[float, ...] = ()

    @property
    def requests(self) -> int:
        """How many requests the schedule held."""
        return self.latencies_ms.n

    @property
    def failed(self) -> int:
        """How many were not answered with a prediction."""
        return sum(self.failures.values())

    @property
    def alone_p99_ms(self) -> float:
        """What the generator alone takes, at its 99th percentile."""
        return _p99(self.alone_ms)

    def words(self) -> tuple[str, ...]:
        """What the generator adds, for the report."""
        return (
            f"the generator alone, asking /health/live by the same schedule: p99 "
            f"{self.alone_p99_ms:.3g} ms (shown, not subtracted)",
            f"requests left late although a user was free: p99 {_p99(self.lag_ms):.3g} ms",
            "locust's FastHttpUser tops out near 11000 requests a second on one core",
        )

    @classmethod
    def of(cls, found: dict[str, Any]) -> LoadRun:
        """The run that the driver wrote."""
        load = found["load"]
        return cls(
            _in_ms(load["latency_us"]),
            _in_ms(found["alone"]["latency_us"]),
            _in_ms(load["lag_us"]),
            dict(load["failures"]),
            dict(load["versions"]),
            float(load["seconds"]),
            tuple(found.get("held_mb", ())),
        )


def generate(service: LiveService, bodies: list[dict[str, Any]], settings: Any) -> LoadRun:
    """Send these bodies to the service, as the settings of the load gate say.

    Raises:
        ServiceProblem: a part is missing, or the run gave nothing.
    """
    if find_spec("gatekit_locust") is None:
        raise ServiceProblem("the load gate needs gatekit_locust, which is not installed")
    with tempfile.TemporaryDirectory(prefix="gatekit-load-") as scratch:  # for nobody else to read
        folder = service.kept or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        result = folder / LOAD_RUN
        with (folder / ".load.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                rows = Path(scratch, "rows.json")
                rows.write_text(json.dumps(bodies), encoding="utf-8")
                _drive(service, rows, settings, folder)
        found = json.loads(result.read_text(encoding="utf-8"))
    if not found["load"]["requests"]:
        raise ServiceProblem(f"no request to {service.url} ended during the load run")
    return LoadRun.of(found)


def _drive(service: LiveService, rows: Path, settings: Any, folder: Path) -> None:
    load = {
        "users": settings.users,
        "rate": settings.requests_per_second,
        "seconds": settings.seconds,
        "shape": settings.shape,
        "processes": settings.processes,
        "rows_per_request": settings.rows_per_request,
    }
    order = rows.with_name("order.json")
    said = {"url": service.url, "rows": str(rows), "folder": str(folder), "load": load}
    order.write_text(json.dumps(said), encoding="utf-8")
    command = [sys.executable, "-m", "gatekit_locust.driver", str(order)]
    with _watched_memory(service.url) as held:
        code, complaint = _run(command, settings.seconds + ALONE_SECONDS, service.progress)
    if code != 0:
        words = complaint.strip().splitlines() or ["it gave no reason"]
        raise ServiceProblem(f"the load generator failed: {words[-1]}")
    result = folder / LOAD_RUN
    found = {**json.loads(result.read_text(encoding="utf-8")), "held_mb": held, "asked": load}
    result.write_text(json.dumps(found), encoding="utf-8")


def _run(command: list[str], seconds: float, progress: Progress) -> tuple[int, str]:
    """Exit code and stderr of the driver, whose load takes about so many seconds."""
    start = monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as driver:
        try:
            while (passed := monotonic() - start) < seconds + SLACK_SECONDS:
                progress("seconds of load", min(passed, 0.99 * seconds), seconds)
                with suppress(subprocess.TimeoutExpired):
                    _, complaint = driver.communicate(timeout=LOOK_SECONDS)
                    return driver.returncode, complaint
            raise ServiceProblem("the load generator did not end in time")
        finally:
            if driver.poll() is None:
                driver.kill()


@contextmanager
def _watched_memory(url: str) -> Iterator[list[float]]:
    """Megabytes of the service's process, read every half second by a connection of its own."""
    held: list[float] = []
    ended = threading.Event()

    def look() -> None:
        service = LiveService(url)
        while not ended.is_set():
            try:
                samples = read_metrics(service.metrics(), "process_resident_memory_bytes")
            except ServiceProblem:
                break  # an older service has no such route
            held.extend(value / 2**20 for _, value in samples)
            ended.wait(LOOK_SECONDS)
        service.close()

    thread = threading.Thread(target=look, name="gatekit-memory", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        ended.set()
        thread.join(timeout=5.0)


def _in_ms(counts: list[list[int]]) -> Histogram:
    """Of [microseconds, how many]."""
    return Histogram.of_counts((us / 1000.0, many) for us, many in counts)


def _p99(times_ms: Histogram) -> float:
    return times_ms.smallest(math.ceil(0.99 * times_ms.n)) if times_ms.n else 0.0
