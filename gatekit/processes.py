"""The processes of one model: the one that is asked, and a second one for its share of much work.

The first is started anew when the model has killed it, a few times. The second finds no fault by
itself: what it does not answer, for whatever reason, the first is asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from gatekit.ahead import Ahead
from gatekit.errors import GatekitError, ModelGone, NotAsked
from gatekit.progress import Progress
from gatekit.runner.process import Loaded, Runner
from gatekit.scoring.answers import Scored
from gatekit.subject_spec import SubjectSpec

RESTARTS = 3  # a model that dies more often than this is not asked again
SHARE = 16  # tables that are asked at a time, and that one of the two takes
LIGHT_SECONDS, LIGHT_MB = 0.5, 1024.0  # a model that loads longer or holds more has no second one
ASKED = "batches asked"
Said = NDArray[Any] | Scored | GatekitError


class Processes:
    """Of the model of `spec`; `start` starts one with nothing loaded."""

    def __init__(self, spec: SubjectSpec, start: Callable[[], Runner]) -> None:
        self._spec, self._start = spec, start
        self._first: Runner | None = None
        self._second: Runner | None = None
        self._starts = 0
        self._engines: set[str] = set()
        self._loaded: Loaded | None = None
        self._ahead = Ahead()

    def first(self, engine: str | None = None) -> Runner:
        """The one that is asked, alive, with the model loaded, by `engine` as well.

        Raises:
            NotAsked: it was refused before it was loaded, or died too often.
            ModelMisbehaved: it cannot be loaded.
        """
        folder = self._spec.candidate.folder
        runner = self._first
        if runner is None or not runner.is_alive:
            if self._starts > RESTARTS:
                raise NotAsked(
                    f"{self._spec.candidate.title} died {self._starts} times; it is not asked again"
                )
            self._close_first()
            self._first = runner = self._start()
            self._starts += 1  # no death of the model, if its environment cannot be had
            self._loaded = runner.load(folder, self._spec.engine)
            self._engines = {self._spec.engine}
        if engine is not None and engine not in self._engines:
            runner.load(folder, engine)
            self._engines.add(engine)
        return runner

    @property
    def is_alive(self) -> bool:
        """Whether the one that is asked still answers."""
        return self._first is None or self._first.is_alive

    @property
    def load_mb(self) -> float:
        """The most megabytes that it held until the model was loaded; NaN before."""
        return self._loaded.peak_mb if self._loaded else float("nan")

    def answers(
        self, tables: Sequence[pa.Table], score: str, progress: Progress, *, by_one: bool
    ) -> list[Said]:
        """What `Runner.answer_each` gives, by both processes unless `by_one`; raises as `first`.

        The second begins to load the model when there is much to ask.
        """
        first, work = self.first(), _Work(tables, score)
        second = Thread(target=self._help, args=(work,), name="gatekit-second", daemon=True)
        if len(tables) > SHARE and self._is_light:
            self._ahead.begin(self._load_second)
            if not by_one:
                second.start()
        try:
            while work.take(first, with_errors=True):
                progress(ASKED, work.done, len(tables))
            if second.ident is not None:
                second.join()
            return work.ended(first)
        except BaseException:
            self._close_second()
            raise

    def wait(self) -> None:
        """Until nothing is loaded any more."""
        self._ahead.wait()

    def close(self) -> None:
        """End both."""
        self._close_first()
        self._close_second()
        self._ahead.wait()
        self._close_second()  # it may have been about to start

    @property
    def _is_light(self) -> bool:
        held = self._loaded
        light = held is not None and held.seconds < LIGHT_SECONDS and held.peak_mb < LIGHT_MB
        return light and self._spec.forks

    def _load_second(self) -> None:
        self._second = runner = self._start()
        runner.load(self._spec.candidate.folder, self._spec.engine)

    def _help(self, work: _Work) -> None:
        self._ahead.wait()
        with suppress(GatekitError):
            while self._second is not None and work.take(self._second, with_errors=False):
                pass

    def _close_first(self) -> None:
        if self._first is not None:
            self._first.close()
            self._first = None

    def _close_second(self) -> None:
        if self._second is not None:
            self._second.close()


class _Work:
    """Tables to ask, of which each process takes the next few."""

    def __init__(self, tables: Sequence[pa.Table], score: str) -> None:
        self._tables, self._score = tables, score
        self._left = deque(range(0, len(tables), SHARE))
        self._found: list[Said | None] = [None] * len(tables)
        self._gone: ModelGone | None = None

    @property
    def done(self) -> int:
        """How many are asked, or about to be."""
        with suppress(IndexError):
            return self._left[0]
        return len(self._tables)

    def take(self, runner: Runner, *, with_errors: bool) -> bool:
        """Ask the next few; False when there are none, or when who asks with errors has ended."""
        try:
            at = self._left.popleft()
        except IndexError:
            return False
        self._ask(runner, range(at, min(at + SHARE, len(self._tables))), with_errors=with_errors)
        return self._gone is None

    def ended(self, first: Runner) -> list[Said]:
        """All answers in order, up to a ModelGone; what the second has left is asked now."""
        left = [at for at, said in enumerate(self._found) if said is None]
        if left and self._gone is None:
            self._ask(first, left)
        found: list[Said] = []
        for said in self._found:
            if said is None or isinstance(said, ModelGone):
                break
            found.append(said)
        return found if self._gone is None else [*found, self._gone]

    def _ask(self, runner: Runner, places: Sequence[int], *, with_errors: bool = True) -> None:
        answers = runner.answer_each([self._tables[at] for at in places], self._score)
        for at, said in zip(places, answers, strict=False):
            if with_errors or not isinstance(said, GatekitError):
                self._found[at] = said
            if with_errors and isinstance(said, ModelGone):
                self._gone = said
