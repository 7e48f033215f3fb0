"""Two models on the same rows: the difference of their accuracies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from gatekit.stats.proportion import POINT

METHOD = "paired score (Tango), leaning"
_LEAN = 1.0  # rows that the claim has to do without
_HALVINGS = 48
_HAIR = 1e-9  # a bar of 0.01 on 100 rows is one row, whatever the floats say

Numbers = NDArray[np.float64]


def accuracy_difference(won: int, lost: int, n: int, level: float) -> tuple[float, float, float]:
    """New minus old accuracy on n paired rows, and one-sided bounds, each holding at `level`.

    `won` rows are right now and were wrong, `lost` the other way round. Bounds are where Tango's
    (1998) score statistic, less one row, is the normal quantile. The score alone promoted falsely
    in up to 9 % of runs instead of 5 %, Agresti and Min's (2005) bounds in up to 14 %, where few
    rows differ; with the row it is at most 5.0 % on the grid of docs/statistics.md. Where no row
    differs the bounds are exact: two models that differ on a share x of rows, all lost, never do on
    n of them with chance (1 - x)^n.
    """
    if n == 0:
        return math.nan, math.nan, math.nan
    value = (won - lost) / n
    if level == POINT:
        return value, value, value
    low, high = _lower(won, lost, n, level), -_lower(lost, won, n, level)
    return value, min(value, low), max(value, high)


def clears(
    won: ArrayLike, lost: ArrayLike, n: float, bar: float, level: float
) -> NDArray[np.bool_]:
    """Whether the lower bound is at least `bar`, for any number of pairs (won, lost) of n rows."""
    won, lost = np.asarray(won, dtype=float), np.asarray(lost, dtype=float)
    ahead = np.asarray(won - lost >= bar * n - _HAIR)
    if level == POINT:
        return ahead
    passed = _score(won, lost, n, bar) >= float(ndtri(level))
    passed = np.where(won + lost > 0, passed, bar <= -_never(n, level))
    return np.asarray(passed & ahead)


def _lower(won: float, lost: float, n: int, level: float) -> float:
    if won + lost == 0:
        return -_never(n, level)
    z, low, high = float(ndtri(level)), -1.0, (won - lost) / n
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _score(won, lost, n, middle) >= z else (low, middle)
    return low


def _never(n: float, level: float) -> float:
    """The largest share of rows that n rows may not show, with that much certainty."""
    return -math.expm1(math.log1p(-level) / n)


def _score(won: Any, lost: Any, n: float, gain: float) -> Any:
    """Tango's statistic for a true gain, less one row; falls as `gain` rises.

    Its variance is the largest-likelihood one for that gain: of rows lost a share q, the larger
    root of 2 n q^2 - (won + lost - (2 n - won + lost) gain) q - lost gain (1 - gain) = 0.
    """
    line = won + lost - (2 * n - won + lost) * gain
    inside = line * line + 8 * n * lost * gain * (1 - gain)
    q = (line + np.sqrt(np.maximum(inside, 0.0))) / (4 * n)
    variance = n * (2 * q + gain * (1 - gain))
    return (won - lost - n * gain - _LEAN) / np.sqrt(np.maximum(variance, 1e-300))
