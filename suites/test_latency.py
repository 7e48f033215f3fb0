"""Does the candidate answer one row fast enough, on the engine that will serve it?"""

import pytest

from gatekit.gates import latency

pytestmark = pytest.mark.gate("latency")


def test_the_median_answer_is_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.p50, candidate, holdout)
    assert measured <= gate.policy.latency.p50_ms


def test_the_slowest_answers_are_fast_enough(gate, candidate, holdout):
    measured = gate.measure(latency.p99, candidate, holdout)
    assert measured <= gate.policy.latency.p99_ms
