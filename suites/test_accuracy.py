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


def test_balanced_accuracy_is_high_enough(gate, candidate, holdout):
    measured = gate.measure(accuracy.balanced_accuracy, candidate, holdout)
    assert measured >= gate.policy.accuracy.balanced_accuracy


def test_precision_is_high_enough(gate, candidate, holdout):
    measured = gate.measure(accuracy.precision, candidate, holdout)
    assert measured >= gate.policy.accuracy.precision


def test_recall_is_high_enough(gate, candidate, holdout):
    measured = gate.measure(accuracy.recall, candidate, holdout)
    assert measured >= gate.policy.accuracy.recall


def test_specificity_is_high_enough(gate, candidate, holdout):
    measured = gate.measure(accuracy.specificity, candidate, holdout)
    assert measured >= gate.policy.accuracy.specificity


def test_f1_is_high_enough(gate, candidate, holdout):
    measured = gate.measure(accuracy.f1, candidate, holdout)
    assert measured >= gate.policy.accuracy.f1


def test_mcc_is_high_enough(gate, candidate, holdout):
    measured = gate.measure(accuracy.mcc, candidate, holdout)
    assert measured >= gate.policy.accuracy.mcc


def test_no_slice_falls_behind(gate, candidate, holdout):
    measured = gate.measure(accuracy.worst_slice, candidate, holdout)
    assert measured >= gate.policy.accuracy.slice_floor


def test_no_weak_segment_is_found(gate, candidate, holdout):
    measured = gate.measure(accuracy.weakest_segment, candidate, holdout)
    assert measured >= gate.policy.accuracy.segment_floor
