"""Bounds on a proportion, and on the gaps between several. Formulas with their sources."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

POINT = 0.5  # the level that asks for a point decision


def bounds(
    k: ArrayLike, n: ArrayLike, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One-sided lower and upper bounds for k successes in n, each holding at `level`.

    Clopper and Pearson (1934): L = BetaInv(1 - level; k, n - k + 1), U = BetaInv(level; k + 1,
    n - k). Exact, so never too narrow. 329 of 400 at 0.95: 0.788 and 0.853. No rows: 0 and 1.
    At level 0.5 both are the value itself, where there is one: a point decision.
    """
    k, n = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    if level == POINT:
        known = n > 0
        return (
            np.divide(k, n, out=np.zeros(k.shape), where=known),
            np.divide(k, n, out=np.ones(k.shape), where=known),
        )
    alpha = 1.0 - level
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, alpha), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - alpha), 1.0)
    return low, high


def largest_gap(k: ArrayLike, n: ArrayLike, level: float) -> tuple[float, float, float]:
    """The largest difference between the rates of any two groups, and bounds that hold jointly.

    `k` and `n` are (G,): successes and rows per group. Every group's rate gets an exact interval
    with an error of (1 - level) / G in all (Bonferroni 1936), so all hold at once with `level`,
    and so do the bounds on the largest gap. Valid for any number of groups and any group size; a
    small group makes the bounds wide, never silent. Groups without rows count as unknown: [0, 1].
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    low, high = _joint(k, n, level)
    with np.errstate(invalid="ignore"):
        rate = k / n
    value = float(np.nanmax(rate) - np.nanmin(rate)) if np.any(n > 0) else float("nan")
    lowest = max(0.0, float(low.max() - high.min()))
    return value, min(lowest, value), max(value, _widest(low, high))


def smallest_ratio(k: ArrayLike, n: ArrayLike, level: float) -> tuple[float, float, float]:
    """The smallest ratio between the rates of two groups (four-fifths rule: at least 0.8).

    Bounds as in `largest_gap`: they hold jointly over all groups at `level`.
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    low, high = _joint(k, n, level)
    with np.errstate(invalid="ignore"):
        rate = k / n
    top = float(np.nanmax(rate)) if np.any(n > 0) else float("nan")
    value = float(np.nanmin(rate)) / top if top > 0 else float("nan")
    lowest = _narrowest_ratio(low, high)
    highest = float(high.min() / low.max()) if low.max() > 0 else 1.0
    return value, min(lowest, value), min(1.0, max(highest, value))


def _joint(
    k: NDArray[np.float64], n: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # two sides per group, so each side may err with (1 - level) / (2 G)
    each = level if level == POINT else 1.0 - (1.0 - level) / (2 * max(1, k.size))
    return bounds(k, n, each)


def _widest(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Largest high of one group minus low of another."""
    if low.size < 2:  # noqa: PLR2004 - one group has no gap
        return 0.0
    gaps = high[:, None] - low[None, :]
    np.fill_diagonal(gaps, -np.inf)
    return float(gaps.max())


def _narrowest_ratio(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Smallest low of one group over high of another."""
    if low.size < 2:  # noqa: PLR2004 - one group has no ratio
        return 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = low[:, None] / high[None, :]
    np.fill_diagonal(ratios, np.inf)
    return float(np.nanmin(ratios))
