"""How the service answers many callers at once: one locust run, in its own process, two measures.

locust patches the process it runs in, so it is started by the `gatekit_locust` plugin's driver
and its timings are read from a file.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gatekit.data import Holdout
from gatekit.errors import PolicyError, ServiceProblem
from gatekit.estimate import Estimate
from gatekit.gate import Ask, measure
from gatekit.gates import latency
from gatekit.gates.accuracy import share
from gatekit.gates.staging import features, mismatch
from gatekit.service_client import LiveService, rows_payload
from gatekit.subject import Subject

RESOLUTION_MS = 2.0  # the generator itself takes about a millisecond on a busy machine
ROWS_SENT = 1000
SLACK_SECONDS = 60.0  # start of the generator and its end, beside the run itself
LEAST_RATE = 0.8  # of the rate asked for; below, another load was measured than the policy says


@dataclass(frozen=True, slots=True)
class LoadRun:
    """What one run of the generator saw. A failed request has a time as well."""

    ms: tuple[float, ...]
    failures: int
    seconds: float  # from the first request to the end of the last
    versions: dict[str, int]

    @property
    def requests(self) -> int:
        """How many requests were sent and ended."""
        return len(self.ms)


@measure
def p99(candidate: Subject, service: LiveService, holdout: Holdout, *, ask: Ask) -> Estimate:
    """99th percentile of milliseconds under load; a failed request counts as the whole run long."""
    bar = ask.settings.p99_ms
    if bar is not None and bar < RESOLUTION_MS:
        raise PolicyError(
            f"load.p99_ms is {bar:g}: the load generator cannot see below {RESOLUTION_MS:g} ms",
            "Set it higher; staging.p99_ms and latency.p99_ms are measured finer",
        )
    run = load_run(candidate, service, holdout, ask)
    rate = run.requests / run.seconds
    wanted = ask.settings.requests_per_second
    if rate < LEAST_RATE * wanted:
        raise ServiceProblem(
            f"only {rate:.0f} requests a second were sent of {wanted:g} that the policy asks for",
            f"The service, or {ask.settings.users} users waiting for it, cannot keep that rate",
        )
    method = f"{ask.settings.users} users, {rate:.0f} requests a second"
    return latency.of_sample("load p99", 0.99, run.ms, ask, method)


@measure
def error_rate(candidate: Subject, service: LiveService, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of requests under load not answered with a prediction by the candidate's version."""
    run = load_run(candidate, service, holdout, ask)
    version = candidate.candidate.version
    others = {v: n for v, n in run.versions.items() if version is not None and v != version}
    detail = tuple(f"{n} requests were answered by version {v}" for v, n in others.items())
    return share("error rate", run.failures + sum(others.values()), run.requests, ask, detail)


def load_run(candidate: Subject, service: LiveService, holdout: Holdout, ask: Ask) -> LoadRun:
    """The run for this service and candidate: made once, kept on `service`.

    Raises:
        ServiceProblem: another model is served, locust is missing, or the run gave nothing.
    """
    key = f"{service.url} {candidate.candidate.digest}"
    if key not in service.loads:
        if wrong := mismatch(candidate, service):
            raise ServiceProblem(
                f"{service.url} does not serve {candidate.title}: {wrong[0]}",
                "Promote it, and wait until /health shows it",
            )
        columns, rows = features(candidate, holdout)
        bodies = [rows_payload([row], columns) for row in rows[:ROWS_SENT]]
        service.loads[key] = _generate(service.url, bodies, ask.settings)
    run: LoadRun = service.loads[key]
    return run


def _generate(url: str, bodies: list[dict[str, Any]], settings: Any) -> LoadRun:
    if find_spec("gatekit_locust") is None:
        raise ServiceProblem("the load gate needs gatekit_locust, which is not installed")
    with tempfile.TemporaryDirectory(prefix="gatekit-load-") as scratch:  # for nobody else to read
        rows, out = Path(scratch, "rows.json"), Path(scratch, "result.json")
        rows.write_text(json.dumps(bodies), encoding="utf-8")
        command = [sys.executable, "-m", "gatekit_locust.driver", url, str(rows), str(out)]
        command += [str(settings.users), str(settings.requests_per_second), str(settings.seconds)]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=settings.seconds + 2 * SLACK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ServiceProblem("the load generator did not end in time") from error
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["it gave no reason"]
            raise ServiceProblem(f"the load generator failed: {said[-1]}")
        found = json.loads(out.read_text(encoding="utf-8"))
    if not found["ms"]:
        raise ServiceProblem(f"no request to {url} ended during the load run")
    return LoadRun(tuple(found["ms"]), found["failures"], found["seconds"], found["versions"])
