"""Expectations of the policy: counted exactly, or as a share with a bound."""

import numpy as np
import pyarrow as pa
import pytest

from gatekit.errors import DataError, PolicyError
from gatekit.gates import robustness_expect
from gatekit.policy_file import apply_sets, read_policy
from gatekit.policy_gates import Expectation, RobustnessGate

COLUMNS = {"x": "double", "n": "long", "c": "string"}
ROWS = 300


@pytest.fixture
def holdout(make_holdout):
    random = np.random.default_rng(2)
    x = random.normal(size=ROWS)
    columns = {
        "x": x,
        "n": 2**60 + random.integers(0, 9, ROWS),
        "c": random.choice(["u", "v"], ROWS),
    }
    return make_holdout(pa.table({**columns, "label": (x > 0).astype(int)}))


@pytest.fixture
def subject(fake):
    def make(says, positive=1):
        made = fake(says, COLUMNS, positive)
        made.task = "binary"
        return made

    return make


def rising(table):
    return (table["x"].to_numpy() > 0).astype(int)


def by_word(table):
    return np.array([int(c == "u") for c in table["c"].to_pylist()])


def estimate(subject, holdout, ask, **expected):
    table = RobustnessGate(expect={"it": Expectation(**expected)})
    ((what, bar),) = robustness_expect.expectations(table)
    assert bar.key in {f"robustness.{key}" for key in table.bars()}
    return what(subject, holdout, ask=ask(table))


@pytest.mark.parametrize(
    ("kind", "change", "broken"),
    [
        ("increasing", 1.0, False),
        ("decreasing", 1.0, True),
        ("decreasing", -1.0, False),
        ("increasing", -1.0, True),
        ("invariant", 1.0, True),
        ("increasing", None, False),
    ],
)
def test_directions(subject, holdout, ask, kind, change, broken):
    found = estimate(subject(rising), holdout, ask, kind=kind, column="x", change=change)
    assert (found.value > 0) is broken
    assert found.low == found.high == found.value  # a count


def test_rising_is_towards_the_positive_label(subject, holdout, ask):
    found = estimate(
        subject(rising, positive=0), holdout, ask, kind="increasing", column="x", change=1.0
    )
    assert found.value > 0


def test_invariance_to_a_word_and_to_a_number_it_does_not_use(subject, holdout, ask):
    assert estimate(subject(rising), holdout, ask, kind="invariant", column="c").value == 0
    assert (
        estimate(subject(rising), holdout, ask, kind="invariant", column="n", change=3).value == 0
    )
    assert estimate(subject(by_word), holdout, ask, kind="invariant", column="c").value == ROWS


def test_whole_numbers_are_added_exactly(subject, holdout, ask):
    model = subject(rising)
    estimate(model, holdout, ask, kind="invariant", column="n", change=1)
    moved, was = model.asked[-1]["n"].to_pylist(), holdout.table["n"].to_pylist()
    assert [a - b for a, b in zip(moved, was, strict=True)] == [1] * ROWS


def test_a_tolerated_share_has_a_bound(subject, holdout, ask):
    found = estimate(
        subject(rising), holdout, ask, kind="invariant", column="x", change=0.1, tolerated=0.2
    )
    assert 0 < found.low < found.value < found.high < 0.2


@pytest.mark.parametrize(
    ("kind", "within", "broken"),
    [
        ("increasing", 0.0, 0),
        ("decreasing", 0.0, ROWS),
        ("decreasing", 0.06, 0),
        ("invariant", 0.04, ROWS),
        ("invariant", 0.06, 0),
    ],
)
def test_scores_move_where_labels_do_not(subject, holdout, ask, kind, within, broken):
    model = subject(rising)
    model.scores = lambda rows: 0.5 + rows.table["x"].to_numpy() / 10
    model.score_rows = lambda table: 0.5 + table["x"].to_numpy() / 10
    how = {"kind": kind, "column": "x", "change": 0.5, "of": "scores", "within": within}
    found = estimate(model, holdout, ask, **how)
    assert found.value == broken
    assert "the largest move +0.05" in found.detail[0]


def test_scores_of_several_classes_can_only_be_invariant(subject, holdout, ask):
    model = subject(rising)
    given = np.random.default_rng(1).random((ROWS, 3))
    model.scores, model.score_rows = (
        (lambda _: given),
        (lambda _: given + np.array([0.0, 0.1, 0.0])),
    )
    how = {"column": "x", "change": 1.0, "of": "scores"}
    assert estimate(model, holdout, ask, kind="invariant", within=0.05, **how).value == ROWS
    assert estimate(model, holdout, ask, kind="invariant", within=0.15, **how).value == 0
    with pytest.raises(DataError, match="do not rise or fall as one"):
        estimate(model, holdout, ask, kind="increasing", **how)


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"kind": "invariant", "column": "zz"}, "'zz', which the model does not take"),
        ({"kind": "increasing", "column": "c"}, "does not rise or fall"),
    ],
)
def test_what_cannot_be_expected_is_said(subject, holdout, ask, expected, words):
    with pytest.raises(DataError, match=words):
        estimate(subject(rising), holdout, ask, **expected)


POLICY = """
model = "m"
[data.holdout]
path = "h.parquet"
target = "y"
[gates.robustness.expect.income]
kind = "increasing"
column = "income"
[gates.robustness.columns.age]
immutable = true
"""


def test_the_policy_reads_tables_of_tables_and_counts_each_expectation_as_a_bar(tmp_path):
    file = tmp_path / "gates.toml"
    file.write_text(POLICY)
    policy = read_policy(file)
    assert policy.bars("robustness") == {"robustness.expect.income": 0.0}
    assert policy.gates.robustness.columns["age"].immutable
    with pytest.raises(PolicyError, match="tables are set in the policy only"):
        apply_sets(policy, ("robustness.columns=1",), "me")


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ('"increasing"', '"rising"', "expect.income.kind is 'rising'"),
        ("immutable = true", "immutable = 1", "columns.age.immutable is 1, true or false"),
        ("immutable", "imutable", "Did you mean 'immutable'"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, was, now, words):
    file = tmp_path / "gates.toml"
    file.write_text(POLICY.replace(was, now))
    with pytest.raises(PolicyError, match=words):
        read_policy(file)


BY_SCORE = 'score = "predict_proba"'
BY_NUMBER = 'task = "regression"'


@pytest.mark.parametrize(
    ("top", "more", "words"),
    [
        ("", 'of = "scores"', "expect.income is of scores, and the policy does not say where"),
        ("", "within = 0.1", "income: within is for scores, or for the numbers of a regression"),
        (BY_SCORE, "within = 0.1", "income: within is for scores, or for the numbers"),
        (BY_SCORE, 'of = "scores"\nwithin = -0.1', "income: within is -0.1"),
        (BY_NUMBER, "within = -1.0", "income: within is -1"),
        (BY_SCORE, 'of = "numbers"', "expect.income.of is 'numbers'"),
        (BY_SCORE, 'of = "scores"\nwithin = 0.1', ""),
        (BY_NUMBER, "within = 0.1", ""),
    ],
)
def test_what_is_expected_has_to_fit_the_answers(tmp_path, top, more, words):
    file = tmp_path / "gates.toml"
    expected = POLICY.replace('column = "income"\n', f'column = "income"\n{more}\n')
    file.write_text(f"{top}\n{expected}")
    if not words:
        assert "income" in read_policy(file).gates.robustness.expect
        return
    with pytest.raises(PolicyError, match=words):
        read_policy(file)
