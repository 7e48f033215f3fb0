"""Does the running service stay fast and right with many callers at once?"""

import pytest

from gatekit.gates import load

pytestmark = pytest.mark.gate("load")


def test_the_slowest_answers_under_load_are_fast_enough(gate, candidate, service, holdout):
    measured = gate.measure(load.p99, candidate, service, holdout)
    assert measured <= gate.policy.load.p99_ms


def test_requests_under_load_are_answered(gate, candidate, service, holdout):
    measured = gate.measure(load.error_rate, candidate, service, holdout)
    assert measured <= gate.policy.load.error_rate


def test_enough_requests_are_answered_in_a_second(gate, candidate, service, holdout):
    measured = gate.measure(load.throughput, candidate, service, holdout)
    assert measured >= gate.policy.load.throughput


def test_the_service_holds_no_more_memory_than_it_may(gate, candidate, service, holdout):
    measured = gate.measure(load.memory, candidate, service, holdout)
    assert measured <= gate.policy.load.memory_mb
