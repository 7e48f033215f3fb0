"""Is what the candidate declares there, and in the versions it declares?"""

import pytest

from gatekit.gates import environment

pytestmark = pytest.mark.gate("environment")


def test_what_it_declares_is_there(gate, candidate):
    found = gate.measure(environment.missing, candidate)
    assert found <= gate.policy.environment.missing


def test_no_version_has_drifted(gate, candidate):
    found = gate.measure(environment.drift, candidate)
    assert found <= gate.policy.environment.drift
