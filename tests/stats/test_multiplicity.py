"""The smallest of several rates: against statsmodels and scipy, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekit.stats import proportion
from gatekit.stats.multiplicity import holm, shown_below, smallest


@st.composite
def rates(draw):
    n = draw(st.lists(st.integers(1, 400), min_size=1, max_size=8))
    return [draw(st.integers(0, rows)) for rows in n], n


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.sampled_from([0.05, 0.2]))
@settings(max_examples=30)  # statsmodels collects garbage at each call: a tenth of a second
def test_holm_equals_statsmodels(p_values, alpha):
    from statsmodels.stats.multitest import multipletests

    theirs = multipletests(p_values, alpha=alpha, method="holm")
    near = np.abs(theirs[1] - alpha) < 1e-9  # where rounding alone decides
    assert np.array_equal(holm(p_values, alpha)[~near], theirs[0][~near])


@given(rates(), st.floats(0.05, 0.95))
@settings(deadline=None)
def test_one_rate_is_tested_as_scipys_binomial_test(pair, bar):
    from scipy.stats import binomtest

    for k, n in zip(*pair, strict=True):
        p = binomtest(k, n, bar, alternative="less").pvalue
        if abs(p - 0.05) > 1e-9:
            assert shown_below([k], [n], bar, 0.95).tolist() == [p < 0.05]


@given(rates(), st.floats(0.05, 0.95), st.sampled_from([0.5, 0.9, 0.95]))
@settings(deadline=None)
def test_a_rate_is_named_if_and_only_if_the_upper_bound_misses_the_bar(pair, bar, level):
    k, n = pair
    value, low, high = smallest(k, n, level)
    assert low <= value <= high
    if abs(high - bar) > 1e-9:
        assert shown_below(k, n, bar, level).any() == (high < bar)


@given(rates())
def test_another_rate_never_raises_the_lower_bound_and_never_is_corrected_for(pair):
    k, n = pair
    each = [float(proportion.bounds(a, b, 0.95)[0]) for a, b in zip(k, n, strict=True)]
    assert smallest(k, n, 0.95)[1] == min(each)


def test_no_rates_and_rates_of_no_rows_bound_nothing():
    for k, n in (([], []), ([5, 0], [9, 0])):
        value, low, high = smallest(k, n, 0.95)
        assert math.isnan(value)
        assert (low, high) == (-math.inf, math.inf)


@pytest.mark.parametrize("p", [[0.8] * 12, [0.8, 0.85, 0.9, 0.95], [0.9, 0.7]])
def test_both_bounds_of_the_smallest_cover(p):
    """4,000 replicates; twelve equal slices are the hard case for the upper side."""
    n = np.resize([40, 100, 300, 60], len(p))
    draws = np.random.default_rng(29).binomial(n, p, (4000, len(p)))
    found = [smallest(k, n, 0.95) for k in draws]
    slack = 3 * math.sqrt(0.95 * 0.05 / len(draws))
    assert np.mean([low <= min(p) for _, low, _ in found]) >= 0.95 - slack
    assert np.mean([high >= min(p) for _, _, high in found]) >= 0.95 - slack


def test_a_sound_slice_is_named_in_one_run_of_twenty_at_most_and_a_bad_one_is_found():
    """Twelve slices on the bar, and one far below it."""
    bar, p = 0.8, np.array([0.8] * 12 + [0.5])
    n = np.full(13, 80)
    draws = np.random.default_rng(31).binomial(n, p, (4000, 13))
    named = np.array([shown_below(k, n, bar, 0.95) for k in draws])
    slack = 3 * math.sqrt(0.95 * 0.05 / len(draws))
    assert named[:, :12].any(axis=1).mean() <= 0.05 + slack
    assert named[:, 12].mean() > 0.95


def test_a_bar_beyond_every_rate_needs_no_test():
    assert shown_below([3, 9], [9, 9], 1.2, 0.95).tolist() == [True, True]
    assert shown_below([0, 3], [9, 9], -0.2, 0.95).tolist() == [False, False]
