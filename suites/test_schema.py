"""Does the candidate keep the promise of its signature, on rows nobody collected?"""

import pytest

from gatekit.gates import schema, schema_answers, schema_cells, schema_example

pytestmark = pytest.mark.gate("schema")


def test_every_row_the_signature_allows_gets_an_answer(gate, candidate, holdout):
    found = gate.measure(schema.unanswered, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_an_answer_does_not_depend_on_the_rows_beside_it(gate, candidate, holdout):
    found = gate.measure(schema.batch_dependence, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_an_answer_does_not_depend_on_the_order_of_rows(gate, candidate, holdout):
    found = gate.measure(schema.order_dependence, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_the_same_row_gets_the_same_answer(gate, candidate, holdout):
    found = gate.measure(schema.nondeterminism, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_rows_are_left_as_they_were(gate, candidate, holdout):
    found = gate.measure(schema.disturbed_input, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_scores_are_probabilities(gate, candidate, holdout):
    found = gate.measure(schema.improbable, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_unseen_categories_are_treated_as_declared(gate, candidate, holdout):
    found = gate.measure(schema_cells.unseen_category, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_gaps_are_treated_as_declared(gate, candidate, holdout):
    found = gate.measure(schema_cells.empty_cell, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_an_optional_column_may_be_left_out(gate, candidate, holdout):
    found = gate.measure(schema_cells.left_out, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_numbers_are_cast_without_changing_them(gate, candidate, holdout):
    found = gate.measure(schema_cells.casting, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_the_saved_example_is_answered(gate, candidate, holdout):
    found = gate.measure(schema_example.example, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_answers_are_of_the_declared_kind(gate, candidate, holdout):
    found = gate.measure(schema_answers.unlike_declared, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_every_label_is_one_that_rows_have(gate, candidate, holdout):
    found = gate.measure(schema_answers.strange_labels, candidate, holdout)
    assert found <= gate.policy.schema.violations


def test_answers_are_still_those_it_was_judged_by(gate, candidate, holdout):
    found = gate.measure(schema_answers.changed_since, candidate, holdout)
    assert found <= gate.policy.schema.violations
