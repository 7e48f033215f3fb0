"""/hooks/mlflow: the registry says that something moved. It is a hint: the pointer is read again.

No delivery names what is served. Whatever its body says, all it can do is wake the watcher, which
resolves the pointer and proves what it finds as at any other time.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from fastapi import FastAPI
from fastapi.responses import Response
from starlette.requests import Request

from gatekit.promotion.journal import journal_name
from gatekit_service.hook_signature import Deliveries
from gatekit_service.replies import json_reply
from gatekit_service.wiring import Wiring

MOST_BYTES = 64 * 1024
PAUSE_S = 0.5  # between two looks that hooks ask for: a storm does not become one at the registry
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "seen before, or not about what is served here"},
    401: {"description": "not signed, wrongly signed, or too old"},
    404: {"description": "there is no secret to know MLflow by"},
    413: {"description": "larger than a delivery is"},
}
REFUSED = {"unsigned": 401, "wrong signature": 401, "too old": 401}


def add(app: FastAPI, wiring: Wiring) -> None:
    """POST /hooks/mlflow, if there is a secret to know MLflow by."""
    secret = wiring.settings.hook_secret
    deliveries, alarm = Deliveries(secret), Alarm(wiring.watcher.wake)

    def done(status: int, outcome: str) -> Response:
        wiring.meter.hooks[outcome] += 1
        key = "error" if status >= 400 else "status"  # noqa: PLR2004 - refusals begin there
        return json_reply(status, {key: outcome})

    @app.post("/hooks/mlflow", status_code=202, responses=ANSWERS)
    async def mlflow(request: Request) -> Response:
        """A webhook of MLflow's registry: look at the pointer now, not at the next turn."""
        if not secret:
            return done(404, "no hooks here: GATEKIT_HOOK_SECRET is not set")
        body = await _read(request)
        if body is None:
            return done(413, "too large")
        verdict = deliveries.judge(request.headers, body, time.time())
        if verdict in REFUSED:
            return done(REFUSED[verdict], verdict)
        if verdict == "seen before":
            return done(200, verdict)
        if not _is_ours(body, wiring):
            return done(200, "not about what is served here")
        alarm.ring()
        return done(202, "looking")


class Alarm:
    """Wakes at once, then not again before `PAUSE_S` is over; what rings meanwhile is one wake."""

    def __init__(self, wake: Any) -> None:
        self._wake = wake
        self._last_s = -PAUSE_S
        self._is_set = False

    def ring(self) -> None:
        """Wake now, or as soon as the pause is over. Called in the loop."""
        loop = asyncio.get_running_loop()
        if self._is_set:
            return
        wait_s = self._last_s + PAUSE_S - loop.time()
        if wait_s <= 0:
            self._go()
        else:
            self._is_set = True
            loop.call_later(wait_s, self._go)

    def _go(self) -> None:
        self._is_set, self._last_s = False, asyncio.get_running_loop().time()
        self._wake()


async def _read(request: Request) -> bytes | None:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > MOST_BYTES:
            return None
    return bytes(raw)


def _is_ours(body: bytes, wiring: Wiring) -> bool:
    """Whether the model is the one that is served here; MLflow's test names one of its own."""
    try:
        data = json.loads(body)["data"]
        name = data["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    settings = wiring.settings
    ours = {settings.model, journal_name(settings.model)}  # each move is an entry of the journal
    if settings.pointer == "copy":
        ours.add(settings.spelled)
    return name in ours
