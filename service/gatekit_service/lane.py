"""The quick lane: a small request for predictions, come whole, is answered where it was read.

Half of what a prediction costs behind uvicorn is the way through ASGI: a task, a scope, events. A
connection begins here. The first of its requests that is not small, whole, plainly put and for a
quick model is given to uvicorn's own protocol, and so is all that follows on that connection.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from gatekit_service.asked import SMALL_BYTES, Asked
from gatekit_service.logs import request_id

if TYPE_CHECKING:
    from gatekit_service.scoring import Scoring

FIRST = {b"POST /predict HTTP/1.1": "/predict", b"POST /invocations HTTP/1.1": "/invocations"}
JSON_OF_LENGTH = b"content-type: application/json\r\ncontent-length: "
END = b"\r\n\r\n"
MOST_HEAD_BYTES = 4096
BODY_SECONDS = 1.0  # for the rest of a body; then uvicorn may wait for it
HEADS_KEPT = 8  # a client sends the same head again and again, but for its length
LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e]*?)[ \t]*")
NOT_PLAIN = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer"})
STATUS = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}


class Lane(asyncio.Protocol):
    """One connection in the lane; uvicorn's server makes it, and ends it as one of its own."""

    def __init__(self, scoring: Scoring, **made: Any) -> None:
        self._scoring, self._made = scoring, made
        self._connections: set[Any] = made["server_state"].connections
        self._keep_s: float = made["config"].timeout_keep_alive
        self._loop = asyncio.get_running_loop()
        self._heads: dict[bytes, tuple[Asked, bytes]] = {}
        self._waits = False  # for an answer that comes at the end of this turn of the loop
        self._ends = False
        self._later = b""
        self._begun = bytearray()  # a request whose body is still on its way
        self._wanted = 0  # bytes that the request of `_begun` will have
        self._request = ""
        self._last_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = None  # when `_begun` is uvicorn's to wait for
        self._defaults: tuple[Any, bytes] = (None, b"")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone, or we have closed."""
        del exc
        self._take_begun()
        self._leave()

    def shutdown(self) -> None:
        """As uvicorn's server asks it of a connection: end when what has begun is answered."""
        self._ends = True
        if self._begun:
            self._give_up(self._take_begun())
        elif not self._waits:
            self._transport.close()

    def pause_writing(self) -> None:
        """Who does not read its answers is asked no further."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """A request; or what came behind one that is not answered yet."""
        if self._waits:
            self._later += data
            self._transport.pause_reading()
            return
        if self._begun:
            self._begun += data
            if len(self._begun) < self._wanted:
                return
            data = self._take_begun()
        found = self._request_in(data)
        if found is None and self._wanted:
            self._begun += data
            self._late = self._loop.call_later(BODY_SECONDS, self._give_up_what_lingers)
            return
        served = None if found is None else self._scoring.quick(len(found[1]))
        if found is None or served is None:
            self._give_up(data)
            return
        asked, raw = found
        self._waits, self._request = True, asked.request_id
        is_alone = len(self._connections) == 1  # nobody could be predicted together with it
        self._scoring.at_once(asked, raw, served, self._reply, is_alone=is_alone)

    def _request_in(self, data: bytes) -> tuple[Asked, bytes] | None:
        """The one whole request that `data` is; None if it is anything else."""
        self._wanted = 0
        end = data.find(END, 0, MOST_HEAD_BYTES)
        if end < 0:
            return None
        head = data[:end]
        known = self._heads.get(head)
        if known is None:
            known = read_head(head)
            if known is None:
                return None
            if len(self._heads) >= HEADS_KEPT:
                self._heads.clear()
            self._heads[head] = known
        asked, sent = known
        raw = data[end + len(END) :]
        if asked.length != len(raw):
            if len(raw) < asked.length <= SMALL_BYTES:
                self._wanted = end + len(END) + asked.length
            return None
        named = request_id(sent)
        return Asked(asked.path, "POST", named, asked.kind, asked.length, asked.bearer), raw

    def _reply(self, status: int, body: bytes, extra: Mapping[str, str] | None) -> None:
        more = "".join(f"{name}: {value}\r\n" for name, value in extra.items()) if extra else ""
        self._transport.write(
            b"%b%b%b%d\r\nx-request-id: %b\r\n%b\r\n%b"
            % (
                STATUS[status],
                self._default_headers(),
                JSON_OF_LENGTH,
                len(body),
                self._request.encode("ascii"),
                more.encode("ascii"),
                body,
            )
        )
        self._waits, self._last_s = False, self._loop.time()
        if self._ends or "connection" in (extra or ()):
            self._transport.close()
        elif self._later:
            data, self._later = self._later, b""
            self._transport.resume_reading()
            self._loop.call_soon(self.data_received, data)
        elif self._timer is None:
            self._timer = self._loop.call_later(self._keep_s, self._close_if_idle)

    def _default_headers(self) -> bytes:
        """The date and whatever else uvicorn puts before every answer; made anew each second."""
        named = self._made["server_state"].default_headers
        if self._defaults[0] is not named:
            self._defaults = named, b"".join(b"%b: %b\r\n" % pair for pair in named)
        return self._defaults[1]

    def _close_if_idle(self) -> None:
        left_s = self._last_s + self._keep_s - self._loop.time()
        if left_s <= 0 and not (self._waits or self._begun):
            self._transport.close()
        else:
            self._timer = self._loop.call_later(max(left_s, 0.1), self._close_if_idle)

    def _take_begun(self) -> bytes:
        data = bytes(self._begun)
        self._begun.clear()
        if self._late is not None:
            self._late.cancel()
            self._late = None
        return data

    def _give_up_what_lingers(self) -> None:
        self._give_up(self._take_begun())

    def _give_up(self, data: bytes) -> None:
        from uvicorn.protocols.http.auto import AutoHTTPProtocol

        self._leave()
        other: Any = AutoHTTPProtocol(**self._made)  # one of two classes
        other.connection_made(self._transport)
        self._transport.set_protocol(other)
        other.data_received(data)
        if self._ends:
            other.shutdown()

    def _leave(self) -> None:
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def lane(scoring: Scoring) -> type[asyncio.Protocol]:
    """What uvicorn makes for each connection: `uvicorn.Config(app, http=lane(app.scoring))`."""

    class Lanes(Lane):
        def __init__(self, **made: Any) -> None:
            super().__init__(scoring, **made)

    return Lanes


def read_head(head: bytes) -> tuple[Asked, bytes] | None:
    """A head of ours, plainly put, and the request id that was sent; None for any other."""
    first, *lines = head.split(b"\r\n")
    path = FIRST.get(first)
    if path is None:
        return None
    headers: list[tuple[bytes, bytes]] = []
    for line in lines:
        found = LINE.fullmatch(line)
        if found is None:
            return None
        name, value = found[1].lower(), found[2]
        twice = name == b"content-length" and any(each == name for each, _ in headers)
        closes = name == b"connection" and value.lower() != b"keep-alive"
        if name in NOT_PLAIN or twice or closes:
            return None
        headers.append((name, value))
    asked = Asked.of({"path": path, "method": "POST", "headers": headers})
    return (asked, dict(headers).get(b"x-request-id", b"")) if asked.length >= 0 else None
