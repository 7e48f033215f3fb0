"""The route of predictions, in front of FastAPI's own stack: what it costs is paid by each row.

Small requests to a quick engine are answered in the loop, several at once where that pays. All
others go to a few threads. What waits is counted, and what would be too much is shed.
"""

from __future__ import annotations

import asyncio
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from starlette.exceptions import HTTPException

from gatekit.errors import BadRows
from gatekit_service.asked import (
    SMALL_BYTES,
    Asked,
    Door,
    Gone,
    Receive,
    Scope,
    Send,
    TooLarge,
)
from gatekit_service.logs import REQUEST
from gatekit_service.plain_json import json_bytes
from gatekit_service.settings import Settings
from gatekit_service.state import Answered, Served, State
from gatekit_service.together import Together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Reply = Callable[[int, bytes, Mapping[str, str] | None], None]

LOG = logging.getLogger("gatekit_service")
PATHS = ("/predict", "/invocations")
MANY_ROWS = 256
OK = 200
encode = msgspec.json.Encoder().encode


class Waits(NamedTuple):
    """A request whose rows are predicted together with those of others."""

    asked: Asked
    start_s: float
    served: Served
    rows: Sequence[Any]
    reply: Reply


class Scoring:
    """An ASGI application for `PATHS` alone."""

    def __init__(self, settings: Settings, state: State) -> None:
        self._settings, self._state = settings, state
        self._door = Door(settings)
        self._together = Together()
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "gatekit-predict")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever is wrong with it is an answer, too."""
        start = perf_counter()
        asked = Asked.of(scope)
        REQUEST.set(asked.request_id)
        served: Served | None = None
        rows: Sequence[Any] = ()
        said: list[Any] = []
        headers: Mapping[str, str] | None = None
        try:
            self._door.check(asked)
            served = self._state.served
            if served is None:
                raise HTTPException(
                    503, "no model is loaded yet; see /health", {"retry-after": "1"}
                )
            raw = await self._door.body(receive)
            rows, said = await self._predict(served, raw)
            status, body = OK, _body(asked.path, served, said)
        except (BadRows, HTTPException) as refused:
            if isinstance(refused, TooLarge) and not refused.is_whole:
                await self._door.linger(receive)
            status, body, headers = _refusal(refused)
        except Gone:
            return
        await _send(send, status, body, asked.request_id, headers)
        self._account(asked, status, start, served, (rows, said))

    def quick(self, length: int) -> Served | None:
        """The model, if a body of that many bytes is answered in the loop, and nothing is full."""
        served, state = self._state.served, self._state
        is_quick = served is not None and served.predictor.is_quick
        return served if is_quick and length <= SMALL_BYTES and not self._is_full(state) else None

    def at_once(
        self, asked: Asked, raw: bytes, served: Served, reply: Reply, *, is_alone: bool = False
    ) -> None:
        """Answer a whole request for a quick model, now or at the end of this turn of the loop.

        `is_alone`: there is no other connection, and so nothing to wait for.
        """
        start, predictor = perf_counter(), served.predictor
        REQUEST.set(asked.request_id)
        rows: Sequence[Any] = ()
        said: list[Any] = []
        headers: Mapping[str, str] | None = None
        try:
            self._door.check(asked)
            rows = predictor.read(raw)
            self._count(rows)
            together = predictor.is_batched and not is_alone and len(rows) < MANY_ROWS
            if together and isinstance(rows, list):
                self._state.open += 1
                waits = Waits(asked, start, served, rows, reply)
                future = self._together.predict(predictor, rows)
                future.add_done_callback(partial(self._batched, waits))
                return
            said = predictor.predict(rows)
            status, body = OK, _body(asked.path, served, said)
        except (BadRows, HTTPException) as refused:
            status, body, headers = _refusal(refused)
        reply(status, body, headers)
        self._account(asked, status, start, served, (rows, said))

    def _batched(self, waits: Waits, answer: asyncio.Future[list[Any]]) -> None:
        asked, start, served, rows, reply = waits
        self._state.open -= 1
        said: list[Any] = []
        headers: Mapping[str, str] | None = None
        try:
            said = answer.result()
            status, body = OK, _body(asked.path, served, said)
        except BadRows as refused:
            status, body, headers = _refusal(refused)
        reply(status, body, headers)
        self._account(asked, status, start, served, (rows, said))

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _predict(self, served: Served, raw: bytes) -> tuple[Sequence[Any], list[Any]]:
        predictor = served.predictor
        if self._is_full(self._state):
            raise HTTPException(
                503, "too many requests wait already; try again", {"retry-after": "1"}
            )
        self._state.open += 1
        try:
            if not predictor.is_quick or len(raw) > SMALL_BYTES:
                return await self._in_a_thread(served, raw)
            rows = predictor.read(raw)
            self._count(rows)
            if predictor.is_batched and isinstance(rows, list) and len(rows) < MANY_ROWS:
                return rows, await self._together.predict(predictor, rows)
            return rows, predictor.predict(rows)
        finally:
            self._state.open -= 1

    async def _in_a_thread(self, served: Served, raw: bytes) -> tuple[Sequence[Any], list[Any]]:
        def work() -> tuple[Sequence[Any], list[Any]]:
            rows = served.predictor.read(raw)
            self._count(rows)
            return rows, served.predictor.predict(rows)

        loop, seconds = asyncio.get_running_loop(), self._settings.timeout_seconds
        future = loop.run_in_executor(self._threads, copy_context().run, work)
        try:
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            LOG.warning("%s gave no answer within %g s", served.title, seconds)
            raise HTTPException(
                503, f"the model gave no answer within {seconds:g} s", {"retry-after": "1"}
            ) from None

    def _is_full(self, state: State) -> bool:
        return state.open >= self._settings.queue

    def _account(
        self,
        asked: Asked,
        status: int,
        start: float,
        served: Served | None,
        answer: tuple[Sequence[Any], list[Any]],
    ) -> None:
        """Tell of an answer that was sent."""
        took_ms = (perf_counter() - start) * 1000
        if served is not None and status == OK:
            told = (asked.request_id, asked.path, status, took_ms, served, *answer)
            self._state.answered(Answered(*told))
        else:
            self._state.refused(asked.path, status, took_ms)
        if self._settings.access_log:
            _log(asked.path, status, len(answer[0]), took_ms)

    def _count(self, rows: Sequence[Any]) -> None:
        if len(rows) > self._settings.max_rows:
            raise HTTPException(
                413, f"more than {self._settings.max_rows} rows; send fewer at once"
            )


def _refusal(error: BadRows | HTTPException) -> tuple[int, bytes, Mapping[str, str] | None]:
    if isinstance(error, BadRows):
        return 422, json_bytes({"error": str(error)}), None
    return error.status_code, json_bytes({"error": error.detail}), error.headers


def _log(route: str, status: int, rows: int, took_ms: float) -> None:
    fields = {"route": route, "status": status, "rows": rows, "took_ms": round(took_ms, 3)}
    LOG.info("answered", extra={"fields": fields})


def _body(path: str, served: Served, said: list[Any]) -> bytes:
    try:
        predictions = encode(said)
    except (ValueError, UnicodeEncodeError, msgspec.MsgspecError):  # half a surrogate pair
        predictions = json_bytes(said)
    if path == "/predict":
        return b'{"predictions":' + predictions + served.tail
    return b'{"predictions":' + predictions + b"}"


async def _send(
    send: Send, status: int, body: bytes, request: str, extra: Mapping[str, str] | None
) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request.encode("ascii")),
    ]
    for name, value in (extra or {}).items():
        headers.append((name.encode("ascii"), value.encode("ascii")))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
