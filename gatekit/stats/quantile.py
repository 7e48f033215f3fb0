"""Bounds on a quantile by order statistics: no assumption about the shape of latencies."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, bdtrik

from gatekit.stats.proportion import POINT


class Counted(Protocol):
    """Values and how often each came, as `gatekit.evidence.histogram` keeps them."""

    @property
    def n(self) -> int:
        """How many there are."""
        ...

    @property
    def is_finite(self) -> bool:
        """Whether all of them are finite."""
        ...

    def smallest(self, rank: int) -> float:
        """The `rank`-th smallest, counted from 1."""
        ...


def bounds(sample: ArrayLike, q: float, level: float) -> tuple[float, float, float]:
    """The q-quantile of the sample and one-sided bounds, each holding at `level`.

    The upper bound is the r-th smallest value with the smallest r such that
    P(Bin(n, q) <= r - 1) >= level; the lower one mirrors it (David and Nagaraja 2003, 7.1). Too few
    values for a bound give +inf or -inf: 299 are the least for a p99 at 0.95. The value itself
    is the ceil(n q)-th smallest.
    """
    ordered = np.sort(np.asarray(sample, dtype=float))
    if not np.all(np.isfinite(ordered)):
        return math.nan, math.nan, math.nan
    return _bounds(ordered.size, lambda rank: float(ordered[rank - 1]), q, level)


def bounds_of(counted: Counted, q: float, level: float) -> tuple[float, float, float]:
    """As `bounds`, of values that were counted."""
    if not counted.is_finite:
        return math.nan, math.nan, math.nan
    return _bounds(counted.n, counted.smallest, q, level)


def _bounds(
    n: int, smallest: Callable[[int], float], q: float, level: float
) -> tuple[float, float, float]:
    if n == 0:
        return math.nan, math.nan, math.nan
    value = smallest(min(n, max(1, math.ceil(n * q))))
    if level == POINT:
        return value, value, value
    upper = _binomial_quantile(level, n, q) + 1
    lower = _binomial_quantile(1 - level, n, q)
    high = smallest(upper) if upper <= n else math.inf
    low = smallest(lower) if lower >= 1 else -math.inf
    return value, low, high


def rows_for_upper_bound(q: float, level: float) -> int:
    """How many values an upper bound on the q-quantile needs at the least: ln(1-level) / ln q."""
    return 1 if level == POINT else math.ceil(math.log(1 - level) / math.log(q))


def _binomial_quantile(level: float, n: int, q: float) -> int:
    """The least k with P(Bin(n, q) <= k) >= level, as scipy.stats.binom.ppf without its import."""
    least = max(0, math.ceil(bdtrik(level, n, q)) - 1)
    return least if bdtr(least, n, q) >= level else least + 1
