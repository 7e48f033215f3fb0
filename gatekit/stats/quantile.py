"""Bounds on a quantile by order statistics: no assumption about the shape of latencies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, bdtrik

from gatekit.stats.proportion import POINT


def bounds(sample: ArrayLike, q: float, level: float) -> tuple[float, float, float]:
    """The q-quantile of the sample and one-sided bounds, each holding at `level`.

    The upper bound is the r-th smallest value with the smallest r such that
    P(Bin(n, q) <= r - 1) >= level; the lower one mirrors it (David and Nagaraja 2003, 7.1). Too few
    values for a bound give +inf or -inf: 299 are the least for a p99 at 0.95. The value itself
    is the ceil(n q)-th smallest.
    """
    ordered = np.sort(np.asarray(sample, dtype=float))
    n = ordered.size
    if n == 0 or not np.all(np.isfinite(ordered)):
        return math.nan, math.nan, math.nan
    value = float(ordered[min(n, max(1, math.ceil(n * q))) - 1])
    if level == POINT:
        return value, value, value
    upper = _binomial_quantile(level, n, q) + 1
    lower = _binomial_quantile(1 - level, n, q)
    high = float(ordered[upper - 1]) if upper <= n else math.inf
    low = float(ordered[lower - 1]) if lower >= 1 else -math.inf
    return value, low, high


def rows_for_upper_bound(q: float, level: float) -> int:
    """How many values an upper bound on the q-quantile needs at the least: ln(1-level) / ln q."""
    return 1 if level == POINT else math.ceil(math.log(1 - level) / math.log(q))


def _binomial_quantile(level: float, n: int, q: float) -> int:
    """The least k with P(Bin(n, q) <= k) >= level, as scipy.stats.binom.ppf without its import."""
    least = max(0, math.ceil(bdtrik(level, n, q)) - 1)
    return least if bdtr(least, n, q) >= level else least + 1
