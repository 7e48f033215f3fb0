"""Joint bounds on gaps: the exact ones where rows are few, the studentised maximum elsewhere."""

import math

import numpy as np
import pytest

from gatekit.stats import gaps
from gatekit.stats.gaps import EXACT, Rates


def rates(k, n):
    return Rates(np.asarray(k), np.asarray(n))


def binomial(families, seed=1):
    """Resamples of independent groups of fixed size."""
    random = np.random.default_rng(seed)

    def resample(total):
        for size in (total // 2, total - total // 2):
            yield [
                Rates(random.binomial(each.n, each.k / each.n, (size, each.k.size)), each.n)
                for each in families
            ]

    return resample


def never(total):
    raise AssertionError("resampled where it proves nothing")


def bounds(families, level=0.95, scale="difference", resample=None):
    found = gaps.gaps(families, resample or binomial(families), level, scale)
    return found, *found.bounds()


def test_two_groups_are_a_studentised_difference():
    """(k + 1) / (n + 2) +- c se with c near the normal 1.96, worked by hand."""
    found, low, high = bounds([rates([300, 200], [1000, 1000])], 0.95)
    p, q = 301 / 1002, 201 / 1002
    se = math.sqrt((p * (1 - p) + q * (1 - q)) / 1002)
    assert found.values == pytest.approx((0.1,))
    assert (high - (p - q)) / se == pytest.approx(1.96, abs=0.12)
    assert (p - q - low) / se == pytest.approx(1.96, abs=0.12)
    assert found.method == "studentised max, 1,000 joint resamples"


def test_many_groups_need_a_larger_critical_value():
    """Tukey's studentised range over sqrt 2: 3.16 for ten groups, 1.96 for two (scipy)."""
    from scipy.stats import studentized_range

    families = [rates([3000] * 10, [10_000] * 10)]
    _, _, high = bounds(families)
    se = math.sqrt(2 * 0.3 * 0.7 / 10_000)
    assert high / se == pytest.approx(studentized_range.ppf(0.95, 10, np.inf) / 2**0.5, abs=0.12)


def test_it_is_narrower_than_the_exact_bounds_where_both_hold():
    families = [rates([50, 60, 70, 80, 90], [200] * 5)]
    found, low, high = bounds(families)
    exact = gaps.exact(families, found.values, 0.95, "difference")
    assert exact.bounds()[0] <= low <= 0.2 <= high < exact.bounds()[1]


@pytest.mark.parametrize("k", [0, 9, 191, 200])
def test_few_successes_or_failures_take_the_exact_bounds(k):
    found, low, high = bounds([rates([100, k], [200, 200])], resample=never)
    assert found.method == EXACT
    assert low <= abs(0.5 - k / 200) <= high


@pytest.mark.parametrize("k", [10, 190])
def test_ten_of_each_are_enough(k):
    assert bounds([rates([100, k], [200, 200])])[0].method != EXACT


@pytest.mark.parametrize("scale", ["difference", "ratio"])
def test_the_exact_bounds_cover_jointly(scale):
    """Six groups, one of four rows: the true largest gap lies between the bounds in 95 %."""
    p = np.array([0.5, 0.55, 0.4, 0.6, 0.5, 0.7])
    n = np.array([400, 300, 200, 100, 50, 4])
    truth = p.max() - p.min() if scale == "difference" else p.min() / p.max()
    held = [
        low <= truth <= high
        for k in np.random.default_rng(11).binomial(n, p, (2000, 6))
        for _, low, high in [bounds([rates(k, n)], 0.95, scale, never)]
    ]
    assert np.mean(held) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 2000)


def test_a_small_group_is_never_silent():
    """Three rows that agree with the rest by chance do not prove that there is no gap."""
    _, _, without = bounds([rates([500, 500], [1000, 1000])])
    _, _, with_small = bounds([rates([500, 500, 2], [1000, 1000, 3])], resample=never)
    assert without < 0.1
    assert with_small > 0.4


@pytest.mark.parametrize("level", [0.5, 0.95])
@pytest.mark.parametrize("scale", ["difference", "ratio"])
def test_an_empty_group_and_a_group_alone_leave_the_gap_open(level, scale):
    for family in (rates([500, 0], [1000, 0]), rates([500], [1000])):
        found, low, high = bounds([family], level, scale, never)
        assert math.isfinite(found.values[0])
        if scale == "difference":
            assert low == 0.0
            assert high >= 0.5
        else:
            assert low <= 0.6
            assert high == 1.0


def test_a_level_that_no_resamples_reach_takes_the_exact_bounds():
    assert bounds([rates([500, 500], [1000, 1000])], 1 - 1e-6, resample=never)[0].method == EXACT


def test_at_a_point_decision_the_bounds_are_the_value():
    for scale, value in (("difference", 0.1), ("ratio", 0.8)):
        _, low, high = bounds([rates([40, 50], [100, 100])], 0.5, scale, never)
        assert low == high == pytest.approx(value, abs=1e-12)


def test_all_rates_zero_have_no_ratio():
    found, low, high = bounds([rates([0, 0], [100, 100])], 0.95, "ratio", never)
    assert math.isnan(found.values[0])
    assert (low, high) == (pytest.approx(0.0, abs=1e-9), 1.0)
