"""How far two samples lie apart, as effects with bounds: no p-value grows with the rows here.

A reference of m rows and a current sample of n, each drawn independently. Every effect is 0 where
both have the same law, whatever m and n are. `high` is a bound that the true effect exceeds with
probability 1 - level at most, `low` likewise below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import chndtr, chndtrinc, kolmogi, kolmogorov, ndtr, ndtri

from gatekit.stats.proportion import POINT

BINS = 10
FEWEST_OF_A_BIN = 20  # rows of the reference in a bin; with fewer its logarithm is not normal
FEWEST_ROWS = 200  # of either sample, for bins
FEWEST_NUMBERS = 50  # of either sample, for distances
_SHARPEST = 1e-12

Floats = NDArray[np.float64]


class Effect(Protocol):
    """An effect size of one column."""

    @property
    def value(self) -> float:
        """The estimate."""
        ...

    @property
    def rows_short(self) -> int | None:
        """How many rows of either sample a bound needs at the least; None if there are enough."""
        ...

    def bounds(self, level: float) -> tuple[float, float]:
        """One-sided bounds, each holding at `level`; infinite where rows are short."""
        ...

    def p_above(self, bar: float) -> float:
        """The p-value of "the effect is at most `bar`"."""
        ...


@dataclass(frozen=True, slots=True)
class Divergence:
    """An effect whose estimate is a scaled noncentral chi-square: PSI, and the square of V.

    `seen` is the plain estimate, `noise` its mean where there is no drift, `rows` the factor that
    makes it a chi-square of `freedom` degrees: the harmonic rows n m / (n + m), times 4 for V.
    """

    seen: float
    noise: float
    rows: float
    freedom: int
    is_root: bool = False
    rows_short: int | None = None
    seen_above: float = 0.0  # the same with as little smoothing as can be, for the upper bound

    @property
    def value(self) -> float:
        """Less what noise adds; below 0 it is 0."""
        return self._scaled(max(0.0, self.seen - self.noise))

    def bounds(self, level: float) -> tuple[float, float]:
        """By where the noncentral chi-square leaves 1 - level on either side.

        For the upper bound a sum below what no drift shows on average counts as that average.
        """
        if self.freedom == 0:
            return self.value, self.value
        if level == POINT:
            return self.value, self.value
        if self.rows_short is not None:
            return -math.inf, math.inf
        sum_ = self.seen * self.rows
        low = self._noncentrality(sum_, level)
        above = max(sum_, self.seen_above * self.rows, self.noise * self.rows)
        high = self._noncentrality(above, 1 - level)
        low, high = self._scaled(low / self.rows), self._scaled(high / self.rows)
        return min(low, self.value), max(high, self.value)

    def p_above(self, bar: float) -> float:
        """The chance of at least `seen` where the effect is `bar`."""
        if self.freedom == 0 or self.rows_short is not None:
            return 1.0
        effect = bar * bar if self.is_root else bar
        return float(1 - chndtr(self.seen * self.rows, self.freedom, max(0.0, effect) * self.rows))

    def _noncentrality(self, seen: float, chance: float) -> float:
        if float(chndtr(seen, self.freedom, 0.0)) <= chance:
            return 0.0
        return float(chndtrinc(seen, self.freedom, chance))

    def _scaled(self, effect: float) -> float:
        return math.sqrt(effect) if self.is_root else effect


def psi(reference: Floats, current: Floats) -> Divergence:
    """The population stability index of counts by bin, (B,) and (B,).

    sum (q - p) ln(q / p) of the shares, half a row added to each count; without drift it is
    (B - 1) (1/n + 1/m) on average, and n m / (n + m) times it is chi-square with B - 1 degrees of
    freedom (Yurdakul 2018). With drift that is noncentral as long as the drift is small; the
    rows are cut by as much as the delta method's variance exceeds the noncentral one, so a large
    drift has honest bounds too. The half rows draw the shares together, so for the upper bound they
    are added to empty bins alone.
    """
    m, n = float(reference.sum()), float(current.sum())
    p, q = _shares(reference + 0.5), _shares(current + 0.5)
    seen = _jeffreys(p, q)
    bare = _jeffreys(*(_shares(np.maximum(each, 0.5)) for each in (reference, current)))
    slope_p, slope_q = -np.log(q / p) - q / p + 1, np.log(q / p) - p / q + 1
    variance = _variance(p, slope_p) / m + _variance(q, slope_q) / n
    return replace(_divergence(seen, variance, (m, n), reference, is_root=False), seen_above=bare)


def cramers_v(reference: Floats, current: Floats) -> Divergence:
    """Cramer's V of sample against category, as if both samples were equally large.

    V^2 = 1/2 sum (p - q)^2 / (p + q): 0 for equal shares, 1 for no value in common; for m = n it is
    the usual V. 4 n m / (n + m) times its square is chi-square with B - 1 degrees of freedom.
    """
    m, n = float(reference.sum()), float(current.sum())
    p, q = reference / m, current / n
    whole = np.maximum(p + q, _SHARPEST)
    seen = float(((p - q) ** 2 / whole).sum()) / 2
    slope_p = (p - q) * (p + 3 * q) / whole**2 / 2
    slope_q = (q - p) * (q + 3 * p) / whole**2 / 2
    variance = _variance(p, slope_p) / m + _variance(q, slope_q) / n
    return _divergence(seen, variance, (m, n), reference, is_root=True)


def _divergence(
    seen: float, variance: float, sizes: tuple[float, float], reference: Floats, *, is_root: bool
) -> Divergence:
    m, n = sizes
    freedom = reference.size - 1
    rows = m * n / (m + n) * (4 if is_root else 1)
    noise = freedom / rows
    effect = max(seen - noise, 0.0)
    # of a noncentral chi-square over `rows`: 2 freedom / rows^2 + 4 effect / rows
    expected = 4 * effect / rows
    if effect > noise and variance > expected:
        rows *= expected / variance
    short = None if min(m, n) >= FEWEST_ROWS else FEWEST_ROWS
    return Divergence(seen, noise, rows, freedom, is_root, short)


def _shares(weights: Floats) -> Floats:
    return np.asarray(weights / weights.sum())


def _jeffreys(p: Floats, q: Floats) -> float:
    """Jeffreys' divergence, of which the index is the estimate."""
    return float(((q - p) * np.log(q / p)).sum())


