"""Cells that the data never had: what the policy declares of them, and what counts as a crash."""

import datetime
import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from gatekit.errors import ModelMisbehaved, ModelRefused
from gatekit.gates import schema, schema_cells, schema_example
from gatekit.gates.rows import Rows
from gatekit.policy_gates import SchemaGate

COLUMNS = {"income": "double?", "x0": "double", "n": "long?", "plan": "string", "day": "datetime?"}
DAYS = [datetime.datetime(2020, 1, day) for day in (1, 2, 3, 4)]  # noqa: DTZ001 - plain moments
TABLE = pa.table(
    {
        "income": [20.0, 30.0, 40.0, 55.0],
        "x0": [-1.0, 0.5, 2.0, 1.0],
        "n": [1, 2, 3, 900],
        "plan": ["basic", "pro", "basic", "pro"],
        "day": pa.array(DAYS, pa.timestamp("ns")),
        "label": [0, 1, 1, 1],
    }
)


def sound(table):
    return (np.asarray(table["x0"]) > 0).astype(int)


def on(column, strange, does):
    """A model that does something to rows with a strange cell, or without the column."""

    def says(table):
        if column not in table.column_names or any(map(strange, table[column].to_pylist())):
            does()
        return sound(table)

    return says


def refuses():
    raise ModelRefused("the candidate raised ValueError while predicting")


def crashes():
    raise ModelMisbehaved("the candidate raised KeyError while predicting")


def answers():
    pass


@pytest.fixture
def holdout(make_holdout):
    return make_holdout(TABLE)


def look(measure, says, fake, holdout, ask, **keys):
    return measure(fake(says, COLUMNS), holdout, ask=ask(SchemaGate(examples=30, **keys)))


DECLARED = [
    ("any", answers, 0),
    ("any", refuses, 0),
    ("any", crashes, 1),
    ("answer", answers, 0),
    ("answer", refuses, 1),
    ("answer", crashes, 1),
    ("refuse", answers, 1),
    ("refuse", refuses, 0),
    ("refuse", crashes, 1),
]


@pytest.mark.parametrize(("declared", "does", "count"), DECLARED)
def test_an_unseen_word_is_held_against_what_is_declared(fake, holdout, ask, declared, does, count):
    says = on("plan", lambda word: word not in ("basic", "pro"), does)
    found = look(schema_cells.unseen_category, says, fake, holdout, ask, unseen=declared)
    assert found.value == count
    assert bool(found.detail) == bool(count)
    assert ("plan=" in "".join(found.detail)) == bool(count)


@pytest.mark.parametrize(("declared", "does", "count"), DECLARED)
def test_a_gap_is_held_against_what_is_declared(fake, holdout, ask, declared, does, count):
    gap = on("income", lambda value: value is None, does)
    day = on("day", lambda value: value is None, does)

    def says(table):
        gap(table)
        return day(table)

    found = look(schema_cells.empty_cell, says, fake, holdout, ask, null=declared)
    assert found.value == count


@pytest.mark.parametrize(("gaps_alone", "count"), [(False, 1), (True, 0)])
def test_a_gap_is_treated_alike_in_company(fake, holdout, ask, gaps_alone, count):
    """It fills gaps from its batch; where it has no answer for the holdout that is another fault."""

    def says(table):
        income = table["income"].to_numpy().astype(float)
        if gaps_alone and table.drop_null().num_rows:
            crashes()
        known = income[~np.isnan(income)]
        return np.full(len(table), float(known.mean()) if known.size else 0.0)

    found = look(schema_cells.empty_cell, says, fake, holdout, ask)
    assert found.value == count
    assert ("among others" in "".join(found.detail)) == bool(count)


def test_only_what_the_signature_lets_be_empty_is_emptied(make_holdout, fake, ask):
    holdout = make_holdout(TABLE.select(["x0", "plan", "label"]))
    columns = {"x0": "double", "plan": "string"}
    found = schema_cells.empty_cell(fake(sound, columns), holdout, ask=ask(SchemaGate()))
    assert (found.value, found.n) == (0, 0)
    assert "no column" in found.method


def test_a_column_left_out_is_the_column_left_empty(fake, holdout, ask):
    def by_place(table):
        return (np.asarray(table.column(1)) > 0).astype(int)

    assert look(schema_cells.left_out, sound, fake, holdout, ask).value == 0
    found = look(schema_cells.left_out, by_place, fake, holdout, ask)
    assert found.n == 3
    assert any(line.startswith("income: row ") and "left out" in line for line in found.detail)


