"""Bounds on a mean from sums alone: n, and the first three moments around the mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from gatekit.stats.proportion import POINT

FEWEST_ROWS = 50  # of fewer the tail of a loss is not known
METHOD = "leaning studentised mean (Hall)"


@dataclass(frozen=True, slots=True)
class Moments:
    """Of n values: the mean, the means of the second and third power of what is beside it, and the
    smallest and the largest.
    """

    n: int
    mean: float
    second: float
    third: float
    least: float
    most: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Self:
        """The moments of values, (n,)."""
        mean = float(values.mean())
        beside = values - mean
        squares = beside * beside
        second, third = float(squares.mean()), float((squares * beside).mean())
        return cls(values.size, mean, second, third, float(values.min()), float(values.max()))

    def with_one(self, value: float) -> Self:
        """The moments with one value more."""
        n, share = self.n + 1, 1 / (self.n + 1)
        step = (value - self.mean) * share  # by which the mean moves
        rest = value - self.mean - step
        second = (1 - share) * (self.second + step**2) + share * rest**2
        third = (1 - share) * (self.third - 3 * step * self.second - step**3) + share * rest**3
        least, most = min(self.least, value), max(self.most, value)
        return type(self)(n, self.mean + step, second, third, least, most)


def bounds(found: Moments, level: float) -> tuple[float, float]:
    """One-sided lower and upper bounds on the mean behind the values, each holding at `level`.

    Student's t put through Hall's (1992) cubic transformation, which takes out the skewness that
    losses have: without it the upper bound of a mean loss is too low. Each bound leans against
    the claim by one row more: the upper one as if the largest value had come once more, the lower
    one the smallest. Infinite under 50 values, and where all values are equal: that is no evidence
    of certainty.
    """
    if level == POINT:
        return found.mean, found.mean
    if found.n < FEWEST_ROWS or found.second <= 0:
        return -math.inf, math.inf
    low = _bound(found.with_one(found.least), level)
    high = _bound(found.with_one(found.most), 1 - level)
    return min(low, found.mean), max(high, found.mean)


def _bound(found: Moments, level: float) -> float:
    t = float(stdtrit(found.n - 1, level))
    error = math.sqrt(found.second / (found.n - 1))
    skewness = found.third / found.second**1.5
    return found.mean - error * _unskewed(t, skewness, found.n)


def paired_bounds(
    differences: NDArray[np.float64], most: float, level: float
) -> tuple[float, float]:
    """As `bounds`, for differences between two models on the same rows, (n,).

    Two models that never differ on n rows may differ on others, on a share of 1 - (1 - level)^(1/n)
    at the most; there by no more than `most`, the largest loss that either had on any row.
    """
    found = Moments.of(differences)
    if found.second > 0 or level == POINT or found.n < FEWEST_ROWS:
        return bounds(found, level)
    reach = most * -math.expm1(math.log(1 - level) / found.n)
    return found.mean - reach, found.mean + reach


def _unskewed(t: float, skewness: float, n: int) -> float:
    """The quantile of the studentised mean where that of a symmetric one is t."""
    part = skewness / (3 * math.sqrt(n))
    if abs(part) < 1e-9:  # noqa: PLR2004 - the limit of what follows, where it would divide by 0
        return t
    return (float(np.cbrt(1 + 3 * part * (t - part / 2))) - 1) / part
