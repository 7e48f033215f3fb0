"""Bounds on a team's own metric."""

import math

import numpy as np
import pytest

from gatekit.stats.proportion import bounds
from gatekit.stats.resampling import bootstrap


def accuracy(y, prediction):
    return float(np.mean(y == prediction))


def rows(n, right, seed=0):
    y = np.zeros(n, dtype=int)
    prediction = np.where(np.arange(n) < n * right, 0, 1)
    return y, np.random.default_rng(seed).permutation(prediction)


def test_agrees_with_the_exact_bounds_on_a_proportion():
    y, prediction = rows(400, 0.8225)
    value, low, high, method = bootstrap(accuracy, y, prediction, 0.95, 1)
    exact_low, exact_high = bounds(329, 400, 0.95)
    assert value == 0.8225
    assert low == pytest.approx(float(exact_low), abs=0.006)
    assert high == pytest.approx(float(exact_high), abs=0.006)
    assert method.startswith("BCa")


def test_the_seed_makes_it_repeatable():
    y, prediction = rows(200, 0.7)
    assert bootstrap(accuracy, y, prediction, 0.9, 4) == bootstrap(accuracy, y, prediction, 0.9, 4)


def test_many_rows_use_the_percentile_method():
    y, prediction = rows(6000, 0.7)
    assert bootstrap(accuracy, y, prediction, 0.9, 4)[3].startswith("percentile")


def test_few_rows_and_a_constant_bound_nothing():
    for y, prediction in (rows(199, 0.7), rows(400, 1.0)):
        _, low, high, _ = bootstrap(accuracy, y, prediction, 0.95, 1)
        assert (low, high) == (-math.inf, math.inf)


def test_a_nan_stays_a_nan():
    y, prediction = rows(100, 0.7)
    value, low, _, _ = bootstrap(lambda *_: math.nan, y, prediction, 0.95, 1)
    assert math.isnan(value)
    assert math.isnan(low)


def test_something_that_is_no_number_is_refused_by_name():
    y, prediction = rows(100, 0.7)

    def profit(y, prediction):
        return "a lot"

    with pytest.raises(TypeError, match="profit gave str"):
        bootstrap(profit, y, prediction, 0.95, 1)