def _variance(p: Floats, slope: Floats) -> float:
    mean = float((p * slope).sum())
    return float((p * (slope - mean) ** 2).sum())


@dataclass(frozen=True, slots=True)
class Distance:
    """The largest gap between two distribution functions: the D of Kolmogorov and Smirnov."""

    value: float
    m: int
    n: int

    @property
    def rows_short(self) -> int | None:
        """See `Effect`."""
        return None if min(self.m, self.n) >= FEWEST_NUMBERS else FEWEST_NUMBERS

    def bounds(self, level: float) -> tuple[float, float]:
        """Upper: D is at least the gap at the point where the true one is largest.

        That gap is a difference of two shares, normal with a variance of at most
        (1 - d^2) (1/m + 1/n) / 4 for a true gap d at the best of points; no search enters. Lower:
        the Kolmogorov distribution of the largest error at any point.
        """
        if level == POINT:
            return self.value, self.value
        if self.rows_short is not None:
            return -math.inf, math.inf
        error = math.sqrt(1 / self.m + 1 / self.n)
        low = max(0.0, self.value - float(kolmogi(1 - level)) * error)
        z = float(ndtri(level)) * error / 2
        # the d with d - z sqrt(1 - d^2) = value
        high = (self.value + z * math.sqrt(1 + z * z - self.value**2)) / (1 + z * z)
        return low, min(1.0, high)

    def p_above(self, bar: float) -> float:
        """By the Kolmogorov distribution of the largest error."""
        if self.rows_short is not None:
            return 1.0
        beyond = (self.value - bar) / math.sqrt(1 / self.m + 1 / self.n)
        return float(kolmogorov(max(0.0, beyond)))


def ks(reference: Floats, current: Floats) -> Distance:
    """D of two samples of numbers, (m,) and (n,), as scipy.stats.ks_2samp has it."""
    if not (reference.size and current.size):
        return Distance(1.0, reference.size, current.size)  # as far as can be, and not known
    below, at = _functions(reference, current)[:2]
    gap = float(np.abs(below - at).max())
    return Distance(gap, reference.size, current.size)


