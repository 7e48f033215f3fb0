"""Does the running service serve this very candidate, refuse bad rows, and answer fast enough?"""

import pytest

from gatekit.gates import live, staging

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


def test_the_first_answer_was_as_fast_as_any(gate, candidate, service):
    measured = gate.measure(live.first_answer, candidate, service)
    assert measured <= gate.policy.staging.first_ms


def test_the_service_keeps_to_its_own_openapi_document(gate, candidate, service):
    found = gate.measure(live.fuzz_failures, candidate, service)
    assert found <= gate.policy.staging.fuzz_failures
