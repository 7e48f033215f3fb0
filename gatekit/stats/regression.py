"""Measures of how far numbers are from what they predict, each with one-sided bounds at a level.

`y` and `said` are (n,), in the unit of the target; so are the errors said - y and the bounds. Every
function gives (value, low, high), and takes any number of samples at once, (..., n) to (...,).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.stats import mean
from gatekit.stats.mean import Moments
from gatekit.stats.proportion import POINT

Floats = NDArray[np.float64]
Bounded = tuple[Any, Any, Any]  # numbers, or arrays of them: one for each sample


def of_mean(losses: Floats, level: float, worst: Any = 0.0) -> Bounded:
    """The mean of losses that are never negative; one may be `worst`, where that is known."""
    return of_mean_of(Moments.of(losses), level, worst)


def of_mean_of(found: Moments, level: float, worst: Any = 0.0) -> Bounded:
    """As `of_mean`, from the moments of the losses."""
    low, high = mean.bounds(found.reaching(np.inf, worst), level)
    return found.mean, mean.either(np.isinf(low), low, np.maximum(0.0, low)), high


def root_mean_square(y: Floats, said: Floats, level: float) -> Bounded:
    """RMSE: the root of the bounds on the mean square."""
    return root_of(Moments.of((said - y) ** 2), level)


def root_of(found: Moments, level: float) -> Bounded:
    """As `root_mean_square`, from the moments of the squared errors."""
    value = found.mean
    low, high = mean.bounds(found, level, mean.FEWEST_SQUARES)
    return (
        np.sqrt(value),
        mean.either(np.isinf(low), low, np.sqrt(np.maximum(low, 0))),
        np.sqrt(high),
    )


def size_of_bias(y: Floats, said: Floats, level: float) -> Bounded:
    """The absolute value of the mean error.

    Its upper bound is the larger of those on either side, each at `level`: only one of them can be
    exceeded by a bias of one sign. Its lower bound is of either sign, so each has half the error.
    """
    return size_of(Moments.of(said - y), level)


def size_of(found: Moments, level: float) -> Bounded:
    """As `size_of_bias`, from the moments of the errors."""
    value = np.abs(found.mean)
    if level == POINT:
        return value, value, value
    low, high = mean.bounds(found, level)
    apart = mean.bounds(found, (1 + level) / 2)
    near = np.maximum(np.maximum(apart[0], -apart[1]), 0.0)
    least = mean.either(np.isinf(low), low, np.minimum(value, near))
    return value, least, np.maximum(value, np.maximum(high, -low))


def determination(y: Floats, said: Floats, level: float) -> Bounded:
    """R2: 1 less the ratio of the mean square error to the variance of y.

    Linearised (the delta method): what each row weighs in the ratio, as a mean. NaN where y never
    changes.
    """
    beside = (y - y.mean(axis=-1, keepdims=True)) ** 2
    variance = beside.mean(axis=-1)
    scale = np.where(variance > 0, variance, 1.0)
    squares = (said - y) ** 2
    ratio = squares.mean(axis=-1) / scale
    weighed = (squares - ratio[..., None] * beside) / scale[..., None]
    found = determination_of(1 - ratio, Moments.of(weighed), level)
    value, least, most = (mean.either(variance > 0, each, np.nan) for each in found)
    return value, least, most


def determination_of(value: Any, weighed: Moments, level: float) -> Bounded:
    """As `determination`, from the moments of what each row weighs in the ratio."""
    low, high = mean.bounds(weighed, level, mean.FEWEST_SQUARES)
    known = ~np.isinf(low)
    least = mean.either(known, np.minimum(value, value - high), -np.inf)
    return value, least, mean.either(known, np.maximum(value, np.minimum(1.0, value - low)), np.inf)


def pinball(y: Floats, said: Floats, quantile: float) -> Floats:
    """The loss of each row as a forecast of that quantile (Koenker and Bassett 1978), (n,)."""
    return np.maximum(quantile * (y - said), (quantile - 1) * (y - said))


def mean_fall(new: Floats, old: Floats, level: float) -> Bounded:
    """How much smaller the mean of `new` losses is than that of `old` ones on the same rows."""
    falls = old - new
    low, high = mean.paired_bounds(falls, _largest(new, old), level)
    return falls.mean(axis=-1), low, high


def mean_rise(new: Floats, old: Floats, level: float, ends: tuple[Any, Any]) -> Bounded:
    """Mean of the `new` losses less that of the `old` ones on the same rows.

    `ends` are the smallest and the largest rise that a row could have had.
    """
    rises = new - old
    low, high = mean.paired_bounds(rises, _largest(new, old), level, ends)
    return rises.mean(axis=-1), low, high


def root_rise(new: Floats, old: Floats, level: float) -> Bounded:
    """RMSE of the `new` errors less that of the `old` ones on the same rows (the delta method)."""
    roots = [np.sqrt((errors**2).mean(axis=-1)) for errors in (new, old)]
    value = roots[0] - roots[1]
    never = np.minimum(*roots) <= 0
    roots = [np.where(never, 1.0, root)[..., None] for root in roots]
    weighed = new**2 / (2 * roots[0]) - old**2 / (2 * roots[1])
    beside = weighed - weighed.mean(axis=-1, keepdims=True)
    made = root_rise_of(value, Moments.of(beside), _largest(new, old), level)
    return value, mean.either(never, -np.inf, made[1]), mean.either(never, np.inf, made[2])


def root_rise_of(value: Any, beside: Moments, largest: Any, level: float) -> Bounded:
    """As `root_rise`, from the moments of what each row weighs, beside their mean.

    `largest` is the largest error of either in size. Infinite under 200 rows.
    """
    low, high = mean.paired_bounds_of(beside, largest, level)
    if beside.n < mean.FEWEST_SQUARES:
        return value, value - np.inf, value + np.inf
    return value, value + low, value + high


def _largest(new: Floats, old: Floats) -> Any:
    return np.maximum(np.abs(new).max(axis=-1), np.abs(old).max(axis=-1))
