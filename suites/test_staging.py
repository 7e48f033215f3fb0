"""Does the running service serve this very candidate, refuse bad rows, and answer fast enough?"""

import pytest

from gatekit.gates import staging

pytestmark = pytest.mark.gate("staging")


def test_the_service_serves_this_candidate(gate, candidate, service):
    found = gate.measure(staging.wrong_version, candidate, service)
    assert found <= gate.policy.staging.violations


def test_the_service_keeps_its_contract(gate, candidate, service, holdout):
    found = gate.measure(staging.contract_violations, candidate, service, holdout)
    assert found <= gate.policy.staging.violations


def test_the_service_answers_as_the_candidate_does(gate, candidate, service, holdout):
    found = gate.measure(staging.disagreements, candidate, service, holdout)
    assert found <= gate.policy.staging.disagreements


def test_the_slowest_answers_of_the_service_are_fast_enough(gate, candidate, service, holdout):
    measured = gate.measure(staging.p99, candidate, service, holdout)
    assert measured <= gate.policy.staging.p99_ms
