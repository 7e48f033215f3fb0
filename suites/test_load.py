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
