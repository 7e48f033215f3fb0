"""Order-statistic bounds, by definition and by simulation."""

import math

import numpy as np
import pytest

from gatekit.stats import quantile


def test_299_values_are_the_least_for_a_p99():
    assert quantile.rows_for_upper_bound(0.99, 0.95) == 299
    assert math.isinf(quantile.bounds(np.arange(298), 0.99, 0.95)[2])
    assert quantile.bounds(np.arange(299), 0.99, 0.95)[2] == 298


@pytest.mark.parametrize(("q", "n"), [(0.5, 40), (0.9, 200), (0.99, 1000)])
def test_one_sided_coverage(q, n):
    """2,000 exponential samples: each bound covers at least 95 %, less three Monte-Carlo errors."""
    generator = np.random.default_rng(3)
    truth = -math.log(1 - q)
    found = np.array([quantile.bounds(generator.exponential(size=n), q, 0.95) for _ in range(2000)])
    slack = 3 * np.sqrt(0.95 * 0.05 / 2000)
    assert np.mean(found[:, 1] <= truth) >= 0.95 - slack
    assert np.mean(found[:, 2] >= truth) >= 0.95 - slack


@pytest.mark.parametrize("q", [0.5, 0.9, 0.99])
def test_the_ranks_are_the_binomials(q):
    """Held against scipy.stats, whose import the product spares itself."""
    from scipy.stats import binom

    for n in (2, 5, 20, 298, 299, 1000, 100_000):
        ordered = np.arange(1, n + 1)
        for level in (0.8, 0.9, 0.95, 0.99):
            upper, lower = int(binom.ppf(level, n, q)) + 1, int(binom.ppf(1 - level, n, q))
            high, low = (upper if upper <= n else math.inf), (lower if lower >= 1 else -math.inf)
            assert quantile.bounds(ordered, q, level)[1:] == (low, high)


def test_half_is_the_point_itself():
    value, low, high = quantile.bounds([3.0, 1.0, 2.0], 0.5, 0.5)
    assert value == low == high == 2.0


def test_nothing_and_nan_give_nan():
    assert all(math.isnan(x) for x in quantile.bounds([], 0.5, 0.95))
    assert all(math.isnan(x) for x in quantile.bounds([1.0, math.nan], 0.5, 0.95))


@pytest.mark.parametrize(("q", "n"), [(0.5, 40), (0.9, 200), (0.99, 500)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_bounds_are_scipys(q, n, level):
    from scipy.stats import quantile_test

    sample = np.random.default_rng(4).exponential(size=n)
    below, above = (
        quantile_test(sample, p=q, alternative=side).confidence_interval(level)
        for side in ("less", "greater")
    )
    assert quantile.bounds(sample, q, level)[1:] == (above.low, below.high)
