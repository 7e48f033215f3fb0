"""The parent's side: a candidate in a process of its own, asked over two pipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from gatekit.errors import (
    DataError,
    GatekitError,
    ModelGone,
    ModelMisbehaved,
    NotAsked,
    UsageProblem,
)
from gatekit.runner.answer import checked, implausible, plain
from gatekit.runner.conversation import Conversation
from gatekit.runner.protocol import Frame, Garbage, frame_to_column
from gatekit.runner.scored import frame_to_scored
from gatekit.scanning.scan import scan
from gatekit.scoring.engines import choose_engine
from gatekit.scoring.linear import LinearForm
from gatekit.scoring.signature import Signature, read_signature
from gatekit.scoring.tables import conform

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    from gatekit.progress import Progress
    from gatekit.runner.forkserver import ForkServer
    from gatekit.runner.limits import Limits
    from gatekit.scanning.once import Scan
    from gatekit.scoring.answers import Scored
    from gatekit.scoring.engines import Wanted

MANY_ROWS = 100_000  # of a question: it is told when it begins and when it has ended
ROWS = "rows predicted"
PREDICTING = "predicting"
NO_ROW = "there is no row to predict"


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
        self._talk = Conversation(limits, scratch, role, server)
        self._trusted, self._scan = trusted, scan
        self._folder: Path | None = None
        self._signature: Signature | None = None
        self._engines: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process, if there is none yet; returns at once."""
        self._talk.start(() if self._folder is None else (self._folder.resolve(),))

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
            raise NotAsked(
                f"the artifact was refused before loading: {shown}", "Nothing of it was run"
            )
        name = choose_engine(folder, cast("Wanted", engine))
        self._signature, self._folder = read_signature(folder), folder
        if known is None:
            # One that was started before anyone knew where its model would lie may not read there.
            self._talk.restart((folder,))
        else:
            self.start()
        asked = {"op": "load", "folder": str(folder), "engine": name}
        reply = self._talk.ask(asked, None, "loading")
        seconds, peak_mb = reply.header.get("seconds"), reply.header.get("peak_mb")
        if not isinstance(seconds, float) or not isinstance(peak_mb, float):
            self._talk.end_it("wrote garbage to its line while loading")
        # What the kernel counted, where there is one to ask, goes before the process's own word.
        peak_mb = self._talk.held().memory_mb("VmHWM") or peak_mb
        self._engines.append(name)
        return Loaded(seconds, peak_mb, name)

    def predict(self, table: pa.Table, *, engine: str | None = None) -> np.ndarray[Any, Any]:
        """One prediction a row, by the engine loaded first unless `engine` names another.

        Raises:
            DataError: `table` has no rows or does not fit the signature.
            ModelMisbehaved: it raised, died, hung, or an answer is missing or not a number.
        """
        reply = self._ask_about("predict", table, engine, {})
        return self._labels(reply, table.num_rows)

    def answer(self, table: pa.Table, score: str, *, engine: str | None = None) -> Scored:
        """Scores, and labels where the model gives them; `score` is the policy's word for where.

        Raises as `predict` does.
        """
        reply = self._ask_about("predict", table, engine, {"score": score})
        return self._scored(reply, table.num_rows)

    def answer_each(
        self, tables: Sequence[pa.Table], score: str = ""
    ) -> list[np.ndarray[Any, Any] | Scored | GatekitError]:
        """What `answer` gives for each of many small tables, or raises; `predict` without a score.

        Fewer of them when the process ends: the last one is a ModelGone.

        Raises:
            DataError: a table has no rows or does not fit the signature.
            ModelGone: the process has ended before.
        """
        self._check(None)
        if not all(table.num_rows for table in tables):
            raise DataError(NO_ROW)
        header = {"op": "predict", "engine": self._engines[0]} | ({"score": score} if score else {})
        asked = [conform(table, self._signature) for table in tables]
        replies = self._talk.ask_each(header, asked, PREDICTING)
        read = self._scored if score else self._labels
        given: list[np.ndarray[Any, Any] | Scored | GatekitError] = []
        for reply, table in zip(replies, asked, strict=False):
            try:
                given.append(reply if isinstance(reply, GatekitError) else read(reply, len(table)))
            except ModelGone as gone:
                return [*given, gone]
            except ModelMisbehaved as error:
                given.append(error)
        return given

    def time_rows(
        self, table: pa.Table, calls: int, warm_up: int, *, each: int = 1
    ) -> np.ndarray[Any, Any]:
        """Milliseconds of `calls` predictions of `each` rows, measured inside the process.

        The rows of `table` are taken in turn, each prepared beforehand; `warm_up` calls go
        untimed before. Raises as `predict` does.
        """
        if calls < 1 or warm_up < 0 or each < 1 or 0 < table.num_rows < each:
            raise UsageProblem(f"cannot time {calls} calls of {each} rows after {warm_up}")
        asked = {"calls": calls, "warm_up": warm_up, "each": each}
        reply = self._ask_about("time", table, None, asked)
        seen_ms, waited_ms = self._talk.since_begun()
        times_ms = checked(self._column(reply, "being timed"), calls)
        if reason := implausible(times_ms, seen_ms, waited_ms):
            self._talk.end_it(f"was being timed, and its clock cannot be right: {reason}")
        return times_ms

    def form(self) -> bytes:
        """The compiled model at rest, by the engine loaded first.

        Raises:
            ModelMisbehaved: it died, or what it gave is none.
        """
        doing = "giving its compiled form"
        column = self._column(
            self._talk.ask({"op": "form", "engine": self._engines[0]}, None, doing), doing
        )
        if getattr(column, "dtype", None) is None or column.dtype.str != "|u1":
            self._talk.end_it(f"wrote garbage to its line while {doing}")
        return column.tobytes()

    def linear_form(self) -> LinearForm | str:
        """The linear form of the loaded model, or why it has none.

        Raises:
            ModelMisbehaved: it died, hung, or what it said is no linear form.
        """
        if not self._engines:
            raise UsageProblem("no model is loaded")
        doing = "telling its linear form"
        reply = self._talk.ask({"op": "linear", "folder": str(self._folder)}, None, doing)
        if reply.header.get("linear") is not True:
            return plain(reply.header.get("why", ""))
        try:
            return LinearForm.from_json(bytes(reply.body))
        except ValueError:
            self._talk.end_it(f"wrote garbage to its line while {doing}")

    def disturbed(self, table: pa.Table, score: str = "") -> str:
        """What the model changed in the rows it was handed, in words; "" if nothing.

        Raises as `predict` does.
        """
        said = self._ask_about("disturb", table, None, {"score": score}).header.get("disturbed")
        if not isinstance(said, str):
            self._talk.end_it(f"wrote garbage to its line while {PREDICTING}")
        return plain(said)

    def memory_mb(self, field: Literal["VmHWM", "VmRSS"]) -> float:
        """The most its process has held (VmHWM), or what it holds now, by the kernel's count.

        Raises:
            UsageProblem: the system does not say; only Linux does.
        """
        held = self._talk.held().memory_mb(field)
        if held is None:
            raise UsageProblem(
                "what a process holds cannot be read here", "Measure memory on Linux"
            )
        return held

    @property
    def progress(self) -> Progress:
        """Who is told how far a long question is."""
        return self._talk.progress

    @progress.setter
    def progress(self, heard: Progress) -> None:
        self._talk.progress = heard

    @property
    def walls(self) -> tuple[str, ...]:
        """Which walls were seen to hold, each as `name: by what`; known once a model was loaded."""
        return self._talk.walls

    @property
    def has_met_a_model(self) -> bool:
        """Whether it was ever asked to load one, whatever came of that."""
        return self._talk.asked > 0

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked: a process that died or hung stays dead."""
        return self._talk.is_alive

    def close(self) -> None:
        """End the process and everything it started; safe to call twice."""
        self._talk.close()

    def _ask_about(
        self, op: str, table: pa.Table, engine: str | None, more: dict[str, Any]
    ) -> Frame:
        self._check(engine)
        if table.num_rows == 0:
            raise DataError(NO_ROW)
        header = {"op": op, "engine": engine or self._engines[0], **more}
        doing = "being timed" if op == "time" else PREDICTING
        is_long = op == "predict" and table.num_rows >= MANY_ROWS
        if is_long:
            self.progress(ROWS, 0, table.num_rows)
        reply = self._talk.ask(header, conform(table, self._signature), doing)
        if is_long:
            self.progress(ROWS, table.num_rows, table.num_rows)
        return reply

    def _check(self, engine: str | None) -> None:
        self._talk.check()
        if not self._engines or (engine and engine not in self._engines):
            raise UsageProblem(f"no model is loaded with the engine {engine or 'asked for'}")

    def _labels(self, reply: Frame, rows: int) -> np.ndarray[Any, Any]:
        return checked(self._column(reply, PREDICTING), rows)

    def _scored(self, reply: Frame, rows: int) -> Scored:
        try:
            return frame_to_scored(reply, rows)
        except Garbage as error:
            self._talk.end_it(f"wrote garbage to its line while {PREDICTING}: {error}")

    def _column(self, reply: Frame, doing: str) -> pa.ChunkedArray | np.ndarray[Any, Any]:
        try:
            return frame_to_column(reply)
        except Garbage as error:
            self._talk.end_it(f"wrote garbage to its line while {doing}: {error}")
