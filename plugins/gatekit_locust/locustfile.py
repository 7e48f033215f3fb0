"""What locust runs: users that post real rows to /predict at a steady rate together.

locust's own histogram knows whole milliseconds only, so every request is timed here. Configured by
environment (`gatekit_locust.driver` sets it), the result is written when locust quits.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

from locust import FastHttpUser, constant_throughput, events, task

BODIES = itertools.cycle(
    [json.dumps(body) for body in json.loads(Path(os.environ["GATEKIT_LOAD_ROWS"]).read_bytes())]
)
WHOLE_RUN_MS = float(os.environ["GATEKIT_LOAD_SECONDS"]) * 1000
HEADERS = {"Content-Type": "application/json"}


class Seen:
    """What all users of this process saw; greenlets take turns, so no lock is needed."""

    def __init__(self) -> None:
        self.ms: list[float] = []
        self.failures = 0
        self.versions: Counter[str] = Counter()
        self.began = 0.0
        self.ended = 0.0

    def add(self, start: float, end: float, response: Any) -> str:
        """Count one request; returns what was wrong with its answer."""
        self.began = self.began or start
        self.ended = max(self.ended, end)
        version = _version(response)
        if version is None:
            self.failures += 1
            self.ms.append(max(WHOLE_RUN_MS, (end - start) * 1000))
            return "no prediction"
        self.versions[version] += 1
        self.ms.append((end - start) * 1000)
        return ""


SEEN = Seen()


class Caller(FastHttpUser):  # type: ignore[misc] # locust brings no types here
    """One caller with a connection of its own."""

    wait_time = constant_throughput(float(os.environ["GATEKIT_LOAD_RATE_PER_USER"]))
    connection_timeout = 10.0
    network_timeout = 10.0

    @task  # type: ignore[untyped-decorator] # locust brings no types here
    def predict(self) -> None:
        """Post one row."""
        body = next(BODIES)
        start = perf_counter()
        with self.client.post(
            "/predict", data=body, headers=HEADERS, catch_response=True
        ) as response:
            wrong = SEEN.add(start, perf_counter(), response)
            if wrong:
                response.failure(wrong)


@events.quit.add_listener  # type: ignore[untyped-decorator] # locust brings no types here
def write_result(**_: Any) -> None:
    """Leave the result as JSON."""
    found = {
        "ms": SEEN.ms,
        "failures": SEEN.failures,
        "requests": len(SEEN.ms),
        "versions": dict(SEEN.versions),
        "seconds": max(SEEN.ended - SEEN.began, 1e-9),
    }
    Path(os.environ["GATEKIT_LOAD_OUT"]).write_text(json.dumps(found), encoding="utf-8")


def _version(response: Any) -> str | None:
    """The version that answered one row; None for anything but that."""
    if response.status_code != 200:  # noqa: PLR2004 - OK
        return None
    try:
        said = json.loads(response.text)
        return str(said["version"]) if len(said["predictions"]) == 1 else None
    except (ValueError, KeyError, TypeError):
        return None
