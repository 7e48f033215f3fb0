"""A linear model's certificate through the gate: what it says, and when it says nothing."""

import numpy as np
import pyarrow as pa
import pytest

from gatekit.gates import robustness_attack
from gatekit.policy_gates import ColumnRule, RobustnessGate
from gatekit.scoring.linear import Column, LinearForm

COLUMNS = {"x": "double", "z": "double", "c": "string"}
ROWS = 200
# yes where x + z / 2 + (1 for the word v) is above 0
FORM = LinearForm(
    (0, 1),
    (0.0, 0.0),
    {
        "x": Column((0.0, 1.0)),
        "z": Column((0.0, 0.5)),
        "c": Column((0.0, 0.0), {"u": (0.0, 0.0), "v": (0.0, 1.0)}, (0.0, 0.0)),
    },
)


def says(table):
    word = np.array([value == "v" for value in table["c"].to_pylist()])
    return (table["x"].to_numpy() + 0.5 * table["z"].to_numpy() + word > 0).astype(int)


@pytest.fixture
def holdout(make_holdout):
    random = np.random.default_rng(4)
    columns = {
        "x": random.normal(0, 3, ROWS),
        "z": random.normal(size=ROWS),
        "c": random.choice(["u", "v"], ROWS),
    }
    return make_holdout(pa.table({**columns, "label": says(pa.table(columns))}))


@pytest.fixture
def measured(holdout, fake, ask):
    def make(form=FORM, rules=None):
        subject = fake(says, COLUMNS)
        subject.linear_form = lambda: form
        keys = {
            "robust_floor": 0.5,
            "attack_rows": 60,
            "attack_queries": 300,
            "columns": rules or {},
        }
        asked = ask(RobustnessGate(**keys))
        found = robustness_attack.robust_accuracy(subject, holdout, ask=asked)
        return found.detail, robustness_attack.attacked(subject, holdout, asked)

    return make


def test_the_attack_is_held_to_the_certificate(measured):
    detail, done = measured()
    assert any("the model is linear, so no allowed row" in line for line in detail)
    assert any("found over exact is 1.0" in line for line in detail)
    assert any("right rows cannot be broken so near" in line for line in detail)
    assert any("no attack found is not a proof" in line for line in detail)
    ratio = done.distance / done.exact.distance
    assert ratio.min() >= 1 - 1e-6
    assert np.quantile(ratio, 0.95) <= 1.15


def test_a_rule_shortens_the_way_of_both(measured):
    _, free = measured()
    _, bound = measured(rules={"x": ColumnRule(immutable=True), "c": ColumnRule(immutable=True)})
    assert (bound.exact.distance >= free.exact.distance - 1e-12).all()
    assert (np.isinf(bound.distance) == np.isinf(bound.exact.distance)).all()
    assert np.isinf(bound.exact.distance).any()


def test_a_model_without_a_form_says_why(measured):
    detail, done = measured("it ends in RandomForestClassifier")
    assert (
        detail[-1] == "no certificate: the model is not linear: it ends in RandomForestClassifier"
    )
    assert isinstance(done.exact, str)


def test_a_form_that_is_not_the_models_is_not_believed(measured):
    other = LinearForm((0, 1), (0.0, 0.0), {**FORM.columns, "x": Column((0.0, -1.0))})
    detail, _ = measured(other)
    assert "does not give the model's own label in" in detail[-1]


def test_a_form_that_promises_too_much_is_found_out(measured):
    """The right labels on these rows, and distances ten times too long."""
    few = {
        name: Column(
            tuple(w / 10 for w in c.slope),
            {v: tuple(w / 10 for w in given) for v, given in c.levels.items()},
            c.other,
        )
        for name, c in FORM.columns.items()
    }
    flat = LinearForm((0, 1), (0.0, 0.0), few)
    detail, _ = measured(flat)
    assert "found over exact" in detail[-1]  # a form has no scale: a tenth is the same plane
    tilted = LinearForm((0, 1), (0.0, 0.0), {**FORM.columns, "z": Column((0.0, 0.0))})
    detail, _ = measured(tilted)
    assert "no certificate" in detail[-1]


def test_codes_that_the_attack_takes_for_numbers_are_named(measured):
    coded = Column((0.0, 0.0), {1.0: (0.0, 1.0)}, (0.0, 1.0))
    form = LinearForm((0, 1), (0.0, -1.0), {**FORM.columns, "z": coded, "x": Column((0.0, 1.0))})
    detail, _ = measured(form)
    assert "no certificate" in detail[-1]
