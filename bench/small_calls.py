"""What a call over the line costs more than a call in process: one row of ten numbers.

python bench/small_calls.py [CALLS]

The table is made beforehand. Both sides score with the same engine; rounds alternate, the best
median of the rounds counts. The bar is 150 microseconds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import pyarrow as pa

from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scoring.engines import load_engine
from gatekit.testing import write_toy

COLUMNS = tuple(f"x{number}" for number in range(10))
ROUNDS = 7
BAR_US = 150.0


def median_us(predict, row, calls):
    """The median microseconds of `calls` calls."""
    times = []
    for _ in range(calls):
        start = perf_counter()
        predict(row)
        times.append(perf_counter() - start)
    return statistics.median(times) * 1e6


def main() -> int:
    """Print both and their difference; 1 when it is above the bar."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    row = pa.table({name: [0.5] for name in COLUMNS})
    with tempfile.TemporaryDirectory() as place:
        folder = write_toy(Path(place) / "model", "threshold", COLUMNS)
        engine = load_engine(folder, "native")
        with Runner(Limits(), Path(place) / "scratch") as runner:
            loaded = runner.load(folder)
            inside, outside = [], []
            for _ in range(ROUNDS):
                inside.append(median_us(engine.predict, row, calls))
                outside.append(median_us(runner.predict, row, calls))
            print(f"walls: {'; '.join(runner.walls)}")
    over = min(outside) - min(inside)
    rounds = ", ".join(f"{b - a:.0f}" for a, b in zip(inside, outside, strict=True))
    print(f"in process {min(inside):.1f} us, over the line {min(outside):.1f} us ({loaded.engine})")
    print(f"over the in-process call: {over:.1f} us (bar {BAR_US:.0f}); each round: {rounds}")
    return int(over > BAR_US)


if __name__ == "__main__":
    sys.exit(main())
