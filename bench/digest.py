"""The digest of a large model beside sha256 of the same bytes: what is added should not show.

    python bench/digest.py [GB] [ROUNDS]

Two GB by default, once as one file and once as 200, written to the temporary folder and read from
the page cache by both. The other side reads the same files with `hashlib.file_digest`, and nothing
else. Both run in this process on one core, turn and turn about; CPU and wall time are compared,
each by the median of its rounds. The bar is 1.10.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from gatekit.digest import model_digest, model_files

BAR = 1.10
BLOCK = 1 << 22


def write_model(folder: Path, total: int, files: int) -> list[Path]:
    """`total` bytes that do not compress, in `files` files beside an MLmodel."""
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}\n")
    block, made = os.urandom(BLOCK), []
    for number in range(files):
        path = folder / f"weights-{number:03}.bin"
        with path.open("wb") as stream:
            left = total // files
            while left > 0:
                left -= stream.write(block[: min(left, BLOCK)])
        made.append(path)
    return [folder / "MLmodel", *made]


def plain(paths: list[Path]) -> None:
    """sha256 of the same bytes, and nothing else."""
    for path in paths:
        with path.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")


def timed(act) -> tuple[float, float]:
    """CPU and wall seconds."""
    cpu, wall = process_time(), perf_counter()
    act()
    return process_time() - cpu, perf_counter() - wall


def compare(gigabytes: float, files: int, rounds: int) -> float:
    """Print a line; returns the ratio of CPU time."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "model")
        paths = write_model(folder, int(gigabytes * 1e9), files)
        acts = (lambda: model_digest(model_files(folder)), lambda: plain(paths))
        acts[1]()  # into the page cache
        told = [[timed(act) for act in acts] for _ in range(rounds)]
    (our_cpu, our_wall), (cpu, wall) = (
        [statistics.median(row[side][kind] for row in told) for kind in (0, 1)] for side in (0, 1)
    )
    print(
        f"{gigabytes:g} GB in {files:3} files: digest / sha256 {our_cpu / cpu:.3f} of CPU time, "
        f"{our_wall / wall:.3f} of wall time; sha256 {gigabytes / cpu:.2f} GB/s, {rounds} rounds"
    )
    return our_cpu / cpu


def main(gigabytes: float = 2.0, rounds: int = 5) -> int:
    """Print the ratios; 1 when one of CPU time is over the bar."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return max(compare(gigabytes, files, rounds) for files in (1, 200)) > BAR


if __name__ == "__main__":
    sys.exit(main(*(kind(text) for kind, text in zip((float, int), sys.argv[1:], strict=False))))
