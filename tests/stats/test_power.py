"""Rows a bar needs: against the verdict's own bounds, brute force, simulation and statsmodels."""

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from gatekit.stats import paired, paired_power, power, proportion, quantile

FLOORS = st.sampled_from([0.07, 0.5, 0.8, 0.9, 0.99])
LEVELS = st.sampled_from([0.5, 0.9, 0.95, 0.99])


@given(st.integers(1, 3000), FLOORS, LEVELS)
def test_the_counts_are_those_at_which_the_verdict_turns(n, floor, level):
    low, high = proportion.bounds(np.arange(n + 1), n, level)
    passing, failing = np.flatnonzero(low >= floor), np.flatnonzero(high < floor)
    fewest = passing[0] if passing.size else n + 1
    most = failing[-1] if failing.size else -1
    assert int(power.fewest_passing(n, floor, level)) == fewest
    assert int(power.most_failing(n, floor, level)) == most


@given(st.integers(1, 2000), st.sampled_from([0.5, 0.9, 0.99]), st.sampled_from([0.9, 0.95]))
@settings(max_examples=30)
def test_a_quantile_is_a_floor_on_the_share_within_its_bar(n, q, level):
    """Calls within the bar are 0, the others 1: the bound clears 0 from the same count on."""
    k = int(power.fewest_passing(n, q, level))
    for within in {max(k - 1, 0), min(k, n)}:
        _, _, high = quantile.bounds(np.arange(n) >= within, q, level)
        assert (high <= 0) == (within >= k)
    k = int(power.most_failing(n, q, level))
    for within in {max(k, 0), min(k + 1, n)}:
        _, low, _ = quantile.bounds(np.arange(n) >= within, q, level)
        assert (low > 0) == (within <= k)


def test_the_least_calls_of_a_quantile_are_the_known_ones():
    for q, least in ((0.5, 5), (0.95, 59), (0.99, 299)):
        assert quantile.rows_for_upper_bound(q, 0.95) == least
        assert power.rows_to_pass(q, 1.0, 0.95, 0.8) == least


# floor, p, rows by the normal approximation as research has them at level 0.95, power 0.8
ANCHORS = [(0.8, 0.81, 9764), (0.8, 0.82, 2408), (0.8, 0.85, 368), (0.95, 0.96, 2740)]


@pytest.mark.parametrize(("floor", "p", "about"), ANCHORS)
def test_the_normal_approximation_is_near_and_a_little_below(floor, p, about):
    """Exact bounds cost about one row per unit of 1 / distance more, as Fleiss' correction has it."""
    n = power.rows_to_pass(floor, p, 0.95, 0.8)
    assert about < n < 1.01 * about + 1.5 / (p - floor)


@pytest.mark.parametrize(("floor", "p", "about"), ANCHORS)
def test_statsmodels_finds_the_same_size(floor, p, about):
    from statsmodels.stats.power import normal_sample_size_one_tail

    def spread(value):
        return math.sqrt(value * (1 - value))

    for level, chance in ((0.95, 0.8), (0.99, 0.9)):
        theirs = normal_sample_size_one_tail(p - floor, chance, 1 - level, spread(floor), spread(p))
        ours = power.rows_to_pass(floor, p, level, chance)
        assert 0.99 * theirs < ours < 1.01 * theirs + 2 / (p - floor)


@pytest.mark.parametrize(
    ("floor", "p", "level", "chance"),
    [
        (0.8, 0.85, 0.95, 0.8),
        (0.9, 0.95, 0.95, 0.8),
        (0.5, 0.6, 0.9, 0.9),
        (0.9, 0.99, 0.99, 0.95),
        (0.99, 0.999, 0.95, 0.8),
        (0.8, 0.9, 0.5, 0.9),
    ],
)
def test_it_holds_for_all_larger_n(floor, p, level, chance):
    """Up to where Hoeffding's inequality takes over, every n is tried, with scipy.stats alone."""
    alpha = 1 - level
    provable = sum(math.sqrt(math.log(1 / e) / 2) for e in (alpha, 1 - chance)) / (p - floor)
    n = np.arange(1, math.ceil(provable**2 + 4 / (p - floor)))
    if level == 0.5:
        k = np.array([next(k for k in range(m + 2) if k / m >= floor) for m in n])
    else:
        k = binom.isf(alpha, n, floor) + 1
    held = binom.sf(k - 1, n, p) >= chance
    answer = int(n[~held][-1]) + 1
    assert answer < n[-1]
    assert power.rows_to_pass(floor, p, level, chance) == answer


def test_the_saw_would_have_misled():
    n = power.rows_to_pass(0.8, 0.85, 0.95, 0.8)
    below = np.arange(1, n)
    held = power.chance_to_pass(below, 0.8, 0.85, 0.95) >= 0.8
    assert held.any()
    assert not held[-1]


@pytest.mark.parametrize(("floor", "p"), [(0.8, 0.85), (0.9, 0.87), (0.99, 0.996)])
def test_simulated_verdicts_come_as_often_as_said(floor, p):
    """20,000 draws; the share that is decided is the power, within four Monte-Carlo errors."""
    passing = p > floor
    rows = power.rows_to_pass if passing else power.rows_to_fail
    n = rows(floor, p, 0.95, 0.8)
    low, high = proportion.bounds(np.random.default_rng(5).binomial(n, p, 20_000), n, 0.95)
    share = np.mean(low >= floor if passing else high < floor)
    chance = power.chance_to_pass if passing else power.chance_to_fail
    slack = 4 * math.sqrt(0.8 * 0.2 / 20_000)
    assert share == pytest.approx(float(chance(n, floor, p, 0.95)), abs=slack)
    assert share >= 0.8 - slack


