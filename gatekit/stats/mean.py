"""Bounds on a mean from sums alone: n, and the first three moments around the mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from gatekit.stats.proportion import POINT

FEWEST_ROWS = 50  # of fewer the tail of a loss is not known
FEWEST_SQUARES = 200  # squares of skewed errors have a longer one: at 50 rows a bound held in 90 %
METHOD = "leaning studentised mean (Hall)"
AT_ONCE = 1 << 15  # values; what is made of them stays in the cache
Numbers = Any  # a number, or an array of them: one for each sample


@dataclass(frozen=True, slots=True)
class Moments:
    """Of n values: the mean, the means of the second and third power of what is beside it, and the
    smallest and the largest. Each is a number, or an array with one number for each sample.
    """

    n: int
    mean: Numbers
    second: Numbers
    third: Numbers
    least: Numbers
    most: Numbers

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        """The moments of values (..., n), (...,) each."""
        if values.ndim == 1:
            adding = Adding()
            for start in range(0, values.size, AT_ONCE):
                adding.add(values[start : start + AT_ONCE].astype(float))
            return adding.moments()
        mean = values.mean(axis=-1)
        beside = values - mean[..., None]
        squares = beside * beside
        second, third = squares.mean(axis=-1), (squares * beside).mean(axis=-1)
        return cls(values.shape[-1], mean, second, third, values.min(axis=-1), values.max(axis=-1))

    def times(self, unit: float) -> Self:
        """The moments of the values in another unit, above 0."""
        return type(self)(
            self.n,
            self.mean * unit,
            self.second * unit**2,
            self.third * unit**3,
            self.least * unit,
            self.most * unit,
        )

    def reaching(self, least: Numbers, most: Numbers) -> Self:
        """The same values, of which one more may lie as far out as that."""
        return type(self)(
            self.n,
            self.mean,
            self.second,
            self.third,
            np.minimum(self.least, least),
            np.maximum(self.most, most),
        )

    def with_one(self, value: Numbers) -> Self:
        """The moments with one value more."""
        n, share = self.n + 1, 1 / (self.n + 1)
        step = (value - self.mean) * share  # by which the mean moves
        rest = value - self.mean - step
        second = (1 - share) * (self.second + step**2) + share * rest**2
        third = (1 - share) * (self.third - 3 * step * self.second - step**3) + share * rest**3
        least, most = np.minimum(self.least, value), np.maximum(self.most, value)
        return type(self)(n, self.mean + step, second, third, least, most)


class Adding:
    """The moments of values that come in parts, in one pass over them.

    Powers are taken of what is beside the mean of the first part, so that nothing cancels.
    """

    def __init__(self) -> None:
        self._n = 0
        self._total, self._centre = 0.0, 0.0
        self._sums = np.zeros(2)
        self._least, self._most = np.inf, -np.inf

    def add(self, part: NDArray[np.floating], total: float | None = None) -> None:
        """Add up values, (n,) and at least one; the array is overwritten.

        `total` is their exact sum, where they are given in single precision.
        """
        if not self._n:
            self._centre = float(part.mean())
        self._total += float(part.sum()) if total is None else total
        self._least = np.minimum(self._least, part.min())
        self._most = np.maximum(self._most, part.max())
        part -= self._centre
        squares = part * part
        self._sums += squares.sum(), np.multiply(squares, part, out=squares).sum()
        self._n += part.size

    def moments(self) -> Moments:
        """Of all that was added."""
        first = self._total / self._n - self._centre
        second, third = map(float, self._sums / self._n)
        third += first * (2 * first * first - 3 * second)
        second = max(0.0, second - first * first)
        least, most = float(self._least), float(self._most)
        return Moments(self._n, self._total / self._n, second, third, least, most)


def bounds(found: Moments, level: float, fewest: int = FEWEST_ROWS) -> tuple[Numbers, Numbers]:
    """One-sided lower and upper bounds on the mean behind the values, each holding at `level`.

    Student's t put through Hall's (1992) cubic transformation, which takes out the skewness that
    losses have: without it the upper bound of a mean loss is too low. Each bound leans against
    the claim by one row more: the upper one as if the largest value had come once more, the lower
    one the smallest. Where it is known how far out a value can lie, `found.reaching` says so: a
    loss that no row has shown yet is then reckoned with. Infinite under `fewest` values, and where
    all are equal and none can differ: that is no evidence of certainty.
    """
    if level == POINT:
        return found.mean, found.mean
    if found.n < fewest:
        return found.mean - np.inf, found.mean + np.inf
    low = np.minimum(_bound(found, found.least, level), found.mean)
    high = np.maximum(_bound(found, found.most, 1 - level), found.mean)
    known = found.most > found.least
    return either(known, low, -np.inf), either(known, high, np.inf)


def _bound(found: Moments, one_more: Numbers, level: float) -> Numbers:
    leaning = found.with_one(one_more)
    varies = leaning.second > 0
    second = np.where(varies, leaning.second, 1.0)
    error = np.sqrt(np.where(varies, second, 0.0) / (leaning.n - 1))
    t = float(stdtrit(leaning.n - 1, level))
    return leaning.mean - error * _unskewed(t, leaning.third / second**1.5, leaning.n)


def paired_bounds(
    differences: NDArray[np.float64],
    most: Numbers,
    level: float,
    ends: tuple[Numbers, Numbers] = (np.inf, -np.inf),
) -> tuple[Numbers, Numbers]:
    """As `bounds`, for differences between two models on the same rows, (..., n).

    Two models that never differ on n rows may differ on others, on a share of 1 - (1 - level)^(1/n)
    at the most; there by no more than `most`, the largest loss that either had on any row. `ends`
    are the smallest and largest difference that a row could have had, where that is known.
    """
    return paired_bounds_of(Moments.of(differences), most, level, ends)


def paired_bounds_of(
    found: Moments, most: Numbers, level: float, ends: tuple[Numbers, Numbers] = (np.inf, -np.inf)
) -> tuple[Numbers, Numbers]:
    """As `paired_bounds`, from the moments of the differences."""
    low, high = bounds(found.reaching(*ends), level)
    if level == POINT or found.n < FEWEST_ROWS:
        return low, high
    reach = most * -np.expm1(np.log1p(-level) / found.n)
    alike = found.second <= 0
    low = either(alike, found.mean - reach, low)
    return low, either(alike, found.mean + reach, high)


def either(held: Any, this: Numbers, that: Numbers) -> Numbers:
    """`this` where it holds, else `that`: a number for numbers, an array for arrays."""
    return np.where(held, this, that)[()]  # type: ignore[call-overload] # of no dimension too


def _unskewed(t: float, skewness: Numbers, n: int) -> Numbers:
    """The quantile of the studentised mean where that of a symmetric one is t."""
    part = np.asarray(skewness / (3 * np.sqrt(n)))
    flat = np.abs(part) < 1e-9  # noqa: PLR2004 - the limit of what follows, where it would divide by 0
    part = np.where(flat, 1.0, part)
    return np.where(flat, t, (np.cbrt(1 + 3 * part * (t - part / 2)) - 1) / part)
