"""Accuracy against scikit-learn; the gain against the same rows; latency by its forecast."""

import numpy as np
import pyarrow as pa
import pytest

from gatekit.gates import accuracy, latency
from gatekit.policy_gates import LatencyGate
from gatekit.subject import NoChampion
from gatekit.verdict import Outcome, decide

LABELS = {
    "numbers": np.array([0, 1]),
    "words": np.array(["no", "yes"]),
    "three": np.array(["a", "b", "c"]),
    "floats": np.array([0.0, 1.0]),
    "bools": np.array([False, True]),
}


def data(seed, labels=LABELS["numbers"], rows=300):
    """Labels, and two sets of predictions that hit them about 80 % and 60 % of the time."""
    random = np.random.default_rng(seed)
    y = random.choice(labels, rows)
    said = [np.where(random.random(rows) < p, y, random.choice(labels, rows)) for p in (0.8, 0.6)]
    table = pa.table({"x0": np.arange(float(rows)), "label": y})
    return table, y, said


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_value_is_scikit_learns(make_holdout, fake, ask, labels, seed):
    from sklearn.metrics import accuracy_score

    table, y, (said, _) = data(seed, labels)
    estimate = accuracy.overall(fake(lambda _: said), make_holdout(table), ask=ask())
    assert estimate.value == accuracy_score(y, said)
    assert estimate.n == 300
    assert 0 < estimate.low < estimate.value < estimate.high < 1
    assert estimate.method == "Clopper-Pearson"


def test_a_label_is_the_same_in_every_type(make_holdout, fake, ask):
    table, y, _ = data(1)
    for said in (y.astype(float), y.astype(bool), y.astype("int8"), y.astype(str)):
        estimate = accuracy.overall(fake(lambda _, s=said: s), make_holdout(table), ask=ask())
        assert estimate.value == 1.0


def test_a_point_decision_has_no_interval(make_holdout, fake, ask):
    table, _, (said, _) = data(1)
    holdout = make_holdout(table)
    estimate = accuracy.overall(fake(lambda _: said), holdout, ask=ask(level=0.5))
    assert estimate.low == estimate.value == estimate.high
    assert estimate.method == "point decision"


def test_the_gain_is_that_of_the_same_rows(make_holdout, fake, ask):
    table, y, (new, old) = data(4)
    one, other, holdout = fake(lambda _: new), fake(lambda _: old), make_holdout(table)
    gain = accuracy.paired_gain(one, other, holdout, ask=ask())
    assert gain.value == pytest.approx(np.mean(new == y) - np.mean(old == y))
    assert gain.low < gain.value < gain.high
    won, lost = np.sum((new == y) & (old != y)), np.sum((new != y) & (old == y))
    assert f"on {won} rows" in gain.detail[0]
    assert gain.detail[0].endswith(f"on {lost}")
    turned = accuracy.paired_gain(other, one, holdout, ask=ask())
    assert (turned.value, turned.low, turned.high) == pytest.approx(
        (-gain.value, -gain.high, -gain.low)
    )


def test_without_a_champion_the_reason_is_kept(make_holdout, fake, ask):
    table, _, (said, _) = data(1)
    nobody = NoChampion("nobody holds 'staging'")
    gain = accuracy.paired_gain(fake(lambda _: said), nobody, make_holdout(table), ask=ask())
    assert (gain.method, gain.detail) == ("no champion", ("nobody holds 'staging'",))


@pytest.mark.parametrize(("calls", "outcome"), [(298, "INCONCLUSIVE"), (299, "PASSED")])
def test_a_p99_needs_299_calls(make_holdout, fake, ask, calls, outcome):
    subject = fake(lambda _: [0])
    subject.times_ms = np.random.default_rng(5).exponential(1.0, 1000)
    holdout = make_holdout(data(1)[0])
    measured = latency.p99(subject, holdout, ask=ask(LatencyGate(calls=calls)))
    verdict = decide(measured, "<=", 50.0)
    assert (measured.n, measured.unit) == (calls, "ms")
    assert str(verdict.outcome) == outcome
    assert verdict.rows_needed == (None if outcome == "PASSED" else 299)
    median = latency.p50(subject, holdout, ask=ask(LatencyGate(calls=calls)))
    assert decide(median, "<=", 50.0).outcome is Outcome.PASSED
    assert median.value < measured.value
