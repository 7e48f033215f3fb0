"""Does the candidate keep the promise of its signature, on rows nobody collected?"""

import pytest

from gatekit.gates import schema

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
