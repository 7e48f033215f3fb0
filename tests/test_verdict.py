"""One estimate, one bar, one of three answers."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gatekit.estimate import Estimate, exact
from gatekit.stats import proportion
from gatekit.verdict import Outcome, Verdict, decide, number_words, rows_that_decide

CASES = [  # op, low, high, outcome
    (">=", 0.81, 0.85, "PASSED"),
    (">=", 0.80, 0.85, "PASSED"),  # the bound stands on the bar
    (">=", 0.79, 0.85, "INCONCLUSIVE"),
    (">=", 0.70, 0.80, "INCONCLUSIVE"),
    (">=", 0.70, 0.79, "FAILED"),
    ("<=", 0.70, 0.79, "PASSED"),
    ("<=", 0.70, 0.80, "PASSED"),
    ("<=", 0.70, 0.81, "INCONCLUSIVE"),
    ("<=", 0.80, 0.90, "INCONCLUSIVE"),
    ("<=", 0.81, 0.90, "FAILED"),
]
finite = st.integers(-1000, 1000).map(lambda thousandths: thousandths / 1000)


def made(low, high, value=None, level=0.95, n=400, **more):
    value = (low + high) / 2 if value is None else value
    return Estimate("accuracy", value, low, high, level, n, "by hand", **more)


def proportion_estimate(k, n, level=0.95):
    low, high = proportion.bounds(k, n, level)
    return made(float(low), float(high), k / n, level, n)


@pytest.mark.parametrize(("op", "low", "high", "outcome"), CASES)
def test_three_outcomes_on_both_sides(op, low, high, outcome):
    verdict = decide(made(low, high), op, 0.8)
    assert str(verdict.outcome) == outcome
    assert bool(verdict) == (outcome == "PASSED")


@given(finite, finite, finite, finite)
def test_a_ceiling_is_a_floor_in_the_mirror(a, b, c, bar):
    low, value, high = sorted((a, b, c))
    floor = decide(made(low, high, value), ">=", bar)
    ceiling = decide(made(-high, -low, -value), "<=", -bar)
    assert floor.outcome is ceiling.outcome
    assert floor.rows_needed == ceiling.rows_needed


@given(finite, finite, finite, finite)
def test_a_pass_has_its_bound_on_the_right_side_and_never_both(a, b, c, bar):
    low, value, high = sorted((a, b, c))
    up, down = (decide(made(low, high, value), op, bar).outcome for op in (">=", "<="))
    assert (up is Outcome.PASSED) == (low >= bar)
    assert (down is Outcome.PASSED) == (high <= bar)
    assert (up is Outcome.FAILED) == (high < bar)
    assert (down is Outcome.FAILED) == (low > bar)


@pytest.mark.parametrize(
    ("floor", "outcome"), [(0.9, "FAILED"), (0.8, "INCONCLUSIVE"), (0.78, "PASSED")]
)
def test_the_lesson_of_the_product(floor, outcome):
    """329 of 400, as the design tells it."""
    verdict = decide(proportion_estimate(329, 400), ">=", floor)
    assert str(verdict.outcome) == outcome


def test_the_words_of_the_lesson():
    estimate = proportion_estimate(329, 400)
    assert decide(estimate, ">=", 0.9).reason == (
        "it cannot reach the floor: short by 0.047 at the least"
    )
    still_open = decide(estimate, ">=", 0.8)
    assert still_open.rows_needed == 940
    assert still_open.reason == (
        "the floor lies inside the interval: 400 rows cannot decide it, about 940 would"
    )
    assert decide(estimate, "<=", 0.7).reason == (
        "it cannot reach the ceiling: over by 0.088 at the least"
    )
    assert decide(estimate, ">=", 0.7).reason == "the whole interval clears the floor"


@pytest.mark.parametrize(
    ("op", "bar", "outcome", "words"),
    [
        (">=", 0.8, "PASSED", "the value meets the floor"),
        (">=", 0.9, "FAILED", "the value misses the floor, short by 0.078"),
        ("<=", 0.9, "PASSED", "the value meets the ceiling"),
        ("<=", 0.8, "FAILED", "the value misses the ceiling, over by 0.022"),
    ],
)
def test_a_point_decision_is_called_one(op, bar, outcome, words):
    verdict = decide(proportion_estimate(329, 400, level=0.5), op, bar)
    assert str(verdict.outcome) == outcome
    assert verdict.reason.startswith("point decision: ")
    assert words in verdict.reason
    assert "its uncertainty is ignored" in verdict.reason


def test_a_count_is_met_or_not():
    none, three = (exact("violations", k, n=100, method="count") for k in (0, 3))
    assert decide(none, "<=", 0.0) == Verdict(Outcome.PASSED, "ceiling met")
    assert decide(three, "<=", 2.0) == Verdict(Outcome.FAILED, "ceiling not met")
    assert decide(three, ">=", 3.0) == Verdict(Outcome.PASSED, "floor met")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("op", [">=", "<="])
def test_what_is_no_number_fails(op, bad):
    verdict = decide(made(0.0, 1.0, bad), op, 0.5)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.reason == f"accuracy is {bad}: not a number"


@pytest.mark.parametrize("op", [">=", "<="])
@pytest.mark.parametrize(("low", "high"), [(math.nan, 0.9), (0.1, math.nan)])
def test_a_bound_that_is_no_number_fails(op, low, high):
    assert decide(made(low, high, 0.5), op, 0.5).outcome is Outcome.FAILED


@pytest.mark.parametrize("bar", [math.nan, math.inf, -math.inf])
def test_a_bar_is_a_finite_number(bar):
    with pytest.raises(ValueError, match="finite"):
        decide(made(0.1, 0.9), ">=", bar)


def test_a_missing_bound_asks_for_the_rows_that_give_it():
    few = made(2.0, math.inf, 3.0, n=100, rows_for_bound=299)
    verdict = decide(few, "<=", 50.0)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.rows_needed == 299
    assert decide(few, "<=", 1.0).outcome is Outcome.FAILED  # the other bound is there
    assert decide(made(-math.inf, math.inf, 3.0), "<=", 50.0).rows_needed is None


@given(
    st.integers(100, 3000),
    st.floats(0.55, 0.95),
    st.floats(0.01, 0.1),
    st.sampled_from([(">=", 1), (">=", -1), ("<=", 1), ("<=", -1)]),
)
def test_that_many_rows_do_decide(n, rate, away, case):
    """With the forecast rows and the same value an exact bound passes the bar, within 15 %.

    A forecast from fewer than a dozen wrong rows is coarser: their number is no normal one.
    """
    op, side = case
    k = round(rate * n)
    assume(n - k >= 12)
    bar = k / n + side * away
    assume(0.5 < bar < 0.97)
    needed = decide(proportion_estimate(k, n), op, bar).rows_needed
    assume(needed is not None)
    rows = math.ceil(needed * 1.15)
    then = decide(proportion_estimate(round(k / n * rows), rows), op, bar)
    assert needed > n
    assert then.outcome is (Outcome.PASSED if (op == ">=") == (side < 0) else Outcome.FAILED)


def test_a_value_that_stands_on_one_of_its_bounds_is_forecast_by_the_other():
    """No error in 100 requests, asked to be at least 0.01: only the upper bound can move."""
    assert decide(proportion_estimate(0, 100), ">=", 0.01).rows_needed > 100


def test_no_forecast_where_no_number_of_rows_decides():
    on_the_bar = made(0.7, 0.9, 0.8)
    verdict = decide(on_the_bar, ">=", 0.8)
    assert verdict.rows_needed is None
    assert "more rows of the same would not decide it" in verdict.reason
    assert rows_that_decide(made(0.7, 0.9, 0.8), 0.7, 0.8 - 1e-9) is None
    assert rows_that_decide(made(0.7, 0.9, 0.8, n=0), 0.7, 0.75) is None


@given(st.floats(0.01, 0.2), st.floats(0.01, 0.2), st.integers(10, 10**6))
def test_a_forecast_is_more_than_there_is_and_has_two_digits(spread, gap, n):
    assume(gap <= spread)
    rows = rows_that_decide(made(0.8 - spread, 0.9, 0.8, n=n), 0.8 - spread, 0.8 - gap)
    assert rows > n
    assert rows == n + 1 or len(str(rows).rstrip("0")) <= 2


def test_only_a_blocking_failure_is_false():
    for outcome in Outcome:
        held_up = outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)
        assert bool(Verdict(outcome, "")) is not held_up
        assert bool(Verdict(outcome, "", blocking=False)) is True


def test_a_number_as_people_read_it():
    assert number_words(0.82254) == "0.8225"
    assert number_words(1.23456, "ms") == "1.23 ms"
    assert number_words(math.inf, "ms") == "inf ms"
    assert number_words(math.nan) == "nan"
