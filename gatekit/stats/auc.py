"""The area under the ROC curve, its bounds, and the difference of two on the same rows.

Counts by score are (U,), in rising order of the score; ties count half, as scikit-learn has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from gatekit.stats import proportion
from gatekit.stats.proportion import POINT

FEWEST_ROWS = 30  # of either label; DeLong's variance of fewer is too small too often
FEW_LOST = 30  # rows of the scarcer label on the wrong side, about: see `bounds`
HARDLY_ANY_LOST = 5
METHODS = (
    "DeLong, logit scale",
    "wider of DeLong and Newcombe",
    "Clopper-Pearson of scarcer label",
)
_HALVINGS = 60

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Area:
    """An AUC, the variance of its estimate, and how many rows of either label it is of."""

    value: float
    variance: float
    positives: int
    others: int


def area(positive: Counts, other: Counts) -> Area:
    """AUC and variance by DeLong, DeLong and Clarke-Pearson (1988), from mid-ranks (Sun, Xu 2014).

    Without a row of either label both are NaN.
    """
    m, n = int(positive.sum()), int(other.sum())
    if not m or not n:
        return Area(math.nan, math.nan, m, n)
    above_others = (np.cumsum(other) - other / 2) / n  # of a positive row: share of others beaten
    below_positives = (m - np.cumsum(positive) + positive / 2) / m
    value = float(positive @ above_others) / m
    spread = float(positive @ (above_others - value) ** 2) / max(m - 1, 1) / m
    spread += float(other @ (below_positives - value) ** 2) / max(n - 1, 1) / n
    return Area(value, spread, m, n)


def bounds(found: Area, level: float) -> tuple[float, float]:
    """One-sided bounds on an AUC, each holding at `level`.

    DeLong's variance on the logit scale. Near 1 that variance is taken from a handful of rows: at
    0.99 of 100 and 900 rows its lower bound held in 89 % instead of 95 %. Where less than 30 rows
    of the scarcer label are lost, a bound is not narrower than Newcombe's (2006, method 5: the
    score interval with Hanley and McNeil's variance); where less than 5 are, it is that of a share
    of the scarcer label's rows (Clopper-Pearson), which has the largest variance that an AUC can
    have (Birnbaum and Klose 1957). Infinite with fewer than 30 rows of a label.
    """
    value, scarce = found.value, min(found.positives, found.others)
    if math.isnan(value) or level == POINT:
        return value, value
    if scarce < FEWEST_ROWS:
        return -math.inf, math.inf
    lost = scarce * min(value, 1 - value)
    if lost < HARDLY_ANY_LOST:
        worst, best = proportion.bounds(scarce * value, scarce, level)
        return float(worst), float(best)
    z = float(ndtri(level))
    reach = z * math.sqrt(found.variance) / (value * (1 - value))
    low, high = float(expit(logit(value) - reach)), float(expit(logit(value) + reach))
    if lost < FEW_LOST:
        low, high = min(low, _newcombe(found, z)), max(high, _newcombe(found, -z))
    return low, high


def method(found: Area) -> str:
    """The name of what `bounds` does with that area."""
    lost = min(found.positives, found.others) * min(found.value, 1 - found.value)
    return METHODS[(lost < FEW_LOST) + (lost < HARDLY_ANY_LOST)]


def difference(
    new: Floats, old: Floats, positive: NDArray[np.bool_], level: float
) -> tuple[float, float, float]:
    """AUC by the scores `new` less that by `old` on the same rows, (n,), and one-sided bounds.

    Paired DeLong (1988), a normal bound. As if one row of each label more were half turned, so that
    two models that rank alike on these rows are not taken to rank alike on all. Infinite bounds
    with fewer than 30 rows of a label, NaN without a row of one.
    """
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return math.nan, math.nan, math.nan
    places = [_placements(scores, positive) for scores in (new, old)]
    of_positives, of_others = places[0][0] - places[1][0], places[0][1] - places[1][1]
    value = float(of_positives.mean())
    if level == POINT:
        return value, value, value
    if min(m, n) < FEWEST_ROWS:
        return value, -math.inf, math.inf
    variance = of_positives.var(ddof=1) / m + of_others.var(ddof=1) / n
    variance += 1 / (2 * m * m) + 1 / (2 * n * n)
    reach = float(ndtri(level)) * math.sqrt(variance)
    return value, value - reach, value + reach


def _placements(scores: Floats, positive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Of each positive row the share of others it beats; of each other row that it is beaten by."""
    mine, theirs = scores[positive], scores[~positive]
    return _share_below(mine, np.sort(theirs)), 1 - _share_below(theirs, np.sort(mine))


def _share_below(values: Floats, ordered: Floats) -> Floats:
    ranks = np.searchsorted(ordered, values) + np.searchsorted(ordered, values, side="right")
    return np.asarray(ranks / (2 * ordered.size))


def _newcombe(found: Area, z: float) -> float:
    """The area t with value - t = z sqrt(V(t)): the lower bound for z > 0, the upper for z < 0."""
    m, n = found.positives, found.others
    pairs = (m + n) / 2 - 1

    def clears(t: float) -> bool:
        variance = t * (1 - t) * (1 + pairs * ((1 - t) / (2 - t) + t / (1 + t))) / (m * n)
        return (found.value - t) / z > math.sqrt(variance)

    outer, inner = (0.0, found.value) if z > 0 else (1.0, found.value)
    for _ in range(_HALVINGS):
        middle = (outer + inner) / 2
        outer, inner = (middle, inner) if clears(middle) else (outer, middle)
    return outer