def test_a_column_that_cannot_be_empty_may_be_left_out(fake, holdout, ask):
    says = on("n", lambda _: False, refuses)
    assert look(schema_cells.left_out, says, fake, holdout, ask).value == 0
    found = look(schema_cells.left_out, says, fake, holdout, ask, null="answer")
    assert (found.value, found.detail[0][:2]) == (1, "n:")


def test_numbers_are_cast_as_the_service_casts(fake, holdout, ask, monkeypatch):
    found = look(schema_cells.casting, sound, fake, holdout, ask)
    assert (found.value, found.n) == (0, 3)

    class Careless:
        """A decoder as `mlflow models serve` has one: it cuts 3.5 down to 3."""

        @staticmethod
        def of(signature):
            return SimpleNamespace(decode=lambda payload: TABLE.drop_columns(["label"]).slice(0, 1))

    monkeypatch.setattr(schema_cells, "Decoder", Careless)
    found = look(schema_cells.casting, sound, fake, holdout, ask)
    assert found.detail == ("n: a fraction is taken, and the signature says long",)


@pytest.mark.parametrize(
    ("bound", "does", "count"),
    [(55.0, refuses, 0), (55.0, crashes, 1), (10.0, refuses, 1), (10.0, crashes, 1)],
)
def test_rows_outside_of_the_data_may_be_refused_and_no_others(
    fake, holdout, ask, bound, does, count
):
    def says(table):
        if any(value is not None and value > bound for value in table["income"].to_pylist()):
            does()
        return sound(table)

    assert look(schema.unanswered, says, fake, holdout, ask).value == count


def test_a_row_that_is_never_answered_counts_once(fake, holdout, ask):
    """Whoever never answers does not depend on the batch as well."""
    says = on("plan", lambda word: word == "pro", crashes)
    assert look(schema.unanswered, says, fake, holdout, ask).value == 1
    for other in (schema.batch_dependence, schema.order_dependence, schema.nondeterminism):
        assert look(other, says, fake, holdout, ask).value == 0


def test_gaps_are_drawn_where_the_data_has_them(make_holdout, fake, ask):
    gappy = TABLE.set_column(0, "income", pa.array([20.0, None, 40.0, 55.0]))
    seen = []

    def says(table):
        seen.append(table)
        return sound(table)

    look(schema.unanswered, says, fake, make_holdout(gappy), ask)
    drawn = pa.concat_tables(seen)
    assert drawn["income"].null_count > 0
    assert drawn["day"].null_count == drawn["n"].null_count == 0
    rows = Rows(fake(sound, COLUMNS).candidate.signature, make_holdout(gappy))
    assert rows.are_inside(gappy.select(list(COLUMNS)))
    assert not Rows(fake(sound, COLUMNS).candidate.signature, make_holdout(TABLE)).are_inside(
        gappy.select(list(COLUMNS))
    )


def subject_in(folder, fake, says=sound):
    subject = fake(says, COLUMNS)
    subject.candidate.folder = folder
    return subject


ROW = {"income": 20, "x0": 0.5, "n": 1, "plan": "pro", "day": "2020-01-01T00:00:00"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (json.dumps({"dataframe_records": [ROW]}), ""),
        (json.dumps({"dataframe_records": [{**ROW, "n": 1.5}]}), "a number with a fraction"),
        (json.dumps({"dataframe_records": [{"x0": 1}]}), "row 0 has no 'plan'"),
        (json.dumps({"dataframe_records": [{**ROW, "income": None}]}), "raised ValueError"),
        ("{", "no JSON"),
        ("[1]", "no JSON object"),
    ],
)
def test_the_saved_example_is_decoded_and_answered(tmp_path, fake, ask, body, words):
    (tmp_path / schema_example.EXAMPLE).write_text(body)
    says = on("income", lambda value: value is None, refuses)
    found = schema_example.example(subject_in(tmp_path, fake, says), None, ask=ask())
    assert (found.value, found.n) == (bool(words), 1)
    assert words in "".join(found.detail)


def test_no_example_is_none_broken(tmp_path, fake, ask):
    found = schema_example.example(subject_in(tmp_path, fake), None, ask=ask())
    assert (found.value, found.n) == (0, 0)
