"""Do damaged rows and an attack leave the candidate accurate, and its answers where they were?"""

import pytest

from gatekit.gates import robustness, robustness_attack, robustness_damage, robustness_expect

pytestmark = pytest.mark.gate("robustness")


def test_accuracy_survives_noise(gate, candidate, holdout):
    measured = gate.measure(robustness.accuracy_under_noise, candidate, holdout)
    assert measured >= gate.policy.robustness.noise_floor


def test_answers_survive_noise(gate, candidate, holdout):
    measured = gate.measure(robustness.stability, candidate, holdout)
    assert measured >= gate.policy.robustness.stability


def test_accuracy_survives_an_empty_column(gate, candidate, holdout):
    measured = gate.measure(robustness_damage.accuracy_with_missing, candidate, holdout)
    assert measured >= gate.policy.robustness.missing_floor


def test_accuracy_survives_outliers(gate, candidate, holdout):
    measured = gate.measure(robustness_damage.accuracy_with_outliers, candidate, holdout)
    assert measured >= gate.policy.robustness.outlier_floor


def test_accuracy_survives_a_wrong_unit(gate, candidate, holdout):
    measured = gate.measure(robustness_damage.accuracy_with_unit_slips, candidate, holdout)
    assert measured >= gate.policy.robustness.unit_slip_floor


def test_accuracy_survives_other_categories(gate, candidate, holdout):
    measured = gate.measure(robustness_damage.accuracy_with_other_categories, candidate, holdout)
    assert measured >= gate.policy.robustness.category_floor


def test_order_of_rows_and_columns_does_not_matter(gate, candidate, holdout):
    changed = gate.measure(robustness_damage.rearranged, candidate, holdout)
    assert changed <= gate.policy.robustness.order_violations


def test_labels_do_what_the_policy_expects(gate, candidate, holdout):
    expected = robustness_expect.expectations(gate.policy.robustness)
    verdicts = [gate.measure(what, candidate, holdout) <= bar for what, bar in expected]
    assert all(verdicts)


def test_accuracy_survives_an_attack(gate, candidate, holdout):
    measured = gate.measure(robustness_attack.robust_accuracy, candidate, holdout)
    assert measured >= gate.policy.robustness.robust_floor


def test_another_label_is_far_away(gate, candidate, holdout):
    measured = gate.measure(robustness_attack.median_distance, candidate, holdout)
    assert measured >= gate.policy.robustness.median_distance


def test_another_label_is_no_nearer_than_for_the_champion(gate, candidate, champion, holdout):
    gain = gate.measure(robustness_attack.distance_gain, candidate, champion, holdout)
    assert gain >= -gate.policy.robustness.distance_loss
