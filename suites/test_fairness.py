"""Does the candidate treat the groups of each sensitive column alike?"""

import pytest

from gatekit.gates import fairness, group_calibration

pytestmark = pytest.mark.gate("fairness")


def test_groups_are_selected_at_similar_rates(gate, candidate, holdout):
    gap = gate.measure(fairness.demographic_parity_difference, candidate, holdout)
    assert gap <= gate.policy.fairness.demographic_parity_difference


def test_no_group_is_selected_much_less_than_another(gate, candidate, holdout):
    ratio = gate.measure(fairness.selection_rate_ratio, candidate, holdout)
    assert ratio >= gate.policy.fairness.selection_rate_ratio


def test_groups_have_equal_opportunity(gate, candidate, holdout):
    gap = gate.measure(fairness.equal_opportunity_difference, candidate, holdout)
    assert gap <= gate.policy.fairness.equal_opportunity_difference


def test_groups_have_equal_odds(gate, candidate, holdout):
    gap = gate.measure(fairness.equalized_odds_difference, candidate, holdout)
    assert gap <= gate.policy.fairness.equalized_odds_difference


def test_no_group_has_much_less_opportunity_than_another(gate, candidate, holdout):
    ratio = gate.measure(fairness.equal_opportunity_ratio, candidate, holdout)
    assert ratio >= gate.policy.fairness.equal_opportunity_ratio


def test_no_group_has_much_lower_odds_than_another(gate, candidate, holdout):
    ratio = gate.measure(fairness.equalized_odds_ratio, candidate, holdout)
    assert ratio >= gate.policy.fairness.equalized_odds_ratio


def test_those_selected_are_right_as_often_in_every_group(gate, candidate, holdout):
    gap = gate.measure(fairness.predictive_parity_difference, candidate, holdout)
    assert gap <= gate.policy.fairness.predictive_parity_difference


def test_no_group_selected_is_right_much_less_often_than_another(gate, candidate, holdout):
    ratio = gate.measure(fairness.predictive_parity_ratio, candidate, holdout)
    assert ratio >= gate.policy.fairness.predictive_parity_ratio


def test_probabilities_are_as_calibrated_in_every_group(gate, candidate, holdout):
    gap = gate.measure(group_calibration.calibration_difference, candidate, holdout)
    assert gap <= gate.policy.fairness.calibration_difference
