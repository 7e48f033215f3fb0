"""Each property finds its planted fault, through a real process, and lets the sound model pass."""

import re

import numpy as np
import pyarrow as pa
import pytest
import yaml

from gatekit.candidate import describe
from gatekit.errors import CandidateError, ModelMisbehaved
from gatekit.gates import parity, schema
from gatekit.policy_gates import SchemaGate
from gatekit.registry import ModelVersion
from gatekit.scoring.answers import Scored
from gatekit.testing import write_toy

ALL = (
    schema.unanswered,
    schema.batch_dependence,
    schema.order_dependence,
    schema.nondeterminism,
)
PLANTED = [
    ("batch_dependent", {}, schema.batch_dependence, "together and"),
    ("order_dependent", {}, schema.order_dependence, "backward"),
    ("raise_on", {}, schema.unanswered, "negative rows"),
    ("nan", {"every": 3}, schema.unanswered, ""),
    ("wrong_length", {}, schema.unanswered, ""),
]


def search(look, subject, holdout, ask, examples=60):
    return look(subject, holdout, ask=ask(SchemaGate(examples=examples)))


def rows_in(estimate):
    """The rows that the detail shows, each a text '(x0=..., x1=...)'."""
    return re.findall(r"\(x0=[^()]*\)", estimate.detail[0].partition("simplest rows found: ")[2])


def test_a_model_without_a_signature_promises_nothing_and_is_no_candidate(tmp_path):
    folder = write_toy(tmp_path / "model", "threshold")
    described = yaml.safe_load((folder / "MLmodel").read_text())
    for signature in (None, {"inputs": "[]", "outputs": None, "params": None}):
        described["signature"] = signature
        (folder / "MLmodel").write_text(yaml.safe_dump(described))
        with pytest.raises(CandidateError, match="signature"):
            describe("models:/toy/1", folder, ModelVersion("toy", "1", "", ""))


@pytest.mark.parametrize("columns", [("x0", "x1"), {"x0": "float", "n": "long", "c": "string"}])
def test_a_sound_model_passes_all(toy, ask, columns):
    subject, holdout = toy("threshold", columns)
    for look in ALL:
        found = search(look, subject, holdout, ask)
        assert (found.value, found.low, found.high) == (0, 0, 0)
        assert found.detail == ()
        assert (found.level, found.n) == (1.0, 60)
    assert subject.is_alive


@pytest.mark.parametrize(("rule", "params", "look", "words"), PLANTED)
def test_each_property_finds_its_fault(toy, ask, rule, params, look, words):
    subject, holdout = toy(rule, **params)
    found = search(look, subject, holdout, ask)
    assert found.value == 1
    assert words in found.detail[0]
    assert rows_in(found)
    assert search(look, subject, holdout, ask) == found  # a gate must not flap


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(range(1, 50), "among all and 1 alone"), (range(7, 50), "in a batch of 8"), (range(0), "")],
    ids=["in small ones", "in those of a dozen", "never"],
)
def test_a_batch_of_the_holdout_is_answered_as_its_rows_are(make_holdout, fake, ask, wrong, words):
    """Whatever is drawn comes six rows at once at the most, so that only the holdout shows it."""

    def says(table):
        return np.full(len(table), int(len(table) in wrong))

    holdout = make_holdout(pa.table({"x0": np.arange(120.0), "label": np.arange(120) % 2}))
    found = search(schema.batch_dependence, fake(says, {"x0": "double"}), holdout, ask, 10)
    assert found.value == bool(words)
    assert words in " ".join(found.detail)


def test_the_rows_are_shrunk_to_the_simplest(toy, ask):
    subject, holdout = toy("raise_on")
    (row,) = rows_in(search(schema.unanswered, subject, holdout, ask))
    x0, x1 = (float(part.partition("=")[2]) for part in row.strip("()").split(", "))
    assert x0 < 0
    assert x1 == 0
    subject, holdout = toy("batch_dependent")
    assert len(rows_in(search(schema.batch_dependence, subject, holdout, ask))) == 2
    subject, holdout = toy("nan", every=3)
    assert len(rows_in(search(schema.unanswered, subject, holdout, ask))) == 3


@pytest.mark.parametrize(
    ("rule", "words"), [("crash", "ended with exit code 3"), ("segfault", "SIGSEGV")]
)
def test_a_model_that_dies_is_found_once_and_not_asked_for_a_simpler_row(toy, ask, rule, words):
    subject, holdout = toy(rule)
    found = search(schema.unanswered, subject, holdout, ask)
    assert found.value == 1
    assert words in found.detail[0]
    assert not subject.is_alive


def test_a_model_that_keeps_dying_is_given_up_in_words(toy, ask):
    subject, holdout = toy("crash")
    for _ in range(4):
        assert search(schema.unanswered, subject, holdout, ask).value == 1
    with pytest.raises(ModelMisbehaved, match=r"died 4 times; it is not asked again"):
        search(schema.unanswered, subject, holdout, ask)


