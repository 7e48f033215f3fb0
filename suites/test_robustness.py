"""Does a little noise leave the candidate accurate, and its answers where they were?"""

import pytest

from gatekit.gates import robustness

pytestmark = pytest.mark.gate("robustness")


def test_accuracy_survives_noise(gate, candidate, holdout):
    measured = gate.measure(robustness.accuracy_under_noise, candidate, holdout)
    assert measured >= gate.policy.robustness.noise_floor


def test_answers_survive_noise(gate, candidate, holdout):
    measured = gate.measure(robustness.stability, candidate, holdout)
    assert measured >= gate.policy.robustness.stability
