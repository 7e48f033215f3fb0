"""The parent's side: a candidate in a process of its own, asked over two pipes."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, cast

from gatekit.errors import DataError, ModelMisbehaved, UsageProblem
from gatekit.progress import Progress, unheard
from gatekit.runner.answer import checked, implausible, plain, raised
from gatekit.runner.channel import Channel, Closed
from gatekit.runner.child import Child, TooMuch
from gatekit.runner.protocol import Frame, Garbage, TableSender, frame_to_column
from gatekit.runner.scored import frame_to_scored
from gatekit.scanning.scan import scan
from gatekit.scoring.engines import choose_engine
from gatekit.scoring.linear import LinearForm
from gatekit.scoring.signature import Signature, read_signature
from gatekit.scoring.tables import conform

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    from gatekit.runner.forkserver import ForkServer
    from gatekit.runner.limits import Limits
    from gatekit.scanning.once import Scan
    from gatekit.scoring.answers import Scored
    from gatekit.scoring.engines import Wanted

MANY_ROWS = 100_000  # of a question: it is told when it begins and when it has ended
ROWS = "rows predicted"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model is loaded: how long it took, the most memory its process held, by which engine."""

    seconds: float
    peak_mb: float
    engine: str


class Runner:
    """One model in one process. Whatever it does to itself, this process gets a sentence.

    `role` is how the sentences call it (candidate, champion); `trusted` are loader modules and
    types that the scan lets pass besides its own list. Its process is a fork of `server`'s, where
    there is one. `scan` is asked before anything is loaded. Not for use from two threads at once.
    """

    def __init__(
        self,
        limits: Limits,
        scratch: Path,
        *,
        role: str = "candidate",
        trusted: tuple[str, ...] = (),
        server: ForkServer | None = None,
        scan: Scan = scan,
    ) -> None:
        self._limits, self._scratch = limits, scratch
        self._role, self._trusted = role, trusted
        self._server, self._scan = server, scan
        self._child: Child | None = None
        self._tables = TableSender()
        self._walls: tuple[str, ...] = ()
        self._greeted = False
        self._spent = 0.0
        self._begun: tuple[float, float | None] | None = None  # the clock, and what was waited
        self._ended: tuple[str, str] | None = None
        self._asked = 0
        self._folder: Path | None = None
        self._signature: Signature | None = None
        self._engines: list[str] = []
        self.progress: Progress = unheard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process, if there is none yet; returns at once."""
        if self._child is None and self._ended is None:
            readable = () if self._folder is None else (self._folder.resolve(),)
            self._child = Child(self._limits, self._scratch, readable, self._server)
            self._tables = TableSender(shared=self._child.shared)

    def load(self, folder: Path, engine: str = "auto") -> Loaded:
        """Scan the model in `folder`, then load it with `engine`; twice with two for parity.

        Raises:
            ModelMisbehaved: the scan refused it, or loading raised, crashed or hung.
            CandidateError: MLmodel is unusable, or there is no such engine.
        """
        folder = folder.resolve()
        known = self._folder
        if known not in (None, folder):
            raise UsageProblem("a runner holds one model", "Start a second runner")
        if reasons := self._scan(folder, self._trusted):
            shown = plain("; ".join(str(reason) for reason in reasons[:5]))
            raise ModelMisbehaved(
                f"the artifact was refused before loading: {shown}", "Nothing of it was run"
            )
        name = choose_engine(folder, cast("Wanted", engine))
        self._signature, self._folder = read_signature(folder), folder
        if self._child is not None and known is None:
            # It was started before anyone knew where its model would lie: it may not read there.
            self._release()
            self._greeted = False
        self.start()
        reply = self._ask({"op": "load", "folder": str(folder), "engine": name}, None, "loading")
        seconds, peak_mb = reply.header.get("seconds"), reply.header.get("peak_mb")
        if not isinstance(seconds, float) or not isinstance(peak_mb, float):
            self._end("wrote garbage to its line while loading")
        # What the kernel counted, where there is one to ask, goes before the process's own word.
        peak_mb = self._held().memory_mb("VmHWM") or peak_mb
        self._engines.append(name)
        return Loaded(seconds, peak_mb, name)

    def predict(self, table: pa.Table, *, engine: str | None = None) -> np.ndarray[Any, Any]:
        """One prediction a row, by the engine loaded first unless `engine` names another.

        Raises:
            DataError: `table` has no rows or does not fit the signature.
            ModelMisbehaved: it raised, died, hung, or an answer is missing or not a number.
        """
        reply = self._ask_about("predict", table, engine, {})
        return checked(self._column(reply, "predicting"), table.num_rows)

    def answer(self, table: pa.Table, score: str, *, engine: str | None = None) -> Scored:
        """Scores, and labels where the model gives them; `score` is the policy's word for where.

        Raises as `predict` does.
        """
        reply = self._ask_about("predict", table, engine, {"score": score})
        try:
            return frame_to_scored(reply, table.num_rows)
        except Garbage as error:
            self._end(f"wrote garbage to its line while predicting: {error}")

    def time_rows(
        self, table: pa.Table, calls: int, warm_up: int, *, each: int = 1
    ) -> np.ndarray[Any, Any]:
        """Milliseconds of `calls` predictions of `each` rows, measured inside the process.

        The rows of `table` are taken in turn, each prepared beforehand; `warm_up` calls go
        untimed before. Raises as `predict` does.
        """
        if calls < 1 or warm_up < 0 or each < 1 or 0 < table.num_rows < each:
            raise UsageProblem(f"cannot time {calls} calls of {each} rows after {warm_up}")
        self._begun = None
        asked = {"calls": calls, "warm_up": warm_up, "each": each}
        reply = self._ask_about("time", table, None, asked)
        seen_ms, waited_ms = self._since_begun()
        times_ms = checked(self._column(reply, "being timed"), calls)
        if reason := implausible(times_ms, seen_ms, waited_ms):
            self._end(f"was being timed, and its clock cannot be right: {reason}")
        return times_ms

    def form(self) -> bytes:
        """The compiled model at rest, by the engine loaded first.

        Raises:
            ModelMisbehaved: it died, or what it gave is none.
        """
        if self._ended:
            raise ModelMisbehaved(*self._ended)
        doing = "giving its compiled form"
        column = self._column(
            self._ask({"op": "form", "engine": self._engines[0]}, None, doing), doing
        )
        if getattr(column, "dtype", None) is None or column.dtype.str != "|u1":
            self._end(f"wrote garbage to its line while {doing}")
        return column.tobytes()

    def linear_form(self) -> LinearForm | str:
        """The linear form of the loaded model, or why it has none.

        Raises:
            ModelMisbehaved: it died, hung, or what it said is no linear form.
        """
        if not self._engines:
            raise UsageProblem("no model is loaded")
        doing = "telling its linear form"
        reply = self._ask({"op": "linear", "folder": str(self._folder)}, None, doing)
        if reply.header.get("linear") is not True:
            return plain(reply.header.get("why", ""))
        try:
            return LinearForm.from_json(bytes(reply.body))
        except ValueError:
            self._end(f"wrote garbage to its line while {doing}")

    def disturbed(self, table: pa.Table, score: str = "") -> str:
        """What the model changed in the rows it was handed, in words; "" if nothing.

        Raises as `predict` does.
        """
        said = self._ask_about("disturb", table, None, {"score": score}).header.get("disturbed")
        if not isinstance(said, str):
            self._end("wrote garbage to its line while predicting")
        return plain(said)

    def memory_mb(self, field: Literal["VmHWM", "VmRSS"]) -> float:
        """The most its process has held (VmHWM), or what it holds now, by the kernel's count.

        Raises:
            UsageProblem: the system does not say; only Linux does.
        """
        held = self._held().memory_mb(field)
        if held is None:
            raise UsageProblem(
                "what a process holds cannot be read here", "Measure memory on Linux"
            )
        return held

    @property
    def walls(self) -> tuple[str, ...]:
        """Which walls were seen to hold, each as `name: by what`; known once a model was loaded."""
        return self._walls

    @property
    def has_met_a_model(self) -> bool:
        """Whether it was ever asked to load one, whatever came of that."""
        return self._asked > 0

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked: a process that died or hung stays dead."""
        return self._ended is None

    def close(self) -> None:
        """End the process and everything it started; safe to call twice."""
        if self._ended is None:
            self._ended = (f"the {self._role}'s process has been closed", "")
        self._release()

    def _ask_about(
        self, op: str, table: pa.Table, engine: str | None, more: dict[str, Any]
    ) -> Frame:
        if self._ended:
            raise ModelMisbehaved(*self._ended)
        if not self._engines or (engine and engine not in self._engines):
            raise UsageProblem(f"no model is loaded with the engine {engine or 'asked for'}")
        if table.num_rows == 0:
            raise DataError("there is no row to predict")
        header = {"op": op, "engine": engine or self._engines[0], **more}
        doing = "being timed" if op == "time" else "predicting"
        is_long = op == "predict" and table.num_rows >= MANY_ROWS
        if is_long:
            self.progress(ROWS, 0, table.num_rows)
        reply = self._ask(header, conform(table, self._signature), doing)
        if is_long:
            self.progress(ROWS, table.num_rows, table.num_rows)
        return reply

    def _ask(self, header: dict[str, Any], table: pa.Table | None, doing: str) -> Frame:
        self._line()
        if not self._greeted:
            self._walls, self._greeted = self._greeting(), True
            self._check_walls()
        loading = header["op"] in ("load", "linear")
        seconds = self._limits.load_seconds if loading else self._limits.call_seconds
        self._asked += 1
        question = Frame({**header, "id": self._asked})
        if table is not None:
            question = self._tables.frame(question.header, table)
        reply = self._exchange(question, seconds, doing)
        if error := reply.header.get("error"):
            raise raised(error, self._role, doing, alone=bool(self._limits.code))
        if table is not None:
            self._tables.learn(table.schema)
        return reply

    def _exchange(self, question: Frame | None, seconds: float, doing: str) -> Frame:
        """The answer to `question`; its greeting to none. Whatever goes wrong ends the process."""
        line, start = self._line(), monotonic()
        left = self._limits.total_seconds - self._spent
        try:
            if question is not None:
                line.send(question, min(seconds, left))
            header = question.header if question is not None else {}
            calls = header.get("calls", 0) + header.get("warm_up", 0)
            return self._reply(line, seconds, start + left, calls)
        except TimeoutError:
            if monotonic() - start >= left:
                self._end(f"took more than {self._limits.total_seconds:g} s in all while {doing}")
            self._end(f"gave no answer for {seconds:g} s while {doing}")
        except Garbage as garbage:
            self._end(f"wrote garbage to its line while {doing}: {garbage}")
        except TooMuch as much:
            self._end(f"{much} while {doing}")
        except Closed:
            self._end(f"{self._held().fate()} while {doing}")
        except BaseException:
            # Interrupted in the middle of an answer: the line cannot be used again.
            self.close()
            raise
        finally:
            self._spent += monotonic() - start

    def _reply(self, line: Channel, seconds: float, end: float, calls: int) -> Frame:
        """The answer; between timed calls the worker says that it lives, and the wait restarts."""
        before = -1
        while True:
            frame = line.receive(min(seconds, end - monotonic()))
            if frame.header.get("id") != self._asked:
                raise Garbage("it is no answer to the question")
            if calls and frame.header.get("begun") is True and self._begun is None:
                self._begun = monotonic(), self._held().waited_ms()
                continue
            tick = frame.header.get("tick")
            if tick is None:
                return frame
            if not isinstance(tick, int) or not before < tick < calls:
                raise Garbage("it counts wrongly")
            before = tick
            self.progress("calls timed", tick, calls)

    def _column(self, reply: Frame, doing: str) -> pa.ChunkedArray | np.ndarray[Any, Any]:
        try:
            return frame_to_column(reply)
        except Garbage as error:
            self._end(f"wrote garbage to its line while {doing}: {error}")

    def _since_begun(self) -> tuple[float, float | None]:
        """Milliseconds since the timed calls began, and how many of them were waits for a core."""
        if self._begun is None:
            return 0.0, None
        start, waited_ms = self._begun
        seen_ms, now_ms = (monotonic() - start) * 1000, self._held().waited_ms()
        if waited_ms is None or now_ms is None:
            return seen_ms, None
        return seen_ms, now_ms - waited_ms

    def _line(self) -> Channel:
        return self._held().channel

    def _held(self) -> Child:
        if self._ended:
            raise ModelMisbehaved(*self._ended)
        if self._child is None:
            raise UsageProblem("the runner has not been started")
        return self._child

    def _greeting(self) -> tuple[str, ...]:
        """What stands around the process, said by it before it has met a model."""
        reply = self._exchange(None, self._limits.load_seconds, "starting")
        walls = reply.header.get("walls")
        if not isinstance(walls, list):
            self._end("wrote garbage to its line while starting")
        return tuple(plain(wall) for wall in walls)

    def _check_walls(self) -> None:
        """Raises UsageProblem, before anything is loaded, when an asked wall does not stand."""
        standing = {wall.partition(":")[0] for wall in self.walls}
        if missing := [wall for wall in self._limits.walls if wall not in standing]:
            self.close()
            raise UsageProblem(
                f"the policy asks for a wall around {', '.join(missing)}, which cannot be had here",
                "Run on Linux with Landlock (5.13 or later), or change [runner] walls",
            )

    def _end(self, what: str) -> NoReturn:
        """Remember what happened, end the process, and say it."""
        words = ""
        if self._child is not None:
            self._child.kill()
            self._child.channel.drain()
            words = plain(self._child.stderr.last_line())
        hint = f"Its last line on stderr: {words}" if words else ""
        self._ended = (f"the {self._role}'s process {plain(what)}", hint)
        self._release()
        raise ModelMisbehaved(*self._ended)

    def _release(self) -> None:
        if self._child is not None:
            self._child.release()
            self._child = None
