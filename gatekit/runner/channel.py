"""The parent's end of the pipes: every wait has a deadline, and the model's chatter is drained."""

from __future__ import annotations

import fcntl
import os
import select
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from gatekit.runner.protocol import SHORT, Assembly, Frame, encode_small, soon

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 1 << 20
# How often a silent pipe makes us look whether the process still lives: a child of the model
# may hold the pipe open after the model's own process has gone.
LOOK_SECONDS = 0.25
# A pipe of the default 64 KB is empty after one piece; a second tells that it has ended.
PIPES_FULL = 2


class Closed(Exception):
    """The other end of the pipe is gone."""


@dataclass(slots=True)
class Tail:
    """The end of an output stream, at most `limit` bytes of it; the rest is read and dropped."""

    source: int
    limit: int
    kept: bytearray = field(default_factory=bytearray)

    def drain(self) -> bool:
        """Read what is there now; False when the stream has ended."""
        try:
            piece = os.read(self.source, PIECE)
        except BlockingIOError:
            return True
        self.kept += piece
        del self.kept[: max(0, len(self.kept) - self.limit)]
        return bool(piece)

    def last_line(self) -> str:
        """The last line that is not blank."""
        text = self.kept.decode("utf-8", "replace")
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


class Channel:
    """Frames to and from one process, over descriptors that do not block."""

    def __init__(
        self, outgoing: int, incoming: int, tails: tuple[Tail, ...], alive: Callable[[], bool]
    ) -> None:
        self._outgoing, self._incoming, self._alive = outgoing, incoming, alive
        self._tails = {tail.source: tail for tail in tails}
        self._poll = select.poll()
        self._assembly = Assembly()
        self._looked = monotonic()
        for source in (incoming, *self._tails):
            os.set_blocking(source, False)
            self._poll.register(source, select.POLLIN)
        os.set_blocking(outgoing, False)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            for pipe in (incoming, outgoing):
                # Fewer turns for a large table; the system may refuse, and all works without.
                with suppress(OSError):
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIECE)

    def send(self, frame: Frame, seconds: float) -> None:
        """Write `frame`; TimeoutError after `seconds`, Closed when nobody is there to read it."""
        deadline = monotonic() + seconds
        for piece in encode_small(frame):
            left = piece
            while left:
                try:
                    left = left[os.write(self._outgoing, left) :]
                except BlockingIOError:
                    self._wait_to_write(deadline)
                except BrokenPipeError:
                    raise Closed from None

    def receive(self, seconds: float) -> Frame:
        """The next frame.

        Raises:
            TimeoutError: it was not complete within `seconds`.
            Closed: the process is gone.
            Garbage: what came is no frame.
        """
        deadline = monotonic() + seconds
        assembly = self._assembly
        # Quick answers, too, may not put off the look at the process, nor outlast the deadline.
        quick = seconds > 0 and monotonic() - self._looked <= LOOK_SECONDS
        piece = soon(self._incoming, SHORT) if quick and assembly.wanted else None
        while True:
            if piece is not None:
                if not piece:
                    raise Closed
                assembly.buffer += piece
            if not assembly.wanted:
                break
            ready = self._incoming in self._wait(deadline)
            piece = os.read(self._incoming, PIECE) if ready else None
        return assembly.frame()

    def drain(self) -> None:
        """Read what the process wrote last; what its own children still write is not waited for."""
        for tail in self._tails.values():
            for _ in range(PIPES_FULL):
                if not tail.drain():
                    break

    def _wait_to_write(self, deadline: float) -> None:
        self._poll.register(self._outgoing, select.POLLOUT)
        try:
            # The reply pipe may become readable while we write; it is read later.
            self._poll.unregister(self._incoming)
            self._wait(deadline)
        finally:
            self._poll.unregister(self._outgoing)
            self._poll.register(self._incoming, select.POLLIN)

    def _wait(self, deadline: float) -> set[int]:
        """Descriptors that are ready, the model's outputs drained already."""
        remaining = deadline - monotonic()
        if remaining <= 0:
            raise TimeoutError
        ready = {source for source, _ in self._poll.poll(min(remaining, LOOK_SECONDS) * 1000)}
        if (not ready or monotonic() - self._looked > LOOK_SECONDS) and not self._look():
            raise Closed
        if len(ready) == 1 and self._incoming in ready:
            return ready
        for source in ready.intersection(self._tails):
            if not self._tails[source].drain():
                self._poll.unregister(source)
                del self._tails[source]
        return ready

    def _look(self) -> bool:
        # A process that chatters all the time is looked at as often as a silent one; what is in
        # the pipe already is read even when the process has gone.
        self._looked = monotonic()
        return self._alive() or self._has_more()

    def _has_more(self) -> bool:
        return any(event & select.POLLIN for _, event in self._poll.poll(0))
