"""A request for predictions as it comes in: its headers, and its body within the limits."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from gatekit.errors import BadRows
from gatekit_service.logs import request_id
from gatekit_service.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SMALL_BYTES = 1 << 16  # a larger body is read and predicted in a thread
LINGER_SECONDS = 5.0
BODIES_LET_PASS = 16  # as many times the largest size is read and dropped after a refusal
BODIES_AT_ONCE = 8  # of the largest size; more that come in pieces are shed
CLOSE = {"connection": "close"}


class Gone(Exception):
    """The caller is not there any more."""


class TooLarge(HTTPException):
    """413. `is_whole`: the body has come to its end; else the caller is still sending it."""

    def __init__(self, most_bytes: int, *, is_whole: bool = False) -> None:
        most = f"{most_bytes / 2**20:.3g} MB"
        super().__init__(413, f"the body is larger than {most}; send fewer rows at once", CLOSE)
        self.is_whole = is_whole


@dataclass(slots=True)
class Asked:
    """What the headers say."""

    path: str
    method: str
    request_id: str
    kind: bytes
    length: int
    bearer: bytes

    @classmethod
    def of(cls, scope: Scope) -> Asked:
        """Read the headers once."""
        kind, length, bearer, sent = b"application/json", -1, b"", b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                kind = value
            elif name == b"content-length":
                length = int(value) if value.isdigit() else -1
            elif name == b"x-request-id":
                sent = value
            elif name == b"authorization":
                bearer = value
        return cls(scope["path"], scope["method"], request_id(sent), kind, length, bearer)


class Door:
    """Lets in what is allowed, and no more than the limits say."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.max_body_bytes
        self._seconds = settings.timeout_seconds
        self._token = f"Bearer {settings.token}".encode() if settings.token else b""
        self._held = 0  # bytes of bodies that are not complete yet

    def check(self, asked: Asked) -> None:
        """Raises HTTPException or BadRows for what is refused by its headers alone."""
        if asked.method != "POST":
            raise HTTPException(405, f"{asked.path} takes POST", {"allow": "POST"})
        if self._token and not hmac.compare_digest(asked.bearer, self._token):
            raise HTTPException(
                401, "send the service's token as a bearer", {"www-authenticate": "Bearer"}
            )
        if asked.kind != b"application/json":
            kind = asked.kind.partition(b";")[0].strip().lower()
            if kind != b"application/json":
                raise BadRows("the content type is not application/json")
        if asked.length > self._limit:
            raise TooLarge(self._limit)

    async def body(self, receive: Receive) -> bytes:
        """The whole body.

        Raises:
            HTTPException: it is too large, too slow, or too many others are on their way.
            Gone: the caller went away.
        """
        task, late = asyncio.current_task(), False

        def give_up() -> None:
            nonlocal late
            late = True
            if task is not None:
                task.cancel()

        # a timer of the loop alone: asyncio.timeout costs as much as reading a row
        timer = asyncio.get_running_loop().call_later(self._seconds, give_up)
        try:
            message = await receive()
            if message.get("more_body"):
                return await self._pieces(message, receive)
        except asyncio.CancelledError:
            if not late or task is None or task.uncancel():
                raise
            words = f"the body did not come within {self._seconds:g} s"
            raise HTTPException(408, words, CLOSE) from None
        finally:
            timer.cancel()
        if message["type"] == "http.disconnect":
            raise Gone
        raw: bytes = message.get("body", b"")
        if len(raw) > self._limit:
            raise TooLarge(self._limit, is_whole=True)
        return raw

    async def linger(self, receive: Receive) -> None:
        """Read and drop what a refused caller still sends, within bounds.

        A line that is closed while it sends is reset, and it never reads why.
        """
        left, more = BODIES_LET_PASS * self._limit, True
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while more and left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    more = message.get("more_body", False)

    async def _pieces(self, message: Message, receive: Receive) -> bytes:
        raw = bytearray()
        try:
            while True:
                piece = message.get("body", b"")
                raw += piece
                self._held += len(piece)
                if len(raw) > self._limit:
                    raise TooLarge(self._limit, is_whole=not message.get("more_body"))
                if self._held > BODIES_AT_ONCE * self._limit:
                    raise HTTPException(
                        503, "too many large bodies at once", {"retry-after": "1", **CLOSE}
                    )
                if not message.get("more_body"):
                    return bytes(raw)
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
        finally:
            self._held -= len(raw)
