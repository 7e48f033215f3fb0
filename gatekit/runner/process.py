"""The parent's side: a candidate in a process of its own, asked over two pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self, cast

from gatekit.errors import CandidateError, DataError, ModelMisbehaved, UsageProblem
from gatekit.runner.answer import checked, plain, raised
from gatekit.runner.channel import Channel, Closed, Tail
from gatekit.runner.environment import child_environment
from gatekit.runner.protocol import Frame, Garbage, frame_to_column, table_to_bytes
from gatekit.runner.scored import frame_to_scored
from gatekit.scanning.scan import scan
from gatekit.scoring.engines import choose_engine
from gatekit.scoring.signature import Signature, read_signature
from gatekit.scoring.tables import conform

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    from gatekit.runner.limits import Limits
    from gatekit.scoring.answers import Scored

GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model is loaded: how long it took, the most memory its process held, by which engine."""

    seconds: float
    peak_mb: float
    engine: str


class Runner:
    """One model in one process. Whatever it does to itself, this process gets a sentence.

    `role` is how the sentences call it (candidate, champion); `trusted` are loader modules and
    types that the scan lets pass besides its own list. Not for use from two threads at once.
    """

    def __init__(
        self,
        limits: Limits,
        scratch: Path,
        *,
        role: str = "candidate",
        trusted: tuple[str, ...] = (),
    ) -> None:
        self._limits, self._scratch = limits, scratch
        self._role, self._trusted = role, trusted
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._fds: list[int] = []
        self._stderr = Tail(-1, 0)
        self._ended: tuple[str, str] | None = None
        self._asked = 0
        self._folder: Path | None = None
        self._signature: Signature | None = None
        self._engines: list[str] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, hint: Literal["", "sklearn", "pyfunc"] = "") -> None:
        """Spawn the process; returns at once. `hint` names imports it makes while it waits."""
        if self._process is None and self._ended is None:
            self._spawn()
        if hint:
            self._line().send(Frame({"op": "warm", "flavor": hint}), self._limits.load_seconds)

    def load(self, folder: Path, engine: str = "auto") -> Loaded:
        """Scan the model in `folder`, then load it with `engine`; twice with two for parity.

        Raises:
            ModelMisbehaved: the scan refused it, or loading raised, crashed or hung.
            CandidateError: MLmodel is unusable, or there is no such engine.
        """
        folder = folder.resolve()
        if self._folder not in (None, folder):
            raise UsageProblem("a runner holds one model", "Start a second runner")
        if reasons := scan(folder, self._trusted):
            shown = plain("; ".join(str(reason) for reason in reasons[:5]))
            raise ModelMisbehaved(
                f"the artifact was refused before loading: {shown}", "Nothing of it was run"
            )
        name = choose_engine(folder, cast("Literal['auto', 'native', 'pyfunc']", engine))
        self._signature, self._folder = read_signature(folder), folder
        self.start()
        header: dict[str, Any] = {"op": "load", "folder": str(folder), "engine": name}
        header["memory_mb"] = self._limits.memory_mb or 0
        reply = self._ask(header, None, "loading")
        seconds, peak_mb = reply.header.get("seconds"), reply.header.get("peak_mb")
        if not isinstance(seconds, float) or not isinstance(peak_mb, float):
            self._end("wrote garbage to its line while loading")
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
        self, table: pa.Table, calls: int, warm_up: int, *, engine: str | None = None
    ) -> np.ndarray[Any, Any]:
        """Milliseconds of `calls` single-row predictions, measured inside the process.

        The rows of `table` are taken in turn, each prepared beforehand; `warm_up` calls go
        untimed before. Raises as `predict` does.
        """
        if calls < 1 or warm_up < 0:
            raise UsageProblem(f"cannot time {calls} calls after {warm_up} to warm up")
        reply = self._ask_about("time", table, engine, {"calls": calls, "warm_up": warm_up})
        return checked(self._column(reply, "being timed"), calls)

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
        doing = "predicting" if op == "predict" else "being timed"
        return self._ask(header, conform(table, self._signature), doing)

    def _ask(self, header: dict[str, Any], table: pa.Table | None, doing: str) -> Frame:
        line = self._line()
        loading = header["op"] == "load"
        seconds = self._limits.load_seconds if loading else self._limits.call_seconds
        self._asked += 1
        try:
            body = table_to_bytes(table) if table is not None else b""
            line.send(Frame({**header, "id": self._asked}, body), seconds)
            calls = header.get("calls", 0) + header.get("warm_up", 0)
            reply = self._reply(line, seconds, calls)
        except TimeoutError:
            self._end(f"gave no answer for {seconds:g} s while {doing}")
        except Garbage as garbage:
            self._end(f"wrote garbage to its line while {doing}: {garbage}")
        except Closed:
            self._end(f"{self._fate()} while {doing}")
        except BaseException:
            # Interrupted in the middle of an answer: the line cannot be used again.
            self.close()
            raise
        if error := reply.header.get("error"):
            raise raised(error, self._role, doing)
        return reply

    def _reply(self, line: Channel, seconds: float, calls: int) -> Frame:
        """The answer; between timed calls the worker says that it lives, and the wait restarts."""
        before = -1
        while True:
            frame = line.receive(seconds)
            if frame.header.get("id") != self._asked:
                raise Garbage("it is no answer to the question")
            tick = frame.header.get("tick")
            if tick is None:
                return frame
            if not isinstance(tick, int) or not before < tick < calls:
                raise Garbage("it counts wrongly")
            before = tick

    def _column(self, reply: Frame, doing: str) -> pa.ChunkedArray | np.ndarray[Any, Any]:
        try:
            return frame_to_column(reply)
        except Garbage as error:
            self._end(f"wrote garbage to its line while {doing}: {error}")

    def _line(self) -> Channel:
        if self._ended:
            raise ModelMisbehaved(*self._ended)
        if self._channel is None:
            raise UsageProblem("the runner has not been started")
        return self._channel

    def _spawn(self) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        scratch = self._scratch.resolve()
        pipes = [os.pipe() for _ in range(4)]
        (theirs_in, to_child), (from_child, theirs_out), (out, out_w), (err, err_w) = pipes
        command = [sys.executable, "-P", "-s", "-m", "gatekit.runner.worker"]
        try:
            self._process = subprocess.Popen(
                [*command, str(theirs_in), str(theirs_out)],
                stdin=subprocess.DEVNULL,
                stdout=out_w,
                stderr=err_w,
                pass_fds=(theirs_in, theirs_out),
                cwd=scratch,
                env=child_environment(scratch, os.environ),
                start_new_session=True,
            )
        except OSError as error:
            for fd in (to_child, from_child, out, err):
                os.close(fd)
            raise CandidateError(f"no process could be started ({error.strerror})") from error
        finally:
            for fd in (theirs_in, theirs_out, out_w, err_w):
                os.close(fd)
        process = self._process
        self._fds = [to_child, from_child, out, err]
        kept = self._limits.stderr_kb * 1024
        self._stderr = Tail(err, kept)
        tails = (Tail(out, kept), self._stderr)
        self._channel = Channel(to_child, from_child, tails, lambda: process.poll() is None)

    def _fate(self) -> str:
        """How the process ended, in words."""
        assert self._process is not None  # noqa: S101 - asked only after a spawn
        try:
            code = self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed its line to gatekit"
        if code >= 0:
            return f"ended with exit code {code}"
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
        return f"was killed by signal {-code}"

    def _end(self, what: str) -> NoReturn:
        """Remember what happened, end the process, and say it."""
        self._kill()
        if self._channel is not None:
            self._channel.drain()
        words = plain(self._stderr.last_line())
        hint = f"Its last line on stderr: {words}" if words else ""
        self._ended = (f"the {self._role}'s process {plain(what)}", hint)
        self._release()
        raise ModelMisbehaved(*self._ended)

    def _kill(self) -> None:
        if self._process is not None:
            # The group, so that what the model started ends too.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _release(self) -> None:
        # Nothing is worth waiting for: the process holds a model and no state of ours.
        self._kill()
        self._process = None
        fds, self._fds, self._channel = self._fds, [], None
        for fd in fds:
            os.close(fd)