@pytest.mark.parametrize("look", ALL[1:])
def test_a_fault_that_does_not_repeat_counts_and_is_no_traceback(make_holdout, fake, ask, look):
    """Hypothesis cannot shrink what it sees once, and calls it flaky; here it is a violation."""
    calls = iter(range(10_000))
    holdout = make_holdout(pa.table({"x0": [0.5, -1.0, 2.0], "label": [1, 0, 1]}))
    once = fake(lambda t: np.full(len(t), len(t) > 1 and next(calls) == 0))
    found = search(look, once, holdout, ask)
    assert found.value == 1
    assert "simplest rows found: (x0=" in found.detail[0]


def test_the_rows_look_like_the_data(make_holdout, fake, ask):
    """Quantities reach as far outside as the data is wide; codes and words stay what they are."""
    table = pa.table(
        {
            "x0": [10.0, 20.0],
            "n": [3, 7],
            "c": ["u", "v"],
            "b": [True, False],
            "label": [0, 1],
        }
    )
    columns = {"x0": "double", "n": "long", "c": "string", "b": "boolean"}
    subject = fake(lambda t: [0] * len(t), columns)
    search(schema.unanswered, subject, make_holdout(table), ask, examples=200)
    seen = pa.concat_tables(subject.asked).to_pydict()
    assert 0 <= min(seen["x0"]) < 10
    assert 20 < max(seen["x0"]) <= 30
    assert set(seen["n"]) == {3, 7}
    assert set(seen["c"]) == {"u", "v"}
    assert set(seen["b"]) == {True, False}
    assert {len(t) for t in subject.asked} == {1, 2, 3, 4, 5, 6}
    assert {table.column_names == list(columns) for table in subject.asked} == {True}


def test_rows_drawn_ahead_are_those_that_are_asked(make_holdout, fake, ask, monkeypatch):
    holdout = make_holdout(pa.table({"x0": [0.5, -1.0, 2.0], "label": [1, 0, 1]}))
    one, other = fake(lambda t: [0] * len(t)), fake(lambda t: [0] * len(t))
    search(schema.unanswered, one, holdout, ask)
    schema.draw_ahead(other, holdout, 60)
    assert not other.asked
    monkeypatch.delattr("gatekit.gates.promises._each")  # what draws
    search(schema.unanswered, other, holdout, ask)
    assert [t.to_pydict() for t in other.asked] == [t.to_pydict() for t in one.asked]
    assert len(other.asked) > 10


def test_parity_names_the_row_that_differs(make_holdout, fake, ask):
    holdout = make_holdout(pa.table({"x0": np.arange(50.0), "label": [0, 1] * 25}))
    one = np.arange(50) % 2
    other = one.copy()
    other[17] = 0
    found = parity.disagreements(
        fake({"native": lambda _: one, "pyfunc": lambda _: other}), holdout, ask=ask()
    )
    assert (found.value, found.n, found.level) == (1, 50, 1.0)
    assert found.detail == ("row 17: native says 1, pyfunc 0",)
    same = parity.disagreements(fake(lambda _: one), holdout, ask=ask())
    assert (same.value, same.detail) == (0, ())


def test_scores_are_compared_too_and_are_probabilities(ask, make_holdout, fake):
    table = pa.table({"x0": [0.5, -1.0, 2.0], "label": [1, 0, 1]})
    holdout = make_holdout(table)

    def scored(scores):
        subject = fake(lambda t: np.zeros(len(t)))
        subject.score = "predict_proba"
        subject.said = lambda t: (np.zeros(len(t)), scores(t))
        subject.scored = lambda held: Scored(None, scores(held.table), ())
        return subject

    def of(t):
        x = np.asarray(t["x0"])
        return np.column_stack([1 / (1 + np.exp(-x)), 1 / (1 + np.exp(x))])

    for look in (*ALL[1:], schema.improbable):
        assert search(look, scored(of), holdout, ask).value == 0
    beside = search(schema.batch_dependence, scored(lambda t: of(t) / len(t)), holdout, ask)
    assert "the score of row 0" in beside.detail[0]
    sums = search(schema.improbable, scored(lambda t: of(t) * 0.9), holdout, ask)
    assert "sum to 0.9, not to 1" in sums.detail[0]
    outside = search(schema.improbable, scored(lambda t: of(t)[:, 0] * 2), holdout, ask)
    assert "not between 0 and 1" in outside.detail[0]
    margins = ask(SchemaGate(examples=5, probabilities=False))
    assert schema.improbable(scored(lambda t: of(t) * 2), holdout, ask=margins).n == 0
    assert search(schema.improbable, fake(lambda t: [0] * len(t)), holdout, ask).n == 0


def test_a_model_that_writes_into_its_frame_is_seen_and_its_twin_is_not(toy, ask):
    subject, holdout = toy("threshold")
    assert search(schema.disturbed_input, subject, holdout, ask, 5).value == 0
    columns = {"x0": "double", "x1": "double"}
    subject, holdout = toy("writes", columns, column="x1", takes_arrow=False)
    found = search(schema.disturbed_input, subject, holdout, ask, 20)
    assert found.value == 1
    assert found.detail[0].startswith("values changed in x1; simplest rows found: (x0=")
