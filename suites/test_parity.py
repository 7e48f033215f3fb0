"""Does the engine that will serve give pyfunc's answers on the whole holdout?"""

import pytest

from gatekit.gates import parity

pytestmark = pytest.mark.gate("parity")


def test_the_serving_engine_answers_as_pyfunc_does(gate, candidate, holdout):
    found = gate.measure(parity.disagreements, candidate, holdout)
    assert found <= gate.policy.parity.disagreements
