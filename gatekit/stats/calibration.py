"""How far stated probabilities are from how often they come true, by bins of equal size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chndtr, chndtrinc

from gatekit.stats.proportion import POINT

BINS = 15
ROWS_OF_A_BIN = 50
METHOD = "debiased, quantile bins; noncentral chi-square"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bins:
    """Rows, rows that came true, and the mean probability said of them, by rising bin, (B,)."""

    rows: Floats
    true: Floats
    said: Floats


def bins(scores: Floats, true: Floats, rows: Floats, most: int = BINS) -> Bins:
    """Bins of about equal size over counts by rising score, (U,); rows of one score stay together.

    As many bins as have 50 rows each, at most `most`.
    """
    total = float(rows.sum())
    wanted = int(max(1, min(most, total // ROWS_OF_A_BIN)))
    up_to = np.cumsum(rows)
    middle = up_to - rows / 2
    place = np.minimum((middle * wanted / total).astype(int), wanted - 1)
    weights = (rows, true, rows * scores)
    sums = [np.asarray(np.bincount(place, w, minlength=wanted), dtype=float) for w in weights]
    held = sums[0] > 0
    return Bins(sums[0][held], sums[1][held], sums[2][held] / sums[0][held])


def bounds(found: Bins, level: float) -> tuple[float, float, float]:
    """The root mean square gap of the bins, debiased, and one-sided bounds at `level`.

    Of Kumar, Liang and Ma (2019): the square of a bin's gap is too large by its own variance,
    share (1 - share) / (rows - 1), which is taken off; below 0 the whole is 0. The weighted sum of
    squared gaps is a scaled noncentral chi-square (scale and degrees of freedom by Satterthwaite),
    so its noncentrality is bounded by where that distribution leaves 1 - level. A sum smaller than
    a model without any gap would show on average counts as that average. The bounds speak of these
    bins; within one, gaps of either sign cancel. Infinite where a bin has fewer than 50 rows.
    """
    n = float(found.rows.sum())
    weight, share = found.rows / n, found.true / found.rows
    gap = found.said - share
    bias = share * (1 - share) / np.maximum(found.rows - 1, 1)
    value = math.sqrt(max(0.0, float(weight @ (gap**2 - bias))))
    if level == POINT:
        return value, value, value
    if found.rows.min() < ROWS_OF_A_BIN:
        return value, -math.inf, math.inf
    smoothed = (found.true + 0.5) / (found.rows + 1)
    parts = weight * smoothed * (1 - smoothed) / found.rows
    scale = float((parts**2).sum() / parts.sum())
    freedom = float(parts.sum() / scale)
    seen = float(weight @ gap**2) / scale
    low, high = (
        _noncentrality(seen, freedom, level),
        _noncentrality(max(seen, freedom), freedom, 1 - level),
    )
    return value, min(value, math.sqrt(scale * low)), max(value, math.sqrt(scale * high))


def _noncentrality(seen: float, freedom: float, chance: float) -> float:
    """The noncentrality at which a chi-square is below `seen` with that chance; 0 if none is."""
    if float(chndtr(seen, freedom, 0.0)) <= chance:
        return 0.0
    return float(chndtrinc(seen, freedom, chance))
