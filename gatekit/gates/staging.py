"""Does the running service serve these bytes, keep its contract, and answer as they do?"""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import numpy as np

from gatekit.data import Holdout
from gatekit.errors import DataError
from gatekit.estimate import Estimate, exact
from gatekit.evidence.counts import right
from gatekit.gate import Ask, measure
from gatekit.gates import latency
from gatekit.gates.contract import JSON, Request, Row, broken, good, leaked
from gatekit.scoring.casting import to_rows
from gatekit.scoring.signature import Signature
from gatekit.service_client import LiveService, predictions_in, rows_payload, sentence_in
from gatekit.subject import Subject

PATIENCE_SECONDS = 15.0  # a service follows its pointer every few seconds
BATCH = 100
GOOD_ROWS = 3
ROWS_TIMED = 256
SHOWN = 5


@measure
def wrong_version(candidate: Subject, service: LiveService, *, ask: Ask) -> Estimate:  # noqa: ARG001 - every measure is asked alike
    """0 if the service serves the candidate's version and bytes, else 1: asked for 15 seconds."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (wrong := mismatch(candidate, service)) and time.monotonic() < until:
        time.sleep(0.25)
    method = "version and digest of /health against the candidate's"
    return exact("wrong version", len(wrong) > 0, n=1, method=method, detail=wrong)


def mismatch(candidate: Subject, service: LiveService) -> tuple[str, ...]:
    """How what is served differs from the candidate, in words; empty if it does not."""
    said, wanted = service.health(), candidate.candidate
    pairs = [("digest", wanted.digest)]
    if wanted.version is not None:
        pairs = [("model", wanted.name), ("version", wanted.version), *pairs]
    return tuple(
        f"{key}: the service says {said.get(key)}, the candidate is {value}"
        for key, value in pairs
        if str(said.get(key)) != value
    )


@measure
def contract_violations(
    candidate: Subject,
    service: LiveService,
    holdout: Holdout,
    *,
    ask: Ask,  # noqa: ARG001 - every measure is asked alike
) -> Estimate:
    """Malformed requests not refused with a clean 422, and good ones not answered: a count."""
    signature = candidate.candidate.signature
    rows = _whole_rows(candidate, holdout)
    asked = 0
    wrong: list[str] = []
    for request in broken(signature, rows[0]):
        asked += 1
        if words := _not_refused(request, service, signature):
            wrong.append(f"{request.what}: {words}")
    for request in good(rows, signature):
        asked += 1
        status, raw = service.post("/predict", request.raw, request.content_type)
        said = predictions_in(raw) or []
        if status != http.client.OK or len(said) != len(rows):
            wrong.append(
                f"{request.what}, {len(rows)} good rows: answered {status} "
                f"with {len(said)} predictions"
            )
    method = "count, requests built from the signature"
    return exact("contract violations", len(wrong), n=asked, method=method, detail=tuple(wrong))


@measure
def disagreements(
    candidate: Subject,
    service: LiveService,
    holdout: Holdout,
    *,
    ask: Ask,  # noqa: ARG001 - every measure is asked alike
) -> Estimate:
    """Rows of the whole holdout that the service answers unlike the tested candidate: a count."""
    expected = candidate.predictions(holdout)
    columns, rows = features(candidate, holdout)
    served: list[Any] = []
    refused: dict[int, str] = {}
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        said, _ = _answers(service, batch, columns)
        if said is None:  # one bad row must not hide the answers to the others
            said = []
            for row, cells in enumerate(batch, start):
                alone, why = _answers(service, [cells], columns)
                said += alone if alone is not None else [None]
                if alone is None:
                    refused[row] = why
        served += said
    same = right(expected, _as_array(served, expected))
    same[list(refused)] = False
    wrong = np.flatnonzero(~same)
    detail = tuple(
        f"row {row}: " + (refused.get(row) or f"served {served[row]}, tested {expected[row]}")
        for row in map(int, wrong[:SHOWN])
    )
    method = f"count, the service against the {candidate.engine} engine on every row"
    return exact("live disagreements", wrong.size, n=len(rows), method=method, detail=detail)


@measure
def p99(candidate: Subject, service: LiveService, holdout: Holdout, *, ask: Ask) -> Estimate:
    """99th percentile of milliseconds for one row over HTTP, one request after another."""
    columns, rows = features(candidate, holdout)
    times = service.time_predictions(rows[:ROWS_TIMED], ask.settings.calls, columns)
    return latency.of_sample("http p99", 0.99, times, ask, "single rows over one connection")


def features(candidate: Subject, holdout: Holdout) -> tuple[list[str], list[list[Any]]]:
    """The columns that the model takes, and the rows of the holdout as JSON values."""
    table = holdout.features(candidate.candidate.signature)
    return list(table.column_names), to_rows(table)


def _whole_rows(candidate: Subject, holdout: Holdout) -> list[Row]:
    columns, rows = features(candidate, holdout)
    whole = [dict(zip(columns, row, strict=True)) for row in rows if None not in row]
    if not whole:
        raise DataError(
            f"{holdout.path.name} has no row without an empty value",
            "The contract of the service is tried with rows that are whole",
        )
    return whole[:GOOD_ROWS]


def _not_refused(request: Request, service: LiveService, signature: Signature) -> str:
    status, raw = service.post("/predict", request.raw, request.content_type)
    if status != http.client.UNPROCESSABLE_ENTITY:
        return f"answered {status}, not 422"
    try:
        sentence = json.loads(raw)["error"]
    except (ValueError, KeyError, TypeError):
        return "answered 422 without a JSON sentence"
    if not isinstance(sentence, str) or not sentence.strip():
        return "answered 422 without a JSON sentence"
    if leaked(raw.decode("utf-8", "replace"), request, signature):
        return "answered 422 with a value that was sent"
    return ""


def _answers(
    service: LiveService, rows: list[list[Any]], columns: list[str]
) -> tuple[list[Any] | None, str]:
    body = json.dumps(rows_payload(rows, columns)).encode()
    status, raw = service.post("/predict", body, JSON)
    said = predictions_in(raw) if status == http.client.OK else None
    if said is not None and len(said) == len(rows):
        return said, ""
    return None, f"answered {status}: {sentence_in(raw)}"


def _as_array(served: list[Any], expected: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The answers as an array that compares with what was expected; null equals nothing."""
    if expected.dtype.kind in "OUS":
        return np.array([str(value) for value in served], dtype=object)
    numbers = [value if isinstance(value, int | float) else float("nan") for value in served]
    return np.asarray(numbers)
