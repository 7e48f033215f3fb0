"""How the service answers many callers at once: one load run, four measures.

Latencies count from when a request was to begin, by a schedule fixed in advance, so that a slow
answer cannot hide those that had to wait behind it. They include what the generator itself takes;
that is measured in the same run against /health/live, and shown. It is not subtracted: a
difference of percentiles is no percentile of differences.
"""

from __future__ import annotations

from gatekit.data import Holdout
from gatekit.errors import PolicyError, ServiceProblem
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask, measure
from gatekit.gates import applies, latency
from gatekit.gates.accuracy import share
from gatekit.gates.generator import LoadRun, generate
from gatekit.gates.staging import features, mismatch
from gatekit.service_client import LiveService, rows_payload
from gatekit.subject import Subject

RESOLUTION_MS = 2.0  # no generator in Python sees below it, whatever a quiet moment shows
MOST_RATE = 5000.0  # of one process: half of where locust's FastHttpUser tops out
ROWS_SENT = 2000


@measure
def p99(candidate: Subject, service: LiveService, holdout: Holdout, *, ask: Ask) -> Estimate:
    """99th percentile of milliseconds under load; a failed request counts as the whole run long.

    Raises:
        PolicyError: the bar is finer than the generator can see.
    """
    bar = ask.settings.p99_ms
    if bar is not None and bar < RESOLUTION_MS:
        raise PolicyError(
            f"load.p99_ms is {bar:g}: the load generator cannot see below {RESOLUTION_MS:g} ms",
            "Set it higher; staging.p99_ms and latency.p99_ms are measured finer",
        )
    run = load_run(candidate, service, holdout, ask)
    if bar is not None and bar < run.alone_p99_ms:
        raise PolicyError(
            f"load.p99_ms is {bar:g}: the generator alone saw {run.alone_p99_ms:.3g} ms at its "
            "99th percentile, asking /health/live by the same schedule",
            "Load from a quieter machine or more processes, or set it higher",
        )
    return latency.of_sample(
        "load p99", 0.99, run.latencies_ms, ask, _method(ask), detail=run.words()
    )


@measure
def error_rate(candidate: Subject, service: LiveService, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of requests under load not answered with a prediction by the candidate's version."""
    run = load_run(candidate, service, holdout, ask)
    others = _others(run, candidate)
    detail = tuple(f"{n} requests: {why}" for why, n in run.failures.items())
    detail += tuple(f"{n} requests were answered by version {v}" for v, n in others.items())
    return share("error rate", run.failed + sum(others.values()), run.requests, ask, detail)


@measure
def throughput(candidate: Subject, service: LiveService, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Right answers a second, from the beginning to the end of the last answer."""
    run = load_run(candidate, service, holdout, ask)
    right = run.requests - run.failed - sum(_others(run, candidate).values())
    wanted = f"of {ask.settings.requests_per_second:g} a second asked for"
    rate = right / max(run.seconds, ask.settings.seconds)
    return exact("throughput", rate, n=run.requests, method=f"count, {_method(ask)}, {wanted}")


@measure
def memory(candidate: Subject, service: LiveService, holdout: Holdout, *, ask: Ask) -> Estimate:
    """The most megabytes that the service's process held while the load ran.

    Raises:
        ServiceProblem: its /metrics does not say.
    """
    if ask.settings.memory_mb is None:
        return applies.not_asked("load memory", "the policy sets no memory_mb", ask)
    run = load_run(candidate, service, holdout, ask)
    if not run.held_mb:
        raise ServiceProblem(
            f"{service.url}/metrics does not say what its process holds",
            "Set load.memory_mb only for a service on Linux with the extra `service`",
        )
    how = f"process_resident_memory_bytes of /metrics, {len(run.held_mb)} times under load"
    most = max(run.held_mb)
    return Estimate("load memory", most, most, most, 1.0, len(run.held_mb), how, "MB")


def load_run(candidate: Subject, service: LiveService, holdout: Holdout, ask: Ask) -> LoadRun:
    """The run for this service and candidate: made once for all gates and processes of a session.

    Raises:
        PolicyError: a rate that the generator cannot honestly offer.
        ServiceProblem: another model is served, locust is missing, or the run gave nothing.
    """
    settings = ask.settings
    peak = settings.requests_per_second * (3.0 if settings.shape == "spike" else 1.0)
    if peak > MOST_RATE * settings.processes:
        raise PolicyError(
            f"the load is {peak:g} requests a second at its peak: a locust process tops out near "
            f"11000 on one core, and is trusted to {MOST_RATE:g}",
            f"Set load.processes to {-int(-peak // MOST_RATE)}, on as many free cores",
        )
    key = f"{service.url} {candidate.candidate.digest}"
    if key not in service.loads:
        if wrong := mismatch(candidate, service):
            raise ServiceProblem(
                f"{service.url} does not serve {candidate.title}: {wrong[0]}",
                "Promote it, and wait until /health shows it",
            )
        columns, rows = features(candidate, holdout)
        each = settings.rows_per_request
        drawn = rows[: ROWS_SENT * each]
        starts = range(0, max(1, len(drawn) - each + 1), each)
        bodies = [rows_payload(drawn[start : start + each], columns) for start in starts]
        service.loads[key] = generate(service, bodies, settings)
    run: LoadRun = service.loads[key]
    return run


def _others(run: LoadRun, candidate: Subject) -> dict[str, int]:
    version = candidate.candidate.version
    return {v: n for v, n in run.versions.items() if version is not None and v != version}


def _method(ask: Ask) -> str:
    how = ask.settings
    return f"{how.shape} {how.requests_per_second:g} requests a second, {how.users} users"
