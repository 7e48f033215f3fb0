"""What a model's process holds while it predicts, and how long it takes to be there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gatekit.runner.process import Runner

WINDOWS = 20  # how often memory is read while rows are predicted
HAIR = 2.0**-32  # of the way to its mean a number is moved, to be one that was never asked
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


def _quantities(rows: pa.Table) -> dict[str, float]:
    """The columns of doubles that are no codes, as most of their values differ; and their means."""
    found = {}
    for field in rows.schema:
        if not pa.types.is_float64(field.type):
            continue
        known = rows[field.name].filter(pc.is_finite(rows[field.name]))
        if pc.count_distinct(known).as_py() > MOSTLY * rows.num_rows:
            found[field.name] = float(pc.mean(known).as_py())
    return found


def _fresh(rows: pa.Table, moved: Mapping[str, float], window: int, each: int) -> pa.Table:
    """As many rows for a window, in turn; quantities of one that comes again are moved further.

    Towards their mean, so that none leaves the range that the model may ask for.
    """
    turns, places = np.divmod(window * each + np.arange(each), rows.num_rows)
    table = rows.take(pa.array(places))
    by = pa.array(HAIR * (turns + 1))
    for name, mean in moved.items():
        old = table[name]
        nearer = pc.add(old, pc.multiply(pc.subtract(mean, old), by))
        new = pc.if_else(pc.is_finite(old), nearer, old)
        table = table.set_column(table.column_names.index(name), name, new)
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