@given(st.integers(30, 20_000), FLOORS, LEVELS, st.sampled_from([0.6, 0.8, 0.95]))
def test_what_n_tells_apart_is_where_the_chance_is_the_power(n, floor, level, chance):
    least = power.least_passing(n, floor, level, chance)
    greatest = power.greatest_failing(n, floor, level, chance)
    if least is None:
        assert int(power.fewest_passing(n, floor, level)) == n + 1
    else:
        assert float(power.chance_to_pass(n, floor, least, level)) == pytest.approx(chance)
        assert least > floor or level == 0.5  # a point decision passes some from below
    if greatest is None:
        assert int(power.most_failing(n, floor, level)) == -1
    else:
        assert float(power.chance_to_fail(n, floor, greatest, level)) == pytest.approx(chance)
        assert greatest < floor or level == 0.5


def test_failing_is_passing_in_a_mirror():
    assert power.rows_to_fail(0.8, 0.75, 0.95, 0.8) == power.rows_to_pass(0.2, 0.25, 0.95, 0.8)
    assert power.greatest_failing(500, 0.8, 0.95, 0.8) == pytest.approx(
        1 - power.least_passing(500, 0.2, 0.95, 0.8)
    )


@pytest.mark.parametrize("p", [0.8, 0.7])
def test_no_number_of_rows_passes_a_model_at_or_below_its_floor(p):
    assert power.rows_to_pass(0.8, p, 0.95, 0.8) is None
    assert power.rows_to_pass(0.8, 0.800001, 0.95, 0.8) is None  # more than anybody labels


# margin 0.01, level 0.95, power 0.8: discordant share and rows, as research has them
PAIRED = [(0.04, 2473), (0.1, 6182)]


@pytest.mark.parametrize(("discordant", "about"), PAIRED)
def test_paired_rows_are_those_of_the_normal_approximation(discordant, about):
    from statsmodels.stats.power import normal_sample_size_one_tail

    spread = math.sqrt(discordant)
    theirs = normal_sample_size_one_tail(0.01, 0.8, 0.05, spread, spread)
    ours = paired_power.rows_not_worse(0.01, discordant, 0.0, 0.95, 0.8)
    assert theirs == pytest.approx(about, rel=1e-3)
    assert about < ours < 1.15 * about  # one row is leaned by: it costs most where few differ


@given(
    st.integers(20, 2000),
    st.floats(0.0, 1.0),
    st.sampled_from([-0.05, -0.01, 0.0, 0.02]),
    st.sampled_from([0.5, 0.9, 0.95]),
)
def test_the_won_rows_are_those_at_which_the_bound_turns(n, part, bar, level):
    both = max(1, int(part * n / 2))
    won = int(paired_power.fewest_won(n, bar, np.array([float(both)]), level)[0])
    for tried in (won - 1, won):
        if 0 <= tried <= both:
            _, low, _ = paired.accuracy_difference(tried, both - tried, n, level)
            assert (low >= bar - 1e-9) == (tried >= won)


@pytest.mark.parametrize(("n", "gain"), [(1500, 0.0), (600, 0.02), (1500, -0.03)])
def test_simulated_pairs_are_decided_as_often_as_said(n, gain):
    """4,000 trinomial draws through the verdict's own bound, within four Monte-Carlo errors."""
    share = np.array([(0.08 + gain) / 2, (0.08 - gain) / 2, 0.92])
    draws = np.random.default_rng(9).multinomial(n, share, 4000)
    bounded = functools.cache(paired.accuracy_difference)
    bounds = [bounded(int(w), int(lost), n, 0.95) for w, lost, _ in draws]
    passed = np.mean([low >= -0.01 for _, low, _ in bounds])
    failed = np.mean([high < -0.01 for _, _, high in bounds])
    slack = 4 * math.sqrt(0.25 / 4000)
    passing = paired_power.chance_not_worse(n, 0.01, 0.08, gain, 0.95)
    failing = paired_power.chance_worse(n, 0.01, 0.08, gain, 0.95)
    assert passed == pytest.approx(passing, abs=slack)
    assert failed == pytest.approx(failing, abs=slack)
    assert 0.05 < max(passing, failing) < 0.99  # a chance that could have come out otherwise


def test_paired_rows_hold_from_there_on():
    n = paired_power.rows_not_worse(0.02, 0.05, 0.0, 0.95, 0.8)
    chances = [
        paired_power.chance_not_worse(m, 0.02, 0.05, 0.0, 0.95) for m in range(n - 14, 2 * n, 7)
    ]
    assert min(chances[:2]) < 0.8
    assert min(chances[2:]) >= 0.8


def test_what_pairs_tell_apart():
    least = paired_power.least_gain_passing(4000, 0.01, 0.1, 0.95, 0.8)
    greatest = paired_power.greatest_gain_failing(4000, 0.01, 0.1, 0.95, 0.8)
    assert paired_power.chance_not_worse(4000, 0.01, 0.1, least, 0.95) == pytest.approx(
        0.8, abs=1e-3
    )
    assert paired_power.chance_worse(4000, 0.01, 0.1, greatest, 0.95) == pytest.approx(
        0.8, abs=1e-3
    )
    assert greatest < -0.01 < least
    assert paired_power.greatest_gain_failing(4000, 0.2, 0.1, 0.95, 0.8) is None  # cannot lose that


def test_a_gain_at_or_below_the_margin_needs_more_rows_than_there_are():
    assert paired_power.rows_not_worse(0.01, 0.1, -0.01, 0.95, 0.8) is None
    assert paired_power.rows_not_worse(0.0, 0.1, 0.0, 0.95, 0.8) is None
