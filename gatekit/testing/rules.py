"""What toy models do: each rule is one virtue or one misdeed, in a few lines.

A rule gets the columns (a pandas frame or an Arrow table, both give a column by name), the number
of rows and its own parameters, and returns what the model returns.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Array = np.ndarray[Any, Any]


def threshold(x: Array, *, t: float = 0.0, wrong: float = 0.0, seed: int = 0) -> Array:
    """1 where x0 > t; a share `wrong` of the rows, chosen by their value alone, is flipped."""
    return np.asarray((x > t) ^ (share_of(x, seed) < wrong), dtype=np.int64)


def bad_slice(x: Array, *, where: Array, wrong: float = 0.4, seed: int = 0) -> Array:
    """Right by threshold, except in one slice: a share `wrong` of the rows in `where` is flipped.

    As a parameter of `write_toy` `where` maps columns to values: {"region": "north"}.
    """
    return np.asarray((x > 0) ^ (where & (share_of(x, seed) < wrong)), dtype=np.int64)


def probability(
    x: Array, *, slope: float = 3.0, warp: float = 1.0, hard: bool = False, outside: bool = False
) -> Array:
    """A probability of label 1 that rises with x0: calibrated where labels are drawn so (`drawn`).

    `warp` over 1 makes it too sure of itself, `hard` rounds it, `outside` doubles it.
    """
    score = 1 / (1 + np.exp(-slope * warp * x))
    return np.asarray(score.round() if hard else score * 2 if outside else score)


def number(x: Array, *, factor: float = 10.0, shift: float = 0.0, spread: float = 1.0) -> Array:
    """`factor` times x0, plus `shift`, plus an error below `spread` that hangs on x0 alone."""
    return np.asarray(factor * x + shift + spread * (2 * share_of(x, 7) - 1))


def words(x: Array, *, t: float = 0.0, empty_every: int = 0) -> list[str | None]:
    """`yes` or `no` by threshold; every `empty_every`-th row of a batch is None."""
    said: list[str | None] = ["yes" if value > t else "no" for value in x]
    if empty_every:
        said[empty_every - 1 :: empty_every] = [None] * len(said[empty_every - 1 :: empty_every])
    return said


def nan(x: Array, *, every: int = 10) -> Array:
    """x0 as a score, NaN on every `every`-th row of a batch."""
    score = x.copy()
    score[every - 1 :: every] = np.nan
    return score


def crash(x: Array, *, code: int = 3) -> Array:  # noqa: ARG001 - every rule gets the rows
    """Ends its process without a word."""
    os._exit(code)


def segfault(x: Array) -> Array:
    """Dies as a broken native library does."""
    os.kill(os.getpid(), signal.SIGSEGV)
    return x


def raise_on(x: Array) -> Array:
    """Raises for a negative x0."""
    if (x < 0).any():
        raise ValueError(f"cannot score {int((x < 0).sum())} negative rows\nthe second line")
    return threshold(x)


def sleep(x: Array, *, ms: float = 1.0) -> Array:
    """Threshold after `ms` milliseconds a call."""
    time.sleep(ms / 1000)
    return threshold(x)


def hang(x: Array) -> Array:  # noqa: ARG001 - every rule gets the rows
    """Never answers."""
    while True:
        time.sleep(3600)


def wrong_length(x: Array, *, extra: int = -1) -> Array:
    """Gives `extra` predictions more than there are rows."""
    return np.resize(threshold(x), max(0, len(x) + extra))


def order_dependent(x: Array) -> Array:
    """1 where x0 is above that of the row before: sorting the rows changes the labels."""
    return np.asarray(x > np.concatenate(([0.0], x[:-1])), dtype=np.int64)


def batch_dependent(x: Array) -> Array:
    """1 where x0 is above the mean of the batch: a row alone gets another label than in company."""
    return np.asarray(x > x.mean(), dtype=np.int64)


def stdout_flood(x: Array, *, mb: int = 20) -> Array:
    """Writes `mb` megabytes to each of stdout and stderr, then threshold."""
    line = "all work and no play\n" * 50_000
    for _ in range(mb):
        sys.stdout.write(line)
        sys.stderr.write(line)
    sys.stdout.flush()
    return threshold(x)


def garbage(x: Array, *, oversize: bool = False) -> Array:
    """Writes nonsense to every descriptor it can reach, or an announcement of 2**63 bytes."""
    noise = b"gk1\n" + b"\x00\x00\x00\x02" + b"\x7f" * 8 if oversize else b"not a frame at all" * 9
    for descriptor in range(3, 1024):
        try:
            os.write(descriptor, noise)
        except OSError:
            continue
    return threshold(x)


def reads_environment(x: Array, *, name: str = "") -> Array:
    """1 everywhere when the environment variable `name` can be seen, else 0."""
    return np.full(len(x), int(name in os.environ), dtype=np.int64)


RULES: dict[str, Callable[..., object]] = {
    rule.__name__: rule
    for rule in (
        threshold,
        bad_slice,
        probability,
        number,
        words,
        nan,
        crash,
        segfault,
        raise_on,
        sleep,
        hang,
        wrong_length,
        order_dependent,
        batch_dependent,
        stdout_flood,
        garbage,
        reads_environment,
    )
}


def share_of(x: Array, seed: int) -> Array:
    """A number in [0, 1) for each value, by its bits alone (the finisher of splitmix64)."""
    bits = np.ascontiguousarray(x, dtype=np.float64).view(np.uint64).copy()
    bits += np.uint64((0x9E3779B97F4A7C15 * (seed + 1)) & 0xFFFFFFFFFFFFFFFF)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(11)).astype(np.float64) / 2.0**53
