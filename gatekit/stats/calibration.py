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

    As many bins as have 50 rows each, at most `most`. One that many rows of one score beside it
    leave with fewer is joined to its smaller neighbour.
    """
    total = float(rows.sum())
    wanted = int(max(1, min(most, total // ROWS_OF_A_BIN)))
    up_to = np.cumsum(rows)
    middle = up_to - rows / 2
    place = np.minimum((middle * wanted / total).astype(int), wanted - 1)
    first = np.flatnonzero(np.diff(place, prepend=-1))
    sums = np.zeros((3, wanted))
    for row, weight in enumerate((rows, true, rows * scores)):
        sums[row, place[first]] = np.add.reduceat(weight, first)
    whole, came, said = _joined(sums)
    return Bins(whole, came, said / whole)


def _joined(sums: Floats) -> Floats:
    """Sums by bin, (3, B), rows first, with no bin of fewer than 50 rows if there are as many."""
    while sums.shape[1] > 1 and sums[0].min() < ROWS_OF_A_BIN:
        least = int(np.argmin(sums[0]))
        beside = [place for place in (least - 1, least + 1) if 0 <= place < sums.shape[1]]
        other = min(beside, key=lambda place: float(sums[0, place]))
        sums[:, other] += sums[:, least]
        sums = np.delete(sums, least, axis=1)
    return sums


def bounds(found: Bins, level: float) -> tuple[float, float, float]:
    """The root mean square gap of the bins, debiased, and one-sided bounds at `level`.

    Of Kumar, Liang and Ma (2019): the square of a bin's gap is too large by its own variance,
    share (1 - share) / (rows - 1), which is taken off; below 0 the whole is 0. The weighted sum of
    squared gaps is a scaled noncentral chi-square whose noncentrality is bounded by where that
    distribution leaves 1 - level; see `_scaled`. Each bound leans against its claim. For the lower
    one a bin varies at least as much as what was said of it would, for the upper one there is one
    row more on the wrong side, in the bin with the largest gap, and rare labels are a little less
    rare. A sum smaller than a model without any gap would show on average counts as that average.
    The bounds speak of these bins; within one, gaps of either sign cancel. Infinite where a bin has
    fewer than 50 rows.
    """
    n = float(found.rows.sum())
    weight, share = found.rows / n, found.true / found.rows
    gap = np.abs(found.said - share)
    bias = share * (1 - share) / np.maximum(found.rows - 1, 1)
    value = math.sqrt(max(0.0, float(weight @ (gap**2 - bias))))
    if level == POINT:
        return value, value, value
    if found.rows.min() < ROWS_OF_A_BIN:
        return value, -math.inf, math.inf
    plain = _variance((found.true + 0.5) / (found.rows + 1))
    squared = np.maximum(gap**2 - bias, 0.0)
    scale, freedom = _scaled(weight, np.maximum(plain, _variance(found.said)) / found.rows, squared)
    low = scale * _noncentrality(float(weight @ gap**2) / scale, freedom, level)
    more = np.where(gap == gap.max(), 1 / found.rows, 0.0)
    rarer = np.maximum(plain, _variance((found.true + 1) / (found.rows + 2)))
    scale, freedom = _scaled(weight, rarer / found.rows, squared + 2 * gap * more)
    seen = float(weight @ (gap + more) ** 2) / scale
    high = scale * _noncentrality(max(seen, freedom), freedom, 1 - level)
    return value, min(value, math.sqrt(low)), max(value, math.sqrt(high))


def _variance(share: Floats) -> Floats:
    return share * (1 - share)


def _scaled(weight: Floats, variance: Floats, squared: Floats) -> tuple[float, float]:
    """Scale and degrees of freedom of the weighted sum of squared gaps, by its first two moments.

    Each bin's gap is normal with that variance around a gap whose square is about `squared`, so the
    sum has the mean sum w (v + d^2) and the variance sum w^2 (2 v^2 + 4 d^2 v); a noncentral
    chi-square of scale s has 2 s^2 (freedom + 2 noncentrality). Satterthwaite's, with the gaps.
    """
    spread = float(weight**2 @ (2 * variance**2 + 4 * squared * variance))
    noise = float(weight @ variance)
    scale = spread / (2 * noise + 4 * float(weight @ squared))
    return scale, noise / scale


def _noncentrality(seen: float, freedom: float, chance: float) -> float:
    """The noncentrality at which a chi-square is below `seen` with that chance; 0 if none is."""
    if float(chndtr(seen, freedom, 0.0)) <= chance:
        return 0.0
    return float(chndtrinc(seen, freedom, chance))
