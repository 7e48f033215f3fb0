"""Questions to a model's process and its replies, one after the other, until it ends.

Whatever goes wrong on the line ends the process: what comes afterwards could belong to anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

from gatekit.errors import GatekitError, ModelGone, UsageProblem
from gatekit.progress import Progress, unheard
from gatekit.runner.answer import plain, raised
from gatekit.runner.channel import Closed
from gatekit.runner.child import Child, TooMuch
from gatekit.runner.protocol import SHORT, Frame, Garbage, TableSender

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from gatekit.runner.forkserver import ForkServer
    from gatekit.runner.limits import Limits

AHEAD = 2  # questions on the line that are not answered: the model need not wait for the gate


class Conversation:
    """With one process, which `start` starts; `role` is how the sentences about it call it."""

    def __init__(self, limits: Limits, scratch: Path, role: str, server: ForkServer | None) -> None:
        self._limits, self._scratch = limits, scratch
        self._role, self._server = role, server
        self.child: Child | None = None
        self._tables = TableSender()
        self.walls: tuple[str, ...] = ()
        self._greeted = False
        self._spent = 0.0
        self._begun: tuple[float, float | None] | None = None  # the clock, and what was waited
        self._ended: tuple[str, str] | None = None
        self.asked = 0
        self._answered = 0
        self.progress: Progress = unheard

    def start(self, readable: tuple[Path, ...]) -> None:
        """Start the process, if there is none yet and none has ended; returns at once."""
        if self.child is None and self._ended is None:
            self.child = Child(self._limits, self._scratch, readable, self._server)
            self._tables = TableSender(shared=self.child.shared)

    def restart(self, readable: tuple[Path, ...]) -> None:
        """Start it anew, before anything was asked of one that was started."""
        self._release()
        self._greeted = False
        self.start(readable)

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked: a process that died or hung stays dead."""
        return self._ended is None

    def check(self) -> None:
        """Raises ModelGone, with what happened then, when the process has ended."""
        if self._ended:
            raise ModelGone(*self._ended)

    def held(self) -> Child:
        """The process; raises as `check`, and UsageProblem when it has not been started."""
        self.check()
        if self.child is None:
            raise UsageProblem("the runner has not been started")
        return self.child

    def ask(self, header: dict[str, Any], table: pa.Table | None, doing: str) -> Frame:
        """The reply to one question.

        Raises:
            ModelMisbehaved, DataError: what the process said went wrong.
            ModelGone: it died, hung, or wrote what is no reply.
        """
        self.greet()
        loading = header["op"] in ("load", "linear")
        seconds = self._limits.load_seconds if loading else self._limits.call_seconds
        with self._on_the_line(seconds, doing) as end:
            calls = header.get("calls", 0) + header.get("warm_up", 0)
            self._begun = None
            self._send(header, table, min(seconds, end - monotonic()))
            reply = self._receive(seconds, end, calls)
        if error := self._error(reply, doing):
            raise error
        if table is not None:
            self._tables.learn(table.schema)
        return reply

    def ask_each(
        self, header: dict[str, Any], tables: Sequence[pa.Table], doing: str
    ) -> list[Frame | GatekitError]:
        """The reply to the same question about each table, or what went wrong with it.

        Fewer of them when the process ends: the last one says how. It works on a table while the
        reply to the one before is read here, and the next one is sent.
        """
        replies: list[Frame | GatekitError] = []
        try:
            for alike in _alike(tables):
                replies.append(self._either(header, alike[0], doing))
                with self._on_the_line(self._limits.call_seconds, doing) as end:
                    rest = self._in_turn(header, alike[1:], end)
                    replies.extend(self._error(reply, doing) or reply for reply in rest)
        except ModelGone as gone:
            replies.append(gone)
        return replies

    def _either(self, header: dict[str, Any], table: pa.Table, doing: str) -> Frame | GatekitError:
        try:
            return self.ask(header, table, doing)
        except ModelGone:
            raise
        except GatekitError as error:
            return error

    def _in_turn(
        self, header: dict[str, Any], tables: Sequence[pa.Table], end: float
    ) -> Iterator[Frame]:
        seconds = self._limits.call_seconds
        for at, table in enumerate(tables):
            self._send(header, table, min(seconds, end - monotonic()))
            if at >= AHEAD - 1:
                yield self._receive(seconds, end, 0)
        for _ in range(min(AHEAD - 1, len(tables))):
            yield self._receive(seconds, end, 0)

    def greet(self) -> None:
        """Hear what stands around the process, which it says before it has met a model.

        Raises:
            UsageProblem: a wall that is asked for does not stand; nothing was loaded.
        """
        self.held()
        if self._greeted:
            return
        doing = "starting"
        with self._on_the_line(self._limits.load_seconds, doing) as end:
            reply = self._receive(self._limits.load_seconds, end, 0)
        walls = reply.header.get("walls")
        if not isinstance(walls, list):
            self.end_it(f"wrote garbage to its line while {doing}")
        self.walls, self._greeted = tuple(plain(wall) for wall in walls), True
        standing = {wall.partition(":")[0] for wall in self.walls}
        if missing := [wall for wall in self._limits.walls if wall not in standing]:
            self.close()
            raise UsageProblem(
                f"the policy asks for a wall around {', '.join(missing)}, which cannot be had here",
                "Run on Linux with Landlock (5.13 or later), or change [runner] walls",
            )

    def since_begun(self) -> tuple[float, float | None]:
        """Milliseconds since the timed calls began, and how many of them were waits for a core."""
        if self._begun is None:
            return 0.0, None
        start, waited_ms = self._begun
        seen_ms, now_ms = (monotonic() - start) * 1000, self.held().waited_ms()
        if waited_ms is None or now_ms is None:
            return seen_ms, None
        return seen_ms, now_ms - waited_ms

    def end_it(self, what: str) -> NoReturn:
        """Remember what happened, end the process, and say it."""
        words = ""
        if self.child is not None:
            self.child.kill()
            self.child.channel.drain()
            words = plain(self.child.stderr.last_line())
        hint = f"Its last line on stderr: {words}" if words else ""
        self._ended = (f"the {self._role}'s process {plain(what)}", hint)
        self._release()
        raise ModelGone(*self._ended)

    def close(self) -> None:
        """End the process and everything it started; safe to call twice."""
        if self._ended is None:
            self._ended = (f"the {self._role}'s process has been closed", "")
        self._release()

    @contextmanager
    def _on_the_line(self, seconds: float, doing: str) -> Iterator[float]:
        """When it has to be done by. Whatever goes wrong ends the process."""
        start = monotonic()
        left = self._limits.total_seconds - self._spent
        try:
            yield start + left
        except TimeoutError:
            if monotonic() - start >= left:
                self.end_it(f"took more than {self._limits.total_seconds:g} s in all while {doing}")
            self.end_it(f"gave no answer for {seconds:g} s while {doing}")
        except Garbage as garbage:
            self.end_it(f"wrote garbage to its line while {doing}: {garbage}")
        except TooMuch as much:
            self.end_it(f"{much} while {doing}")
        except Closed:
            self.end_it(f"{self.held().fate()} while {doing}")
        except BaseException:
            # Interrupted in the middle of an answer: the line cannot be used again.
            self.close()
            raise
        finally:
            self._spent += monotonic() - start

    def _send(self, header: dict[str, Any], table: pa.Table | None, seconds: float) -> None:
        self.asked += 1
        question = Frame({**header, "id": self.asked})
        if table is not None:
            question = self._tables.frame(question.header, table)
        self.held().channel.send(question, seconds)

    def _receive(self, seconds: float, end: float, calls: int) -> Frame:
        """The answer; between timed calls the worker says that it lives, and the wait restarts."""
        line, before = self.held().channel, -1
        answers = self._answered + 1 if self._greeted else 0
        while True:
            frame = line.receive(min(seconds, end - monotonic()))
            if frame.header.get("id") != answers:
                raise Garbage("it is no answer to the question")
            if calls and frame.header.get("begun") is True and self._begun is None:
                self._begun = monotonic(), self.held().waited_ms()
                continue
            tick = frame.header.get("tick")
            if tick is None:
                self._answered = answers
                return frame
            if not isinstance(tick, int) or not before < tick < calls:
                raise Garbage("it counts wrongly")
            before = tick
            self.progress("calls timed", tick, calls)

    def _error(self, reply: Frame, doing: str) -> GatekitError | None:
        if error := reply.header.get("error"):
            return raised(error, self._role, doing, alone=bool(self._limits.code))
        return None

    def _release(self) -> None:
        if self.child is not None:
            self.child.release()
            self.child = None


def _alike(tables: Sequence[pa.Table]) -> Iterator[list[pa.Table]]:
    """Runs of small tables of one schema; one that is larger is a run by itself."""
    run: list[pa.Table] = []
    for table in tables:
        small = table.nbytes <= SHORT
        if run and not (small and run[-1].nbytes <= SHORT and table.schema == run[-1].schema):
            yield run
            run = []
        run.append(table)
    if run:
        yield run
