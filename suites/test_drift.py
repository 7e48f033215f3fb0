"""Do the rows the candidate meets look like those it learnt from, and are none the same?"""

import pytest

from gatekit.gates import drift, drift_joint, drift_leak

pytestmark = pytest.mark.gate("drift")


def test_no_column_is_far_in_population_stability(gate, candidate, reference, current):
    worst = gate.measure(drift.psi, candidate, reference, current)
    assert worst <= gate.policy.drift.psi


def test_no_distribution_is_far_at_any_point(gate, candidate, reference, current):
    worst = gate.measure(drift.ks, candidate, reference, current)
    assert worst <= gate.policy.drift.ks


def test_no_quantity_has_moved_far(gate, candidate, reference, current):
    worst = gate.measure(drift.wasserstein, candidate, reference, current)
    assert worst <= gate.policy.drift.wasserstein


def test_no_category_has_another_mixture(gate, candidate, reference, current):
    worst = gate.measure(drift.cramers_v, candidate, reference, current)
    assert worst <= gate.policy.drift.cramers_v


def test_a_classifier_cannot_tell_the_rows_apart(gate, candidate, reference, current):
    measured = gate.measure(drift_joint.auc, candidate, reference, current)
    assert measured <= gate.policy.drift.joint_auc


def test_predictions_are_spread_as_they_were(gate, candidate, reference, current):
    measured = gate.measure(drift.of_predictions, candidate, reference, current)
    assert measured <= gate.policy.drift.prediction_drift


def test_labels_are_spread_as_they_were(gate, candidate, reference, current):
    measured = gate.measure(drift.of_labels, candidate, reference, current)
    assert measured <= gate.policy.drift.label_drift


def test_the_holdout_was_not_trained_on(gate, candidate, reference, holdout):
    found = gate.measure(drift_leak.rows, candidate, reference, holdout)
    assert found <= gate.policy.drift.leaked_rows


def test_the_inputs_of_the_holdout_were_not_trained_on(gate, candidate, reference, holdout):
    found = gate.measure(drift_leak.inputs, candidate, reference, holdout)
    assert found <= gate.policy.drift.leaked_inputs
