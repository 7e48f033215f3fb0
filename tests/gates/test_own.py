"""A team's own metric: a plain function, bootstrapped, with three outcomes, in the ledger."""

import numpy as np
import pyarrow as pa
import pytest

from gatekit.gate import Gate
from gatekit.policy import DataSpec, OwnGate, Policy
from gatekit.verdict import Outcome


def policy(**own):
    table = OwnGate(numbers={"least": 0.0}, **own)
    return Policy(model="toy", holdout=DataSpec(path="h", target="label"), own={"profit": table})


def gate(**own):
    return Gate("profit", "test_campaign_pays", policy(**own))


def profit(y, prediction):
    return float(np.sum(y * prediction * 120 - prediction * 15))


def rows(count, seed=1):
    random = np.random.default_rng(seed)
    return pa.table({"x0": random.normal(size=count), "label": random.integers(0, 2, count)})


@pytest.fixture
def subjects(make_holdout, fake):
    def make(count=300):
        return fake(lambda t: (t["x0"].to_numpy() > 0).astype(int)), make_holdout(rows(count))

    return make


def test_a_plain_metric_is_bounded_and_written_down(subjects):
    candidate, holdout = subjects()
    hand = gate()
    measured = hand.measure(profit, candidate, holdout)
    estimate = measured.estimate
    assert estimate.value == profit(holdout.y, candidate.predictions(holdout))
    assert estimate.low < estimate.value < estimate.high
    assert (estimate.name, estimate.n, estimate.level) == ("profit", 300, 0.95)
    assert "bootstrap" in estimate.method
    assert measured >= hand.policy.profit.least
    assert not measured >= estimate.value + 1
    assert not measured >= estimate.high + 1
    assert [(c.gate, c.test, c.key, c.verdict.outcome) for c in hand.page()] == [
        ("profit", "test_campaign_pays", "profit.least", Outcome.PASSED),
        ("profit", "test_campaign_pays", None, Outcome.INCONCLUSIVE),
        ("profit", "test_campaign_pays", None, Outcome.FAILED),
    ]


def test_the_same_bounds_every_time_and_wider_at_a_higher_level(subjects):
    candidate, holdout = subjects()
    one, two, wide = (
        gate(level=level).measure(profit, candidate, holdout).estimate for level in (0.9, 0.9, 0.99)
    )
    assert one == two
    assert wide.low < one.low
    assert wide.high > one.high


def test_an_observing_gate_does_not_block(subjects):
    measured = gate(mode="observe").measure(profit, *subjects())
    assert measured >= 1e9
    assert measured.checks[0].verdict.outcome is Outcome.FAILED


def test_too_few_rows_say_how_many_are_needed(subjects):
    measured = gate().measure(profit, *subjects(199))
    verdict = measured >= -1e9
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.rows_needed == 200


def test_a_value_that_is_no_number_fails(subjects):
    def undefined(y, prediction):
        return np.nan

    assert (gate().measure(undefined, *subjects()) >= 0).outcome is Outcome.FAILED


def test_a_metric_that_gives_no_number_is_told_so(subjects):
    def table(y, prediction):
        return {"profit": 1.0}

    with pytest.raises(TypeError, match="table gave dict; an own metric returns one number"):
        gate().measure(table, *subjects())


@pytest.mark.parametrize("given", ["none", "holdout", "turned", "two"])
def test_a_plain_metric_needs_candidate_and_holdout(subjects, given):
    candidate, holdout = subjects()
    what = {
        "none": (),
        "holdout": (holdout,),
        "turned": (holdout, candidate),
        "two": (candidate, candidate, holdout),
    }[given]
    hand = gate()
    with pytest.raises(TypeError, match=r"write gate.measure\(profit, candidate, holdout\)"):
        hand.measure(profit, *what)
    assert hand.page() == []


def test_what_is_measured_and_not_compared_stays_on_the_page(subjects):
    hand = gate()
    hand.measure(profit, *subjects())
    (lonely,) = hand.page()
    assert lonely.verdict is None