@dataclass(frozen=True, slots=True)
class Transport:
    """Wasserstein's distance in standard deviations of the reference.

    `error` is the standard error of the mean of any function no steeper than the distance itself,
    and of the unit; `noise` the mean of the distance where there is no drift.
    """

    value: float
    error: float
    noise: float
    m: int
    n: int

    @property
    def rows_short(self) -> int | None:
        """See `Effect`."""
        return None if min(self.m, self.n) >= FEWEST_NUMBERS else FEWEST_NUMBERS

    def bounds(self, level: float) -> tuple[float, float]:
        """Upper: the distance is a difference of two means of one function (Kantorovich and
        Rubinstein) that nobody knows, but that is no steeper than its argument, so its variance is
        at most the column's own; a normal bound. Lower: less the mean of the errors' size, too.
        """
        if level == POINT:
            return self.value, self.value
        if self.rows_short is not None:
            return -math.inf, math.inf
        z = float(ndtri(level))
        low = self.value - self.noise - z * self.error
        return max(0.0, low), self.value + z * self.error

    def p_above(self, bar: float) -> float:
        """By the lower bound."""
        if self.rows_short is not None or self.error == 0:
            return 1.0 if self.value <= bar or self.rows_short is not None else 0.0
        return float(ndtr((bar - self.value + self.noise) / self.error))


def wasserstein(reference: Floats, current: Floats) -> Transport:
    """The first Wasserstein distance of two samples over the reference's standard deviation.

    Where all numbers of the reference are equal the spread is that of both samples together.
    """
    if not (reference.size and current.size):
        return Transport(0.0, 0.0, 0.0, reference.size, current.size)
    at_reference, at_current, gaps = _functions(reference, current)
    spread = float(reference.std()) or float(np.concatenate([reference, current]).std())
    m, n = reference.size, current.size
    if not spread:
        return Transport(0.0, 0.0, 0.0, m, n)
    distance = float((np.abs(at_reference - at_current)[:-1] * gaps).sum()) / spread
    error = math.sqrt(
        float(reference.var() / m + current.var() / n) / spread**2
        + distance**2 * _variance_of_spread(reference)
    )
    variance = at_reference * (1 - at_reference) / m + at_current * (1 - at_current) / n
    noise = math.sqrt(2 / math.pi) * float((np.sqrt(variance)[:-1] * gaps).sum()) / spread
    return Transport(distance, error, noise, m, n)


def _variance_of_spread(numbers: Floats) -> float:
    """Of the logarithm of their standard deviation, by the delta method: (kurtosis - 1) / (4 m)."""
    beside = (numbers - numbers.mean()) ** 2
    if not (second := float(beside.mean())):
        return 0.0
    return (float((beside**2).mean()) / second**2 - 1) / (4 * numbers.size)


def _functions(reference: Floats, current: Floats) -> tuple[Floats, Floats, Floats]:
    """Both distribution functions at every number of either, and the gaps between those."""
    points = np.union1d(reference, current)
    of_reference = np.searchsorted(np.sort(reference), points, side="right") / reference.size
    of_current = np.searchsorted(np.sort(current), points, side="right") / current.size
    return of_reference, of_current, np.diff(points)


def quantile_bins(reference: Floats, most: int = BINS) -> Floats:
    """The inner edges of bins with about equally many numbers of the reference, (B - 1,).

    A bin ends at its edge, the edge included. As many as have 20 rows each.
    """
    if not reference.size:
        return np.empty(0)
    wanted = max(1, min(most, reference.size // FEWEST_OF_A_BIN))
    inner = np.quantile(reference, np.arange(1, wanted) / wanted, method="inverted_cdf")
    edges = np.unique(inner)
    return np.asarray(edges[edges < reference.max()])


def counts(numbers: Floats, edges: Floats, missing: int = 0) -> Floats:
    """How many numbers lie in each bin, and how many are missing, (B + 1,)."""
    found = np.bincount(np.searchsorted(edges, numbers, side="left"), minlength=edges.size + 1)
    return np.append(found, missing).astype(float)
