"""One run in one process: its schedule, how far it has come, what its users saw."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Any

from gevent.event import Event

from gatekit_locust.arrivals import Load, arrivals
from gatekit_locust.bodies import read_bodies
from gatekit_locust.tally import Tally


class Run:
    """Made once; `prepare` begins anew, for locust's own page can start a second run."""

    def __init__(self) -> None:
        self.out: Path | None = None
        self._reset()

    def _reset(self) -> None:
        self.tally = Tally()
        self.began = Event()
        self.bodies: list[bytes] = []
        self.headers: dict[str, str] = {}
        self.moments: list[float] = []
        self.seconds = 0.0
        self.each = 1
        self.open = 0
        self.is_whole = False  # the tally holds every request of the schedule
        self._handed = False
        self._next = 0
        self._start = 0.0

    def prepare(self, options: Any, host: str, index: int, of: int) -> None:
        """Fix the schedule of this process, one of `of`, and read what is sent.

        Raises:
            ServiceProblem, DataError: there are no rows for the model that is served.
        """
        self._reset()
        self.seconds = options.seconds
        self.moments = arrivals(Load(1, options.rate, self.seconds, options.shape), index, of)
        token = os.environ.get("GATEKIT_TOKEN", "")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        if not options.bare:
            self.each = options.rows_per_request
            self.bodies = read_bodies(Path(options.rows), host, self.headers, self.each)
        self.headers["Content-Type"] = "application/json"

    def gather(self) -> None:
        """Begin as a master, who sends nothing and adds up."""
        self._reset()

    def begin(self) -> None:
        """The first moment of the schedule is now."""
        self._start = perf_counter()
        self.began.set()

    def take(self) -> int | None:
        """The number of the next request; None if all are taken."""
        if self._next >= len(self.moments):
            return None
        self._next += 1
        return self._next - 1

    def due(self, number: int) -> float:
        """When that request is to begin, by `perf_counter`."""
        return self._start + self.moments[number]

    def answered(self, due: float, end: float, version: str) -> None:
        """A right answer came, by `perf_counter`."""
        if not self.is_whole:
            self.tally.seconds = max(self.tally.seconds, end - self._start)
            self.tally.answered(end - due, version)

    def lost(self, why: str, latency_s: float = 0.0) -> None:
        """A request without a right answer: it took the whole run at the least."""
        if not self.is_whole:
            self.tally.failed(why, max(self.seconds, latency_s))

    def close(self) -> None:
        """The time is up: what is open or was never sent is lost, and no later answer counts."""
        while self.take() is not None:
            self.lost("not sent: every user was waiting")
        for _ in range(self.open):
            self.lost("no answer before the end")
        self.is_whole = True

    def hand_over(self) -> bool:
        """Whether this is the first time that the tally is handed over."""
        first, self._handed = not self._handed, True
        return first

    @property
    def is_over(self) -> bool:
        """Whether everything is sent and answered."""
        return self.began.is_set() and not self.open and self._next >= len(self.moments)
