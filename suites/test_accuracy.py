"""Is the candidate accurate enough to serve, and no worse than the champion?"""

import pytest

from gatekit.gates import accuracy, numbers, scores, slice_gains

pytestmark = pytest.mark.gate("accuracy")


def test_accuracy_clears_the_floor(gate, candidate, holdout):
    measured = gate.measure(accuracy.overall, candidate, holdout)
    assert measured >= gate.policy.accuracy.floor


def test_candidate_does_not_lose_to_the_champion(gate, candidate, champion, holdout):
    gain = gate.measure(accuracy.paired_gain, candidate, champion, holdout)
    assert gain >= -gate.policy.accuracy.tolerated_loss


def test_candidate_beats_the_champion(gate, candidate, champion, holdout):
    gain = gate.measure(accuracy.superiority, candidate, champion, holdout)
    assert gain >= gate.policy.accuracy.gain


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


def test_no_slice_loses_to_the_champion(gate, candidate, champion, holdout):
    gain = gate.measure(slice_gains.worst_slice_gain, candidate, champion, holdout)
    assert gain >= -gate.policy.accuracy.slice_loss


def test_no_weak_segment_is_found(gate, candidate, holdout):
    measured = gate.measure(accuracy.weakest_segment, candidate, holdout)
    assert measured >= gate.policy.accuracy.segment_floor


def test_log_loss_is_low_enough(gate, candidate, holdout):
    measured = gate.measure(scores.log_loss, candidate, holdout)
    assert measured <= gate.policy.accuracy.log_loss


def test_brier_score_is_low_enough(gate, candidate, holdout):
    measured = gate.measure(scores.brier, candidate, holdout)
    assert measured <= gate.policy.accuracy.brier


def test_auc_is_high_enough(gate, candidate, holdout):
    measured = gate.measure(scores.auc, candidate, holdout)
    assert measured >= gate.policy.accuracy.auc


def test_average_precision_is_high_enough(gate, candidate, holdout):
    measured = gate.measure(scores.average_precision, candidate, holdout)
    assert measured >= gate.policy.accuracy.average_precision


def test_probabilities_are_calibrated(gate, candidate, holdout):
    measured = gate.measure(scores.calibration_error, candidate, holdout)
    assert measured <= gate.policy.accuracy.calibration_error


def test_candidate_ranks_no_worse_than_the_champion(gate, candidate, champion, holdout):
    gain = gate.measure(scores.auc_gain, candidate, champion, holdout)
    assert gain >= -gate.policy.accuracy.auc_loss


def test_log_loss_does_not_rise(gate, candidate, champion, holdout):
    rise = gate.measure(scores.log_loss_rise, candidate, champion, holdout)
    assert rise <= gate.policy.accuracy.log_loss_rise


def test_mean_absolute_error_is_low_enough(gate, candidate, holdout):
    measured = gate.measure(numbers.mae, candidate, holdout)
    assert measured <= gate.policy.accuracy.mae


def test_root_mean_square_error_is_low_enough(gate, candidate, holdout):
    measured = gate.measure(numbers.rmse, candidate, holdout)
    assert measured <= gate.policy.accuracy.rmse


def test_enough_of_the_variance_is_explained(gate, candidate, holdout):
    measured = gate.measure(numbers.r2, candidate, holdout)
    assert measured >= gate.policy.accuracy.r2


def test_quantile_loss_is_low_enough(gate, candidate, holdout):
    measured = gate.measure(numbers.quantile_loss, candidate, holdout)
    assert measured <= gate.policy.accuracy.quantile_loss


def test_bias_is_small_enough(gate, candidate, holdout):
    measured = gate.measure(numbers.bias, candidate, holdout)
    assert measured <= gate.policy.accuracy.bias


def test_root_mean_square_error_does_not_rise(gate, candidate, champion, holdout):
    rise = gate.measure(numbers.rmse_rise, candidate, champion, holdout)
    assert rise <= gate.policy.accuracy.rmse_rise
