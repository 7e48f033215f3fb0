"""Is the candidate accurate enough to serve, and no worse than the champion?"""

import pytest

from gatekit.gates import accuracy

pytestmark = pytest.mark.gate("accuracy")


def test_accuracy_clears_the_floor(gate, candidate, holdout):
    measured = gate.measure(accuracy.overall, candidate, holdout)
    assert measured >= gate.policy.accuracy.floor


def test_candidate_does_not_lose_to_the_champion(gate, candidate, champion, holdout):
    gain = gate.measure(accuracy.paired_gain, candidate, champion, holdout)
    assert gain >= -gate.policy.accuracy.tolerated_loss
