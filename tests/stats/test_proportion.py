"""Exact bounds, against statsmodels and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.stats import proportion


@st.composite
def counts(draw):
    n = draw(st.integers(1, 5000))
    return draw(st.integers(0, n)), n


def test_the_worked_example():
    low, high = proportion.bounds(329, 400, 0.95)
    assert (round(float(low), 3), round(float(high), 3)) == (0.788, 0.853)


@given(counts(), st.sampled_from([0.8, 0.95, 0.99]))
def test_equals_statsmodels(pair, level):
    from statsmodels.stats.proportion import proportion_confint

    k, n = pair
    low, high = proportion.bounds(k, n, level)
    theirs = proportion_confint(k, n, alpha=2 * (1 - level), method="beta")
    assert float(low) == pytest.approx(theirs[0], abs=1e-12)
    assert float(high) == pytest.approx(theirs[1], abs=1e-12)


@given(counts())
def test_bounds_enclose_the_value_and_widen_with_the_level(pair):
    k, n = pair
    (low, high), (lower, higher) = proportion.bounds(k, n, 0.9), proportion.bounds(k, n, 0.99)
    assert 0 <= lower <= low <= k / n <= high <= higher <= 1


def test_half_is_the_point_itself():
    assert [float(b) for b in proportion.bounds(329, 400, 0.5)] == [0.8225, 0.8225]


def test_no_rows_bound_nothing():
    low, high = proportion.bounds(0, 0, 0.95)
    assert (float(low), float(high)) == (0.0, 1.0)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.97])
@pytest.mark.parametrize("n", [50, 400])
def test_one_sided_coverage(p, n):
    """20,000 replicates: each bound covers at least 95 %, less three Monte-Carlo errors."""
    k = np.random.default_rng(7).binomial(n, p, 20_000)
    low, high = proportion.bounds(k, n, 0.95)
    slack = 3 * np.sqrt(0.95 * 0.05 / 20_000)
    assert np.mean(low <= p) >= 0.95 - slack
    assert np.mean(high >= p) >= 0.95 - slack
