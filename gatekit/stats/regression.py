"""Measures of how far numbers are from what they predict, each with one-sided bounds at a level.

`y` and `said` are (n,), in the unit of the target; so are the errors said - y and the bounds. Every
function gives (value, low, high).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gatekit.stats import mean
from gatekit.stats.mean import Moments
from gatekit.stats.proportion import POINT

Floats = NDArray[np.float64]
Bounded = tuple[float, float, float]


def of_mean(losses: Floats, level: float) -> Bounded:
    """The mean of losses that are never negative."""
    found = Moments.of(losses)
    low, high = mean.bounds(found, level)
    return found.mean, low if math.isinf(low) else max(0.0, low), high


def root_mean_square(y: Floats, said: Floats, level: float) -> Bounded:
    """RMSE: the root of the bounds on the mean square."""
    value, low, high = of_mean((said - y) ** 2, level)
    return math.sqrt(value), low if math.isinf(low) else math.sqrt(low), math.sqrt(high)


def size_of_bias(y: Floats, said: Floats, level: float) -> Bounded:
    """The absolute value of the mean error.

    Its upper bound is the larger of those on either side, each at `level`: only one of them can be
    exceeded by a bias of one sign. Its lower bound is of either sign, so each has half the error.
    """
    found = Moments.of(said - y)
    value = abs(found.mean)
    if level == POINT:
        return value, value, value
    low, high = mean.bounds(found, level)
    if math.isinf(low):
        return value, low, high
    apart = mean.bounds(found, (1 + level) / 2)
    return value, min(value, max(0.0, apart[0], -apart[1])), max(value, high, -low)


def determination(y: Floats, said: Floats, level: float) -> Bounded:
    """R2: 1 less the ratio of the mean square error to the variance of y.

    Linearised (the delta method): what each row weighs in the ratio, as a mean. NaN where y never
    changes.
    """
    beside = (y - y.mean()) ** 2
    variance = float(beside.mean())
    if variance == 0:
        return math.nan, math.nan, math.nan
    squares = (said - y) ** 2
    ratio = float(squares.mean()) / variance
    low, high = mean.bounds(Moments.of((squares - ratio * beside) / variance), level)
    value = 1 - ratio
    if math.isinf(low):
        return value, low, high
    return value, min(value, value - high), max(value, min(1.0, value - low))


def pinball(y: Floats, said: Floats, quantile: float) -> Floats:
    """The loss of each row as a forecast of that quantile (Koenker and Bassett 1978), (n,)."""
    return np.maximum(quantile * (y - said), (quantile - 1) * (y - said))


def mean_fall(new: Floats, old: Floats, level: float) -> Bounded:
    """How much smaller the mean of `new` losses is than that of `old` ones on the same rows."""
    falls = old - new
    most = float(max(np.abs(new).max(), np.abs(old).max()))
    low, high = mean.paired_bounds(falls, most, level)
    return float(falls.mean()), low, high


def root_rise(new: Floats, old: Floats, level: float) -> Bounded:
    """RMSE of the `new` errors less that of the `old` ones on the same rows (the delta method)."""
    roots = [math.sqrt(float((errors**2).mean())) for errors in (new, old)]
    value = roots[0] - roots[1]
    if not min(roots):
        return value, -math.inf, math.inf
    weighed = new**2 / (2 * roots[0]) - old**2 / (2 * roots[1])
    most = max(float(np.abs(new).max()), float(np.abs(old).max()))
    low, high = mean.paired_bounds(weighed - weighed.mean(), most, level)
    return value, value + low, value + high
