"""A measurement answers `>=` and `<=`, writes it down, and explains itself to everything else."""

import json
import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.estimate import Estimate
from gatekit.ledger import Bar, Check, Measurement, NoBar, no_champion
from gatekit.verdict import Outcome, Verdict, decide

ESTIMATE = Estimate("accuracy", 0.82, 0.79, 0.85, 0.95, 400, "by hand")


def measured(estimate=ESTIMATE, *, blocking=True):
    return Measurement(estimate, "accuracy", "test_a", blocking=blocking)


@pytest.mark.parametrize(
    "use",
    [
        operator.eq,
        operator.ne,
        operator.gt,
        operator.lt,
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_every_other_operator_explains_itself(use, turned):
    for pair in ((measured(), 0.8), (measured(), measured())):
        with pytest.raises(TypeError, match=r"answers only `>= bar` and `<= bar`.*paired_gain"):
            use(*(reversed(pair) if turned else pair))


@pytest.mark.parametrize(
    "use", [float, int, bool, round, abs, operator.neg, operator.pos, operator.index, math.sqrt]
)
def test_a_measurement_is_no_number(use):
    with pytest.raises(TypeError, match="answers only"):
        use(measured())


def test_a_measurement_is_no_key():
    with pytest.raises(TypeError, match="unhashable"):
        hash(measured())


@pytest.mark.parametrize("bar", [True, None, "0.8", [0.8], ESTIMATE])
def test_a_bar_is_a_number(bar):
    for compare in (operator.ge, operator.le):
        with pytest.raises(TypeError, match="answers only"):
            compare(measured(), bar)


def test_two_measurements_are_compared_paired_or_not_at_all():
    with pytest.raises(TypeError, match="paired_gain"):
        measured() >= measured()  # noqa: B015 - the comparison itself is refused


@pytest.mark.parametrize("bar", [math.nan, math.inf])
def test_a_bar_is_finite(bar):
    made = measured()
    with pytest.raises(ValueError, match="finite"):
        made >= bar  # noqa: B015 - the comparison itself is refused
    assert made.checks == []


def test_a_refused_use_leaves_the_measurement_lonely():
    """What was refused is not written down as a comparison: it still counts as never compared."""
    made = measured()
    with pytest.raises(TypeError):
        made == 0.8  # noqa: B015 - the comparison itself is refused
    assert made.page() == [Check("accuracy", "test_a", ESTIMATE)]


@pytest.mark.parametrize("bar", [0.78, 0.8, 0.9, 1, 0])
def test_both_ways_of_writing_say_the_same(bar):
    left, right = measured(), measured()
    assert (left >= bar) == (bar <= right)
    assert (left <= bar) == (bar >= right)
    assert left.checks == right.checks
    assert [check.op for check in left.checks] == [">=", "<="]


def test_each_comparison_is_written_down_in_order():
    made = measured()
    assert made >= Bar(0.78, "accuracy.floor")
    assert not made <= 0.7
    assert [(c.op, c.bar, c.key, c.verdict.outcome) for c in made.page()] == [
        (">=", 0.78, "accuracy.floor", Outcome.PASSED),
        ("<=", 0.7, None, Outcome.FAILED),
    ]


def test_an_observing_gate_judges_and_lets_through():
    verdict = measured(blocking=False) >= 0.9
    assert verdict
    assert verdict.outcome is Outcome.FAILED
    assert verdict.blocking is False


@given(st.floats(-1e9, 1e9))
def test_a_bar_keeps_its_key_through_negation(value):
    bar = Bar(value, "accuracy.tolerated_loss")
    assert -bar == -value
    assert (-bar).key == (-Bar(-value, bar.key)).key == "accuracy.tolerated_loss"
    made = measured()
    made >= -bar  # noqa: B015 - it is the ledger that is looked at
    assert made.checks[0].key == "accuracy.tolerated_loss"
    assert made.checks[0].bar == -value
    assert type(made.checks[0].bar) is float


def test_a_bar_that_is_not_set_shows_and_proves_nothing():
    for bar in (NoBar(), -NoBar()):
        made = measured()
        verdict = made >= bar
        assert verdict
        assert verdict.outcome is Outcome.SHOWN
        assert (made.checks[0].bar, made.checks[0].key) == (None, None)


def test_without_a_champion_nothing_is_guessed():
    made = measured(no_champion("accuracy gain", 0.95, "nobody holds 'staging'"))
    verdict = made >= -Bar(0.01, "accuracy.tolerated_loss")
    assert verdict
    assert verdict.outcome is Outcome.NO_CHAMPION
    assert verdict.reason == "nobody holds 'staging'"
    assert made.checks[0].key == "accuracy.tolerated_loss"


any_number = st.floats(allow_nan=True, allow_infinity=True)
texts = st.text(max_size=20)
rows = st.none() | st.integers(0, 10**9)


def same(one, two):
    """Equal, where NaN equals NaN."""
    return repr(one) == repr(two)


@given(
    st.builds(
        Estimate,
        texts,
        any_number,
        any_number,
        any_number,
        st.floats(0.5, 1.0),
        st.integers(0, 10**9),
        texts,
        unit=texts,
        rows_for_bound=rows,
        detail=st.lists(texts, max_size=3).map(tuple),
    ),
    st.none()
    | st.builds(Verdict, st.sampled_from(Outcome), texts, rows_needed=rows, blocking=st.booleans()),
    st.none() | st.floats(-1e9, 1e9),
)
def test_a_check_comes_back_from_json(estimate, verdict, bar):
    op = None if bar is None else ">="
    check = Check("gate", "test", estimate, verdict, op, bar, "gate.key")
    # allow_nan=False: strict JSON, as the report is
    text = json.dumps(check.as_dict(), allow_nan=False)
    assert same(Check.from_dict(json.loads(text)), check)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_comes_back_and_still_fails(value):
    estimate = Estimate("loss", value, value, value, 0.95, 3, "by hand")
    back = Estimate.from_dict(json.loads(json.dumps(estimate.as_dict(), allow_nan=False)))
    assert same(back, estimate)
    assert decide(back, ">=", 0.0).outcome is Outcome.FAILED
