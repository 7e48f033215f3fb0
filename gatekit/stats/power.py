"""How many rows a floor on a proportion needs, and what a number of rows can tell apart.

The verdict's own rule is planned for, exactly: k right of n pass if their Clopper-Pearson lower
bound clears the floor, and fail if their upper bound lies below it. Both are counts to reach, so
every chance here is a binomial tail, and no approximation enters.

A quantile is planned by the same functions: its order-statistic bound clears a bar of 50 ms just
when the share of calls within 50 ms clears a floor of 0.99 (see `gatekit.stats.quantile`).

A floor lies between 0 and 1, both excluded. `power` is the chance asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincinv, ndtri

from gatekit.stats.proportion import POINT

MOST_ROWS = 10_000_000  # beyond any test set
HORIZON = 4  # blocks of rows that have to hold in a row; see `first_settled`
_LEAST_BLOCK = 16
_NEAR = 4  # rows around the normal approximation of a count
_TEETH = 4.0  # rows per block, in units of 1 / distance; one tooth of the saw reaches about 2

Counts = NDArray[np.int64]
Chances = NDArray[np.float64]


def fewest_passing(n: ArrayLike, floor: float, level: float) -> Counts:
    """The smallest k whose lower bound, of n rows, clears the floor; n + 1 where none does."""
    n = np.asarray(n, dtype=np.int64)
    if level == POINT:
        k = np.ceil(floor * n).astype(np.int64)
        return np.where((k - 1) / n >= floor, k - 1, k)  # 0.07 * 100 is a hair above 7
    # the count lies within a few of its normal approximation; where it does not, look everywhere
    near = n * floor + float(ndtri(level)) * np.sqrt(n * floor * (1.0 - floor))
    low = np.clip(near.astype(np.int64) - _NEAR, 0, n)
    high = np.clip(near.astype(np.int64) + _NEAR, 1, n + 1)
    low = np.where(_clears(low, n, floor, level), 0, low)
    high = np.where(_clears(high, n, floor, level), high, n + 1)
    while np.any(high - low > 1):
        middle = (low + high) // 2  # is `low` where they are neighbours, and moves nothing then
        clears = _clears(middle, n, floor, level)
        low, high = np.where(clears, low, middle), np.where(clears, middle, high)
    return np.asarray(high, dtype=np.int64)


def most_failing(n: ArrayLike, floor: float, level: float) -> Counts:
    """The largest k whose upper bound, of n rows, lies below the floor; -1 where none does."""
    n = np.asarray(n, dtype=np.int64)
    if level == POINT:
        return fewest_passing(n, floor, level) - 1
    return np.asarray(n - fewest_passing(n, 1.0 - floor, level), dtype=np.int64)


def chance_to_pass(n: ArrayLike, floor: float, p: float, level: float) -> Chances:
    """The chance that n rows of a model whose true value is p end in PASSED."""
    n = np.asarray(n, dtype=np.int64)
    return _tail(fewest_passing(n, floor, level), n, p)


def chance_to_fail(n: ArrayLike, floor: float, p: float, level: float) -> Chances:
    """The chance that n rows of a model whose true value is p end in FAILED."""
    n = np.asarray(n, dtype=np.int64)
    return _tail(n - most_failing(n, floor, level), n, 1.0 - p)


@lru_cache(maxsize=512)  # a policy asks for the same p99 more than once
def rows_to_pass(floor: float, p: float, level: float, power: float) -> int | None:
    """The smallest n from which on a model of true value p passes with at least that power.

    None if p does not lie above the floor, or if more than `MOST_ROWS` would be needed. The power
    is a saw in n, so a smaller n may reach it for a moment; see `first_settled`.
    """
    if p <= floor:
        return None
    near = _normal_rows(floor, p, level, power)
    return first_settled(lambda n: chance_to_pass(n, floor, p, level), near, p - floor, power)


@lru_cache(maxsize=512)
def rows_to_fail(floor: float, p: float, level: float, power: float) -> int | None:
    """The smallest n from which on a model of true value p fails with at least that power.

    None if p does not lie below the floor, or if more than `MOST_ROWS` would be needed.
    """
    if p >= floor:
        return None
    near = _normal_rows(floor, p, level, power)
    return first_settled(lambda n: chance_to_fail(n, floor, p, level), near, floor - p, power)


def least_passing(n: int, floor: float, level: float, power: float) -> float | None:
    """The smallest true value that passes on n rows with that power; None if n rows never pass."""
    k = int(fewest_passing(n, floor, level))
    return None if k > n else float(betaincinv(k, n - k + 1, power))


def greatest_failing(n: int, floor: float, level: float, power: float) -> float | None:
    """The largest true value that fails on n rows with that power; None if n rows never fail."""
    k = int(most_failing(n, floor, level))
    return None if k < 0 else float(betaincinv(k + 1, n - k, 1.0 - power))


def first_settled(
    chance: Callable[[Counts], Chances],
    near: float,
    distance: float,
    power: float,
    stride: int = 1,
) -> int | None:
    """The smallest n from which on the chance is at least `power`, in steps of `stride`.

    The chance is a saw in n: one more row may raise the count to reach by one. A tooth of height
    1 / (s sqrt n) on a slope of distance / (2 s sqrt n) reaches about 2 / distance rows, so the
    last n that falls short lies within a few such teeth of the first that does not. Blocks of twice
    that length are looked at upward from `near` until `HORIZON` of them hold entirely: that is how
    far the promise is checked. The answer is the row after the last that fell short; None beyond
    `MOST_ROWS`.
    """
    if near > MOST_ROWS:
        return None
    block = max(_LEAST_BLOCK, math.ceil(_TEETH / distance / stride))
    start = max(1, int(near) // stride - block)
    short = _last_short(chance, start, block, power, stride)
    at, holding = start + block, 0 if short else 1
    while holding < HORIZON:
        if at * stride > MOST_ROWS:
            return None
        found = _last_short(chance, at, block, power, stride)
        short, holding = (found, 0) if found else (short, holding + 1)
        at += block
    while not short and start > 1:
        below = max(1, start - block)
        short = _last_short(chance, below, start - below, power, stride)
        start = below
    return (short + 1) * stride


def _clears(k: Counts, n: Counts, floor: float, level: float) -> NDArray[np.bool_]:
    """Whether P(X >= k | floor), which falls in k, is at most 1 - level; n + 1 counts as such."""
    return np.asarray(_tail(k, n, floor) <= 1.0 - level, dtype=np.bool_)


def _last_short(
    chance: Callable[[Counts], Chances], start: int, block: int, power: float, stride: int
) -> int:
    """The last step of the block at which the chance falls short; 0 if none does."""
    steps = np.arange(start, start + block, dtype=np.int64)
    failing = steps[chance(steps * stride) < power]
    return int(failing[-1]) if failing.size else 0


def _tail(k: Counts, n: Counts, p: float) -> Chances:
    """P(X >= k) for X of n with p."""
    inner = betainc(np.clip(k, 1, n), n - np.clip(k, 1, n) + 1, p)
    return np.where(k <= 0, 1.0, np.where(k > n, 0.0, inner))


def _normal_rows(floor: float, p: float, level: float, power: float) -> float:
    """Where the search starts: ((z_level s(floor) + z_power s(p)) / distance)^2."""
    spread = float(ndtri(level)) * math.sqrt(floor * (1 - floor))
    spread += float(ndtri(power)) * math.sqrt(p * (1 - p))
    return (max(spread, 0.0) / (p - floor)) ** 2
