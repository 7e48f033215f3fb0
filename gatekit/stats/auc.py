"""The area under the ROC curve, its bounds, and the difference of two on the same rows.

Counts by score are (U,), in rising order of the score; ties count half, as scikit-learn has it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from gatekit.inner import inner
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
BINNED_FROM = 500_000  # rows, from which on probabilities are ranked by narrow bins
BINS = 1 << 16
MOST_IN_A_BIN = 0.01  # share of the rows
ROWS_AT_ONCE = 1 << 16  # so that what is made of them stays in the cache
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
    value = inner(positive, above_others) / m
    spread = inner(positive, (above_others - value) ** 2) / max(m - 1, 1) / m
    spread += inner(other, (below_positives - value) ** 2) / max(n - 1, 1) / n
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
    with fewer than 30 rows of a label, NaN without a row of one. Over half a million rows, scores
    that are probabilities are ranked by 65,536 bins.
    """
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return math.nan, math.nan, math.nan
    if positive.size > BINNED_FROM and _are_spread(new, old):
        moments = _binned_differences(new, old, positive)
    else:
        places = [_placements(scores, positive) for scores in (new, old)]
        moments = [_moments(one - other) for one, other in zip(*places, strict=True)]
    return difference_of(moments, m, n, level)


def difference_of(
    moments: Sequence[tuple[float, float]], m: int, n: int, level: float
) -> tuple[float, float, float]:
    """As `difference`, from mean and variance of the differences of placements.

    First those of the m positive rows, then those of the n others.
    """
    if not m or not n:
        return math.nan, math.nan, math.nan
    value = moments[0][0]
    if level == POINT:
        return value, value, value
    if min(m, n) < FEWEST_ROWS:
        return value, -math.inf, math.inf
    variance = moments[0][1] / m + moments[1][1] / n
    variance += 1 / (2 * m * m) + 1 / (2 * n * n)
    reach = float(ndtri(level)) * math.sqrt(variance)
    return value, value - reach, value + reach


def _moments(values: Floats) -> tuple[float, float]:
    """Mean and variance."""
    return float(values.mean()), float(values.var(ddof=1)) if values.size > 1 else 0.0


def _are_spread(*scores: Floats) -> bool:
    """Whether narrow bins tell these apart: probabilities, of which few share a bin."""
    for each in scores:
        if each.min() < 0 or each.max() > 1:
            return False
        seen = np.bincount(_bins(each[:: max(1, each.size // BINS)]), minlength=BINS)
        if seen.max() > MOST_IN_A_BIN * seen.sum():
            return False
    return True


def _binned_differences(
    new: Floats, old: Floats, positive: NDArray[np.bool_]
) -> list[tuple[float, float]]:
    """Mean and variance of the differences of placements, of the positive rows and of the others.

    Placements are read off counts in narrow bins, so that nothing is sorted.
    """
    given = [_places_of_bins(scores, positive) for scores in (new, old)]
    sums = np.zeros((2, 3))  # of others and positive rows: how many, sum, sum of squares
    for start in range(0, positive.size, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        mine = positive[part]
        rows = [2 * _bins(scores[part]) + mine for scores in (new, old)]
        apart = given[0][rows[0]] - given[1][rows[1]]
        with_label = inner(apart, mine)
        squares = apart * apart
        squared = inner(squares, mine)
        many = int(mine.sum())
        sums += [
            [mine.size - many, apart.sum() - with_label, squares.sum() - squared],
            [many, with_label, squared],
        ]
    found = []
    for count, total, squared in sums[::-1]:
        mean = total / count
        found.append((float(mean), float((squared - count * mean * mean) / max(count - 1, 1))))
    return found


def _places_of_bins(scores: Floats, positive: NDArray[np.bool_]) -> Floats:
    """The placement of an other, and of a positive, row in each bin, flat: (2 BINS,)."""
    counts = np.zeros(2 * BINS, dtype=np.int64)
    for start in range(0, positive.size, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        counts += np.bincount(2 * _bins(scores[part]) + positive[part], minlength=2 * BINS)
    others, mine = counts.reshape(BINS, 2).T
    places = np.empty((BINS, 2))
    places[:, 1] = (np.cumsum(others) - others / 2) / others.sum()
    places[:, 0] = 1 - (np.cumsum(mine) - mine / 2) / mine.sum()
    return places.ravel()


def _bins(scores: Floats) -> NDArray[np.int32]:
    place = (scores * BINS).astype(np.int32)
    return np.minimum(place, BINS - 1, out=place)


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
