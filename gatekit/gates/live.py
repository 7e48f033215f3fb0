"""More questions to a running service: its OpenAPI document fuzzed, and its first answer."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

from gatekit.errors import ServiceProblem
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask, measure
from gatekit.gates import applies
from gatekit.gates.staging import mismatch
from gatekit.service_client import LiveService
from gatekit.service_metrics import read_metrics
from gatekit.subject import Subject

LONGEST_SECONDS = 900.0
SHOWN = 8


@measure
def fuzz_failures(candidate: Subject, service: LiveService, *, ask: Ask) -> Estimate:
    """Answers to generated requests that break the service's own OpenAPI document: kinds, a count.

    Raises:
        ServiceProblem: schemathesis is missing, or has no result.
    """
    if ask.settings.fuzz_failures is None:
        return applies.not_asked("fuzz failures", "the policy sets no fuzz_failures", ask)
    if find_spec("schemathesis") is None:
        raise ServiceProblem("fuzzing needs schemathesis", "Install pytest-gatekit[fuzz]")
    _must_serve(candidate, service)
    command = [sys.executable, "-m", "gatekit.gates.fuzzed", service.url]
    command.append(str(ask.settings.fuzz_examples))
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ServiceProblem(f"schemathesis did not end in {LONGEST_SECONDS:g} s") from error
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise ServiceProblem(f"schemathesis failed: {words[-1]}", "Is /openapi.json served?")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    failures = tuple(found["failures"])
    method = "kinds, schemathesis on the live OpenAPI document"
    return exact(
        "fuzz failures", len(failures), n=found["tried"], method=method, detail=failures[:SHOWN]
    )


@measure
def first_answer(candidate: Subject, service: LiveService, *, ask: Ask) -> Estimate:
    """Milliseconds of the first answer that this version gave since it was swapped in.

    A service that warms a model before it serves it answers the first caller like any other.

    Raises:
        ServiceProblem: its /metrics does not say, or it has not answered yet.
    """
    if ask.settings.first_ms is None:
        return applies.not_asked("first answer", "the policy sets no first_ms", ask)
    _must_serve(candidate, service)
    samples = read_metrics(service.metrics(), "gatekit_first_answer_seconds")
    version = str(candidate.candidate.version)
    seconds = [value for labels, value in samples if labels.get("version") == version]
    if not seconds:
        raise ServiceProblem(
            f"{service.url} has not answered with version {version} yet",
            "Ask it once, or leave staging.first_ms out",
        )
    first_ms = seconds[0] * 1000
    how = "gatekit_first_answer_seconds of /metrics"
    return Estimate("first answer", first_ms, first_ms, first_ms, 1.0, 1, how, "ms")


def _must_serve(candidate: Subject, service: LiveService) -> None:
    if wrong := mismatch(candidate, service):
        raise ServiceProblem(
            f"{service.url} does not serve {candidate.title}: {wrong[0]}",
            "Promote it, and wait until /health shows it",
        )
