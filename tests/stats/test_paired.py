"""The paired difference of accuracies."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.stats.paired import accuracy_difference


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 5000))
def test_swapping_the_models_turns_the_sign(won, lost, both):
    n = won + lost + both
    if n == 0:
        return
    value, low, high = accuracy_difference(won, lost, n, 0.95)
    mirrored = accuracy_difference(lost, won, n, 0.95)
    assert (value, low, high) == pytest.approx((-mirrored[0], -mirrored[2], -mirrored[1]))
    assert low <= value <= high


@pytest.mark.parametrize(("p_won", "p_lost"), [(0.05, 0.05), (0.02, 0.04), (0.1, 0.02)])
def test_one_sided_coverage(p_won, p_lost):
    """5,000 replicates of 400 pairs: at least 95 %, less three Monte-Carlo errors and 0.5 points.

    The half point is Agresti and Min's own: their interval is near-nominal, not exact.
    """
    n = 400
    draws = np.random.default_rng(5).multinomial(n, [p_won, p_lost, 1 - p_won - p_lost], 5000)
    found = np.array([accuracy_difference(int(b), int(c), n, 0.95) for b, c, _ in draws])
    slack = 3 * np.sqrt(0.95 * 0.05 / 5000) + 0.005
    assert np.mean(found[:, 1] <= p_won - p_lost) >= 0.95 - slack
    assert np.mean(found[:, 2] >= p_won - p_lost) >= 0.95 - slack


def test_equal_models_are_not_inferior_by_a_point_at_400_rows():
    assert accuracy_difference(0, 0, 400, 0.95)[1] > -0.01


def test_no_rows_say_nothing():
    assert all(math.isnan(x) for x in accuracy_difference(0, 0, 0, 0.95))
