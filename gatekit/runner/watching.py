"""What a model's process holds while it predicts, and how long it takes to be there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.runner.process import Runner

WINDOWS = 20  # how often memory is read while rows are predicted
FIRST_ROWS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Megabytes of a model's process: the most, and what it held after each window, (WINDOWS,)."""

    peak_mb: float
    held_mb: NDArray[np.float64]


def watched(runner: Runner, rows: pa.Table, calls: int) -> Memory:
    """Predict all rows at once, then `calls` single ones, and look at what the process holds.

    Raises:
        ModelMisbehaved: it died, or answered something that is no prediction.
        UsageProblem: the system does not say what another process holds.
    """
    runner.predict(rows)
    first, each, held = rows.slice(0, FIRST_ROWS), max(1, calls // WINDOWS), []
    for _ in range(WINDOWS):
        runner.time_rows(first, each, 0)
        held.append(runner.memory_mb("VmRSS"))
    return Memory(runner.memory_mb("VmHWM"), np.array(held))


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
