"""From the sums of a pass to bounded values: what the measures of losses and errors ask of it."""

from __future__ import annotations

from gatekit.stats import mean, regression
from gatekit.stats.mean import Moments
from gatekit.stats.regression import Bounded
from gatekit.streaming.names import (
    ABSOLUTE,
    ERROR,
    FALL,
    LOSSES,
    PINBALL,
    RISE,
    SQUARE,
)
from gatekit.streaming.told import Told


def moments(told: Told, name: str) -> Moments:
    """The moments of one of the sums, as it was added up."""
    sums = told.evidence.sums[name]
    return Moments(sums.n, *sums.moments(), sums.least, sums.most)


def mean_loss(told: Told, name: str, level: float) -> Bounded:
    """The mean of a loss of probabilities, log loss or Brier."""
    return regression.of_mean_of(moments(told, name), level, told.evidence.ends[name][1])


def rise(told: Told, level: float) -> Bounded:
    """The mean log loss of the candidate less the champion's."""
    found = moments(told, RISE)
    ends = told.evidence.ends
    low, high = mean.paired_bounds_of(found, ends[LOSSES][1], level, ends[RISE])
    return found.mean, low, high


def fall(told: Told, level: float) -> Bounded:
    """The mean absolute error of the champion less the candidate's, in the target's unit."""
    unit = told.question.scales.error
    found = moments(told, FALL).times(unit)
    most = told.evidence.ends[LOSSES][1] * unit
    low, high = mean.paired_bounds_of(found, most, level)
    return found.mean, low, high


def absolute(told: Told, level: float) -> Bounded:
    """The mean absolute error."""
    return regression.of_mean_of(moments(told, ABSOLUTE).times(told.question.scales.error), level)


def root(told: Told, level: float) -> Bounded:
    """The root of the mean squared error."""
    return regression.root_of(moments(told, SQUARE).times(told.question.scales.error**2), level)


def size_of_bias(told: Told, level: float) -> Bounded:
    """The size of the mean error."""
    return regression.size_of(moments(told, ERROR).times(told.question.scales.error), level)


def pinball(told: Told, level: float) -> Bounded:
    """The mean loss as a forecast of the policy's quantile."""
    return regression.of_mean_of(moments(told, PINBALL).times(told.question.scales.error), level)


def worst_error(told: Told) -> tuple[str, ...]:
    """The mean error with its sign and the largest, in words."""
    found = moments(told, ERROR).times(told.question.scales.error)
    largest = found.most if found.most >= -found.least else found.least
    return (f"mean error {found.mean:+.4g}, the largest {largest:+.4g}",)
