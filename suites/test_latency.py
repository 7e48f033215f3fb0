"""Does the candidate answer fast enough, on the engine that will serve it?"""

import pytest

from gatekit.gates import latency

pytestmark = pytest.mark.gate("latency")


def test_the_median_answer_is_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.p50, candidate, holdout)
    assert measured <= gate.policy.latency.p50_ms


def test_nineteen_answers_in_twenty_are_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.p95, candidate, holdout)
    assert measured <= gate.policy.latency.p95_ms


def test_the_slowest_answers_are_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.p99, candidate, holdout)
    assert measured <= gate.policy.latency.p99_ms


def test_rare_answers_are_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.p999, candidate, holdout)
    assert measured <= gate.policy.latency.p999_ms


def test_no_row_is_slow_by_itself(gate, candidate, holdout):
    measured = gate.measure(latency.slowest_row, candidate, holdout)
    assert measured <= gate.policy.latency.slowest_row_ms


def test_candidate_is_not_much_slower_than_the_champion(gate, candidate, champion, holdout):
    ratio = gate.measure(latency.champion_ratio, candidate, champion, holdout)
    assert ratio <= gate.policy.latency.champion_ratio


def test_the_median_batch_is_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.batch_p50, candidate, holdout)
    assert measured <= gate.policy.latency.batch_p50_ms


def test_nineteen_batches_in_twenty_are_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.batch_p95, candidate, holdout)
    assert measured <= gate.policy.latency.batch_p95_ms


def test_the_slowest_batches_are_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.batch_p99, candidate, holdout)
    assert measured <= gate.policy.latency.batch_p99_ms


def test_batches_bring_enough_rows_a_second(gate, candidate, holdout):
    measured = gate.measure(latency.throughput, candidate, holdout)
    assert measured >= gate.policy.latency.rows_per_second


def test_the_model_loads_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.load_time, candidate, holdout)
    assert measured <= gate.policy.latency.load_seconds
