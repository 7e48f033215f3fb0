"""The largest gap between the rates of groups, over several groupings, with joint bounds.

Rates are laid on a scale where a gap is a difference: the rate itself, or its logarithm, so that
a ratio of rates is a difference as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gatekit.stats import proportion
from gatekit.stats.proportion import POINT

Scale = Literal["difference", "ratio"]
Floats = NDArray[np.float64]
RESAMPLES = 1000
TAIL = 50  # resamples beyond the critical value, at least: a high level takes more resamples
FEWEST = 10  # successes, and failures, that each group needs for the bootstrap to be valid
EXACT = "joint Clopper-Pearson (Bonferroni)"


@dataclass(frozen=True, slots=True)
class Rates:
    """Successes `k` and rows `n` of each group, (..., G)."""

    k: NDArray[Any]
    n: NDArray[Any]


Resample = Callable[[int], Iterable[Sequence[Rates]]]


@dataclass(frozen=True, slots=True)
class Gaps:
    """For each family of rates: its gap, and bounds on every difference between two groups.

    `low[f][g, h]` and `high[f][g, h]` hold the difference of group g less group h in family f, on
    the scale asked for; all of them at once with the level asked for.
    """

    scale: Scale
    values: tuple[float, ...]
    low: tuple[Floats, ...]
    high: tuple[Floats, ...]
    method: str

    def bounds(self) -> tuple[float, float]:
        """Bounds on the largest difference, or on the smallest ratio, of all families."""
        low = max(0.0, *(float(each.max()) for each in self.low))
        high = max(0.0, *(float(each.max()) for each in self.high))
        low, high = self._back(low, high)
        known = [value for value in self.values if not math.isnan(value)]
        if not known:
            return low, high
        value = max(known) if self.scale == "difference" else min(known)
        if math.isclose(low, high, rel_tol=1e-12):  # a point decision, but for the rounding
            return value, value
        return min(low, value), max(high, value)

    def of_group(self, family: int, group: int) -> tuple[float, float]:
        """Bounds on the largest difference, or smallest ratio, that this group has a part in."""
        low = max(self.low[family][group].max(), self.low[family][:, group].max(), 0.0)
        high = max(self.high[family][group].max(), self.high[family][:, group].max(), 0.0)
        return self._back(float(low), float(high))

    def _back(self, low: float, high: float) -> tuple[float, float]:
        if self.scale == "ratio":
            return math.exp(-high), math.exp(-low)
        return min(1.0, low), min(1.0, high)


def resamples_for(level: float) -> int:
    """How many resamples bounds at that level take."""
    return max(RESAMPLES, min(100_000, math.ceil(TAIL / (1 - level))))


def gaps(families: Sequence[Rates], resample: Resample, level: float, scale: Scale) -> Gaps:
    """Gaps between groups in each family of rates, with bounds that hold jointly at `level`.

    `families` hold (G,) each, G may differ; `resample(b)` gives b resamples of all of them, drawn
    together, as blocks of (B, G). Studentised maximum over all differences of two groups in all
    families (the bootstrap form of Tukey's method; Romano and Wolf 2005): with
    x = (k + 1) / (n + 2) (Agresti and Caffo 2000) or its logarithm, and its squared standard
    error v, the critical value c is the `level` quantile of

        max |(x*_g - x*_h) - (t_g - t_h)| / sqrt(v*_g + v*_h)

    over the resamples, t being the rates resampled from; each difference lies in
    x_g - x_h +- c sqrt(v_g + v_h). Where a group has fewer than 10 successes or failures the
    resamples do not show how such a rate varies, and every rate gets an exact interval instead,
    with the error split over all rates of all families.
    """
    values = tuple(_value(each, scale) for each in families)
    if level == POINT or not _is_valid(families):
        return exact(families, values, level, scale)
    draws = resamples_for(level)
    rank = math.ceil((draws + 1) * level)
    if rank > draws:
        return exact(families, values, level, scale)
    truths = [on_scale(each.k / each.n, scale) for each in families]
    found = np.concatenate([statistic(block, truths, scale) for block in resample(draws)])
    c = float(np.partition(found, rank - 1)[rank - 1])
    low, high = [], []
    for each in families:
        x, v = smoothed(each, scale)
        centre = x[:, None] - x[None, :]
        reach = c * np.sqrt(v[:, None] + v[None, :])
        low.append(_between(centre - reach, -np.inf))
        high.append(_between(centre + reach, -np.inf))
    method = f"studentised max, {draws:,} joint resamples"
    return Gaps(scale, values, tuple(low), tuple(high), method)


def smoothed(rates: Rates, scale: Scale) -> tuple[Floats, Floats]:
    """(k + 1) / (n + 2) on the scale, and its squared standard error; never 0, never certain."""
    n = rates.n + 2.0
    p = (rates.k + 1.0) / n
    if scale == "ratio":
        return np.log(p), (1 - p) / (p * n)
    return p, p * (1 - p) / n


def statistic(families: Sequence[Rates], truths: Sequence[Floats], scale: Scale) -> Floats:
    """Largest studentised error of a difference of two groups, (...,) for rates (..., G).

    `truths` are the rates that these were drawn from, on the scale, (..., G) or (G,).
    """
    worst = np.zeros(families[0].k.shape[:-1])
    for rates, truth in zip(families, truths, strict=True):
        x, v = smoothed(rates, scale)
        error = np.moveaxis(x - truth, -1, 0).copy()  # (G, ...): whole groups lie together
        v = np.moveaxis(v, -1, 0).copy()
        for g in range(1, error.shape[0]):
            ratio = error[:g] - error[g]
            ratio *= ratio
            ratio /= v[:g] + v[g]
            np.maximum(worst, ratio.max(axis=0), out=worst)
    return np.sqrt(worst)


def _is_valid(families: Sequence[Rates]) -> bool:
    return all(
        each.k.size > 1 and np.minimum(each.k, each.n - each.k).min() >= FEWEST for each in families
    )


def _value(rates: Rates, scale: Scale) -> float:
    """The gap as fairlearn has it, over the groups whose rate is known."""
    known = rates.n > 0
    if not known.any():
        return math.nan
    rate = rates.k[known] / rates.n[known]
    if scale == "difference":
        return float(rate.max() - rate.min())
    return float(rate.min() / rate.max()) if rate.max() > 0 else math.nan


def exact(families: Sequence[Rates], values: tuple[float, ...], level: float, scale: Scale) -> Gaps:
    """Clopper-Pearson for every rate, the error split over families, groups and sides."""
    low, high = [], []
    for each in families:
        sides = 2 * each.k.size * len(families)
        share = level if level == POINT else 1 - (1 - level) / sides
        bottom, top = (on_scale(p, scale) for p in proportion.bounds(each.k, each.n, share))
        least, most = between_intervals(bottom, top)
        low.append(least)
        high.append(most)
    return Gaps(scale, values, tuple(low), tuple(high), EXACT)


def between_intervals(bottom: Floats, top: Floats) -> tuple[Floats, Floats]:
    """Bounds on every difference of two groups whose own intervals hold jointly, (G, G) each.

    `bottom` and `top` are (G,). A group that is alone has an unknown partner.
    """
    with np.errstate(invalid="ignore"):  # log 0 less log 0 is unknown
        least = np.nan_to_num(bottom[:, None] - top[None, :], nan=-np.inf, neginf=-np.inf)
        most = np.nan_to_num(top[:, None] - bottom[None, :], nan=np.inf, posinf=np.inf)
    alone = np.inf if bottom.size == 1 else -np.inf
    return _between(least, -np.inf), _between(most, alone)


def _between(differences: Floats, itself: float) -> Floats:
    """No group differs from itself, but of one that is alone nothing is known."""
    np.fill_diagonal(differences, itself)
    return differences


def on_scale(p: Floats, scale: Scale) -> Floats:
    """Rates as they are, or their logarithms; of 0 it is minus infinity."""
    if scale == "difference":
        return p
    with np.errstate(divide="ignore"):
        return np.log(p)
