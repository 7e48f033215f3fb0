"""The candidate's own process, once its walls stand (`gatekit.runner.inside`).

Reads frames, answers frames, ends when the pipe closes. Whatever the model raises becomes an error
frame with the type and the first line of the message; cells of the data are taken out of it.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import select
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gatekit.errors import CandidateError, DataError, GatekitError
from gatekit.runner.protocol import (
    Assembly,
    Frame,
    TableReader,
    array_to_frame,
    bytes_to_table,
    encode_small,
    soon,
    table_to_bytes,
)
from gatekit.runner.scored import scored_to_frame
from gatekit.scoring.engines import Engine, load_engine

if TYPE_CHECKING:
    from collections.abc import Callable

TICK_SECONDS = 1.0
MESSAGE_LENGTH = 300
PIECE = 1 << 16
ROWS_FOLLOW = "Failed to enforce schema of data"


@dataclass(slots=True)
class Worker:
    """The loaded engines and the pipe they are asked through."""

    incoming: int
    outgoing: int
    engines: dict[str, Engine] = field(default_factory=dict)
    tables: TableReader = field(default_factory=TableReader)
    assembly: Assembly = field(default_factory=Assembly)
    asleep: select.poll = field(default_factory=select.poll)

    def __post_init__(self) -> None:
        os.set_blocking(self.incoming, False)
        self.asleep.register(self.incoming, select.POLLIN)

    def serve(self) -> None:
        """Answer frames until the other side closes the pipe."""
        while (frame := self._receive()) is not None:
            self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        said = {"id": frame.header.get("id")}
        table: pa.Table | None = None
        try:
            table = self.tables.table(frame)
            reply = self._do(frame.header, table, said)
        except BaseException as error:  # noqa: BLE001 - a model may raise anything, SystemExit too
            reply = Frame({**said, "error": describe(error, table)})
        self.send(reply)

    def _do(self, header: dict[str, Any], table: pa.Table | None, said: dict[str, Any]) -> Frame:
        if header["op"] == "load":
            return Frame({**said, **self._load(header)})
        if header["op"] == "form":
            form = self.engines[header["engine"]].form
            return array_to_frame(said, np.frombuffer(form, np.uint8))
        if header["op"] == "linear":
            return self._linear(header, said)
        assert table is not None  # noqa: S101 - the parent sends a table with every other question
        return self._of_rows(header, table, said)

    def _of_rows(self, header: dict[str, Any], table: pa.Table, said: dict[str, Any]) -> Frame:
        engine = self.engines[header["engine"]]
        if header["op"] == "predict" and header.get("score"):
            return scored_to_frame(said, engine.answer(table, header["score"]))
        if header["op"] == "predict":
            return array_to_frame(said, engine.predict(table))
        if header["op"] == "disturb":
            return Frame({**said, "disturbed": engine.disturbed(table, header["score"])})
        return array_to_frame(said, self._time(engine, table, header, said))

    def _load(self, header: dict[str, Any]) -> dict[str, Any]:
        start = perf_counter()
        self.engines[header["engine"]] = load_engine(Path(header["folder"]), header["engine"])
        return {"seconds": perf_counter() - start, "peak_mb": peak_mb()}

    def _linear(self, header: dict[str, Any], said: dict[str, Any]) -> Frame:
        """Its linear form, read off the estimator as its own loader gives it."""
        try:
            if "native" not in self.engines:
                self.engines["native"] = load_engine(Path(header["folder"]), "native")
            return Frame({**said, "linear": True}, self.engines["native"].linear_form().as_json())
        except CandidateError as error:
            return Frame({**said, "linear": False, "why": error.message})

    def _time(
        self, engine: Engine, table: pa.Table, header: dict[str, Any], said: dict[str, Any]
    ) -> np.ndarray[Any, Any]:
        """Milliseconds of `calls` predictions of `each` rows, after `warm_up` untimed ones."""
        calls, warm_up, each = header["calls"], header["warm_up"], header.get("each", 1)
        different = min(table.num_rows // each, calls + warm_up)
        rows = [_rows(table, index * each, each) for index in range(different)]
        elapsed_ms = np.empty(calls)
        predict: Callable[[pa.Table], object] = engine.run
        told = perf_counter()
        for call in range(-warm_up, calls):
            if call == 0:
                self.send(Frame({**said, "begun": True}))  # the parent times the rest as a whole
            row = rows[(call + warm_up) % len(rows)]
            start = perf_counter()
            predict(row)
            end = perf_counter()
            if call >= 0:
                elapsed_ms[call] = (end - start) * 1000
            if end - told > TICK_SECONDS:
                self.send(Frame({**said, "tick": call + warm_up}))
                told = perf_counter()
        return elapsed_ms

    def _receive(self) -> Frame | None:
        while self.assembly.wanted:
            piece = soon(self.incoming, PIECE)
            if piece is None:
                self.asleep.poll()
                continue
            if not piece:
                return None
            self.assembly.buffer += piece
        return self.assembly.frame()

    def send(self, frame: Frame) -> None:
        """Write one frame to the other side."""
        for piece in encode_small(frame):
            left = piece
            while left:
                left = left[os.write(self.outgoing, left) :]


def describe(error: BaseException, table: pa.Table | None) -> dict[str, str]:
    """`error` as plain words: its type, and one line of its message without cells of `table`."""
    if isinstance(error, GatekitError):
        kind = "data" if isinstance(error, DataError) else "model"
        return {"kind": kind, "message": error.message, "hint": error.hint}
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the message is the model's code, too
        message = ""
    if message.startswith(ROWS_FOLLOW):
        # MLflow prints the rows first, then the reason.
        message = message.rpartition("Error: ")[2]
    line = next((line.strip() for line in message.splitlines() if line.strip()), "")
    line = _without_cells(line, table)[:MESSAGE_LENGTH].rstrip(". ")
    return {"kind": "raised", "type": type(error).__name__, "message": line}


def peak_mb() -> float:
    """The most memory this process has held, in megabytes."""
    with contextlib.suppress(OSError):
        # Linux: ru_maxrss would begin at the size of the process that started this one.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
        if found:
            return int(found[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def _without_cells(line: str, table: pa.Table | None) -> str:
    if table is None:
        return line
    cells: set[str] = set()
    for column in table.columns:
        if pa.types.is_string(column.type):
            cells.update(value for value in column.unique().to_pylist() if value)

    def hidden(found: re.Match[str]) -> str:
        text = found[0]
        return f"{text[0]}...{text[-1]}" if text[1:-1] in cells else text

    return re.sub(r"'[^']*'|\"[^\"]*\"", hidden, line)


def _rows(table: pa.Table, start: int, count: int) -> pa.Table:
    """Some rows as a table of their own, as they would come over the wire: no view of many."""
    return bytes_to_table(table_to_bytes(table.slice(start, count).combine_chunks()))
