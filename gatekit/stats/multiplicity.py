"""The smallest of several proportions, and which of them are shown to be below a bar."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from gatekit.stats import proportion
from gatekit.stats.proportion import POINT


def smallest(k: ArrayLike, n: ArrayLike, level: float) -> tuple[float, float, float]:
    """The smallest of S rates k/n (S,), and one-sided bounds, each holding at `level`.

    Lower: the smallest of the rates' own Clopper-Pearson lower bounds, uncorrected. It is above a
    bar only if every one is (an intersection-union test, Berger 1982), and it errs only if the
    bound of the truly smallest rate does: with 1 - level at most. Upper: the smallest of their
    upper bounds at 1 - (1 - level) / S (Bonferroni), as a bar is missed where any one is shown
    to miss it. The rates may share rows.
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    if k.size == 0 or not np.all(n > 0):
        return math.nan, -math.inf, math.inf
    low, _ = proportion.bounds(k, n, level)
    corrected = level if level == POINT else 1 - (1 - level) / k.size
    _, high = proportion.bounds(k, n, corrected)
    return float((k / n).min()), float(low.min()), float(high.min())


def shown_below(k: ArrayLike, n: ArrayLike, bar: float, level: float) -> NDArray[np.bool_]:
    """Which rates k/n are shown to be below `bar`, (S,): exact one-sided tests under Holm (1979).

    With probability `level` none is named that is not below. Its first step is the upper bound of
    `smallest`: one is named if, and only if, that bound is below the bar.
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    if level == POINT:
        return np.asarray(k < bar * n)
    return holm(_at_most(k, n, bar), 1 - level)


def holm(p_values: ArrayLike, alpha: float) -> NDArray[np.bool_]:
    """Which hypotheses Holm's step-down procedure rejects at a family-wise error of alpha, (S,)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    kept = p[order] >= alpha / np.arange(p.size, 0, -1)
    first_kept = int(np.argmax(kept)) if kept.any() else p.size
    rejected = np.zeros(p.size, dtype=bool)
    rejected[order[:first_kept]] = True
    return rejected


def _at_most(k: NDArray[np.float64], n: NDArray[np.float64], p: float) -> NDArray[np.float64]:
    """P(Bin(n, p) <= k), exact."""
    if not 0 < p < 1:  # below a bar over 1 is every rate, below one under 0 is none
        return np.where(k < p * n, 0.0, 1.0)
    tail = betainc(np.maximum(n - k, 1), k + 1, 1 - p)
    return np.where(k >= n, 1.0, tail)
