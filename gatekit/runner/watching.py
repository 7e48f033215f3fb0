"""What a model's process holds while it predicts, and how long it takes to be there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gatekit.runner.process import Runner

WINDOWS = 20  # how often memory is read while rows are predicted
HAIR = 2.0**-32  # by how much of itself a number is moved, to be one that was never asked
MOSTLY = 0.5  # share of different values from which on a column is one of quantities, not codes


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Megabytes of a model's process: the most, and what it held after each window, (WINDOWS,)."""

    peak_mb: float
    held_mb: NDArray[np.float64]


def watched(runner: Runner, rows: pa.Table, calls: int) -> Memory:
    """Predict all rows at once, then `calls` single ones, and look at what the process holds.

    Quantities of the single rows are moved by a hair, so that no row comes twice: what keeps an
    answer for each row it has seen grows with them.

    Raises:
        ModelMisbehaved: it died, or answered something that is no prediction.
        UsageProblem: the system does not say what another process holds.
    """
    runner.predict(rows)
    each, held = max(1, calls // WINDOWS), []
    moved = _quantities(rows)
    for window in range(WINDOWS):
        runner.time_rows(_fresh(rows, moved, window, each), each, 0)
        held.append(runner.memory_mb("VmRSS"))
    return Memory(runner.memory_mb("VmHWM"), np.array(held))


def _quantities(rows: pa.Table) -> list[str]:
    """The columns of doubles that are no codes: most of their values are different ones."""
    return [
        field.name
        for field in rows.schema
        if pa.types.is_float64(field.type)
        and pc.count_distinct(rows[field.name]).as_py() > MOSTLY * rows.num_rows
    ]


def _fresh(rows: pa.Table, moved: Sequence[str], window: int, each: int) -> pa.Table:
    """As many rows for a window, in turn; a row that comes again has its quantities larger."""
    turns, places = np.divmod(window * each + np.arange(each), rows.num_rows)
    table = rows.take(pa.array(places))
    for name in moved:
        larger = pc.multiply(table[name], pa.array(1 + HAIR * (turns + 1)))
        table = table.set_column(table.column_names.index(name), name, larger)
    return table


def load_seconds(
    start: Callable[[], Runner], folder: Path, engine: str, times: int
) -> NDArray[np.float64]:
    """Seconds from no process at all to a loaded model, each in a process of its own, (times,).

    Raises:
        ModelMisbehaved: it died, or could not be loaded.
    """
    seconds = np.empty(times)
    for turn in range(times):
        begun = perf_counter()
        runner = start()
        try:
            runner.load(folder, engine)
            seconds[turn] = perf_counter() - begun
        finally:
            runner.close()
    return seconds
