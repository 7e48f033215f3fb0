"""Answers are of the declared kind, with labels that rows have, and still those given at first."""

import json

import numpy as np
import pyarrow as pa
import pytest
import yaml

from gatekit.gates import schema_answers
from gatekit.policy_gates import SchemaGate
from gatekit.scoring.signature import declared_kind

TABLE = pa.table({"x0": np.linspace(-1, 1, 50), "label": [0, 1] * 25})


def tensor(kind, shape=(-1,)):
    return [{"type": "tensor", "tensor-spec": {"dtype": kind, "shape": list(shape)}}]


@pytest.mark.parametrize(
    ("outputs", "kind"),
    [
        (tensor("int64"), "numbers"),
        (tensor("uint8"), "numbers"),
        (tensor("float32"), "numbers"),
        (tensor("object"), "words"),
        (tensor("<U3"), "words"),
        (tensor("bool"), "booleans"),
        (tensor("float64", (-1, 2)), ""),
        ([{"type": "string", "required": True}], "words"),
        ([{"type": "long", "name": "said"}], "numbers"),
        ([{"type": "boolean"}], "booleans"),
        ([{"type": "datetime"}], ""),
        ([{"type": "long"}, {"type": "double"}], ""),
        (None, ""),
    ],
)
def test_what_mlflow_declares_is_read(tmp_path, outputs, kind):
    signature = {"inputs": "[]", "outputs": None if outputs is None else json.dumps(outputs)}
    (tmp_path / "MLmodel").write_text(yaml.safe_dump({"signature": signature}))
    assert declared_kind(tmp_path) == kind


@pytest.mark.parametrize(
    ("rule", "params", "wrong"),
    [("threshold", {}, ""), ("relabelled", {"words": True}, "it gives words"), ("words", {}, "")],
)
def test_answers_of_another_kind(toy, ask, rule, params, wrong):
    columns = {"x0": "double", "age": "long"}
    subject, holdout = toy(rule, columns, **params)
    found = schema_answers.unlike_declared(subject, holdout, ask=ask(SchemaGate()))
    assert found.value == bool(wrong)
    assert wrong in " ".join(found.detail)
    assert found.n == 200


@pytest.mark.parametrize(("kind", "third", "count"), [(int, 2, 3), (str, 1, 0), (bool, 1, 0)])
def test_a_label_that_neither_class_has(make_holdout, fake, ask, kind, third, count):
    subject = fake(lambda _: np.array([0, 1] * 23 + [0] + [third] * 3).astype(kind))
    found = schema_answers.strange_labels(subject, make_holdout(TABLE), ask=ask(SchemaGate()))
    assert found.value == count
    assert not count or found.detail[0] == "row 47 gets 2"


def test_a_holdout_of_one_label_knows_no_other(make_holdout, fake, ask):
    alone = TABLE.set_column(1, "label", pa.array([1] * 50))
    found = schema_answers.strange_labels(
        fake(lambda _: [0] * 50), make_holdout(alone), ask=ask(SchemaGate())
    )
    assert (found.value, found.n) == (0, 0)


@pytest.mark.parametrize(("calls", "changed"), [(1, True), (2, False)])
def test_a_model_that_changes_its_mind(make_holdout, fake, ask, calls, changed):
    asked = []

    def says(table):
        asked.append(len(table))
        return np.full(len(table), int(len(asked) > calls))

    subject = fake(says)
    found = schema_answers.changed_since(subject, make_holdout(TABLE), ask=ask(SchemaGate()))
    assert found.value == changed
    assert found.detail == (("row 0 is 0 at first and 1 by now",) if changed else ())
    assert found.n == 50
