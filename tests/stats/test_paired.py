"""The paired difference of accuracies."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from gatekit.stats import paired
from gatekit.stats.paired import accuracy_difference, clears


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 5000))
def test_swapping_the_models_turns_the_sign(won, lost, both):
    n = won + lost + both
    if n == 0:
        return
    value, low, high = accuracy_difference(won, lost, n, 0.95)
    mirrored = accuracy_difference(lost, won, n, 0.95)
    assert (value, low, high) == pytest.approx((-mirrored[0], -mirrored[2], -mirrored[1]))
    assert low <= value <= high


@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 300),
    st.floats(-0.5, 0.5),
)
def test_the_score_is_that_of_the_likeliest_shares(won, lost, alike, gain):
    """Tango's closed form against a numerical maximum of the trinomial likelihood."""
    n = won + lost + alike
    if won + lost == 0 or abs(gain) < 1e-3:
        return
    low, high = max(0.0, -gain) + 1e-9, (1 - gain) / 2 - 1e-9

    def unlikely(q):
        rest = max(1 - 2 * q - gain, 1e-12)
        return -(won * math.log(q + gain) + lost * math.log(q) + alike * math.log(rest))

    q = optimize.minimize_scalar(unlikely, bounds=(low, high), method="bounded").x
    theirs = (won - lost - n * gain - 1) / math.sqrt(n * (2 * q + gain - gain * gain))
    assert paired._score(won, lost, n, gain) == pytest.approx(theirs, rel=2e-3, abs=2e-3)


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 300))
def test_at_no_difference_it_is_mcnemars_corrected_test(won, lost, alike):
    from statsmodels.stats.contingency_tables import mcnemar

    if won <= lost:
        return
    table = [[alike, won], [lost, 0]]
    theirs = mcnemar(table, exact=False, correction=True).statistic
    ours = paired._score(won, lost, won + lost + alike, 0.0)
    assert ours**2 == pytest.approx(theirs, rel=1e-12, abs=1e-12)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 400), st.sampled_from([0.9, 0.95]))
def test_a_bar_is_cleared_up_to_the_lower_bound(won, lost, alike, level):
    n = won + lost + alike
    _, low, _ = accuracy_difference(won, lost, n, level)
    assert clears(won, lost, n, low - 1e-6, level)
    assert not clears(won, lost, n, low + 1e-6, level)


PER_ROW = [(n, lost, won) for n in (50, 400) for lost in (0.5, 2, 4, 8) for won in (0, 0.5, 2, 8)]


@pytest.mark.parametrize(("n", "lost", "won"), PER_ROW)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_bar_at_the_truth_is_hardly_ever_cleared(n, lost, won, sign):
    """Summed over all tables, no simulation: at most 5.0 %, where `lost` and `won` are expected."""
    lost, won = (lost, won) if sign > 0 else (won, lost)
    b, c = np.meshgrid(np.arange(min(n, 45) + 1), np.arange(min(n, 45) + 1), indexing="ij")
    chance = stats.multinomial.pmf(
        np.stack([b, c, np.maximum(n - b - c, 0)], axis=-1),
        n,
        [won / n, lost / n, 1 - (won + lost) / n],
    )
    cleared = clears(b, c, n, (won - lost) / n, 0.95) & (b + c <= n)
    assert chance[b + c <= n].sum() > 1 - 1e-9
    assert chance[cleared].sum() <= 0.0501


def test_models_that_never_differ_are_bounded_exactly():
    """The rule of three: 1 - 0.05^(1/400)."""
    assert accuracy_difference(0, 0, 400, 0.95) == pytest.approx(
        (0, -0.0074613, 0.0074613), abs=1e-7
    )


def test_no_rows_say_nothing():
    assert all(math.isnan(x) for x in accuracy_difference(0, 0, 0, 0.95))
