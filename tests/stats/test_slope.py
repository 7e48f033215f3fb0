"""A slope with bounds that hold, and that a jump does not bend."""

import numpy as np
import pytest

from gatekit.stats.slope import theil_sen

X = np.arange(15.0)


def test_a_line_is_found_exactly():
    assert theil_sen(X, 3 * X + 1, 0.95) == pytest.approx((3, 3, 3))


def test_one_jump_is_no_slope_for_sure():
    _, low, high = theil_sen(X, np.where(X > 7, 256.0, 0.0), 0.95)
    assert low <= 0 < high


def test_an_early_jump_does_not_bend_it():
    value, _, _ = theil_sen(X, np.where(X > 1, 256.0, 0.0), 0.95)
    assert value == 0


def test_few_points_have_no_bounds():
    value, low, high = theil_sen(X[:9], X[:9], 0.95)
    assert (value, low, high) == (1, -np.inf, np.inf)


def test_level_one_half_is_a_point():
    value, low, high = theil_sen(X, X + np.sin(X * 7), 0.5)
    assert value == low == high


def test_bounds_hold_as_often_as_they_say():
    random = np.random.default_rng(5)
    found = [theil_sen(X, 2 * X + random.normal(size=15), 0.9) for _ in range(600)]
    # Three standard errors of a share of 0.9 in 600 are 0.037.
    assert np.mean([low <= 2 for _, low, _ in found]) > 0.863
    assert np.mean([high >= 2 for _, _, high in found]) > 0.863
