"""Evidence is the same to the byte for any split of the rows and any order of merging."""

import functools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gatekit
from gatekit.data import Holdout
from gatekit.errors import DataError
from gatekit.evidence import keyed
from gatekit.evidence.keyed import KeyedCounts
from gatekit.evidence.labels import LabelCounts
from gatekit.evidence.sums import Sums, whole_sum
from gatekit.evidence.whole import Evidence
from gatekit.means import Named
from gatekit.policy import DataSpec
from gatekit.streaming.filling import fill
from gatekit.streaming.own import Own
from gatekit.streaming.question import CANDIDATE, CHAMPION, Said, ask

SPEC = DataSpec(
    path="-", target="label", sensitive=(("sex",), ("sex", "race")), slices=(("race",), ("age",))
)


def table(random, n, labels):
    return pa.table(
        {
            "label": random.choice(labels, n),
            "sex": random.choice(["f", "m"], n),
            "race": random.choice([2, 10, 1], n),
            "age": random.choice([0.5, 31.0], n),
        }
    )


def proba(random, n, wide):
    given = random.dirichlet(np.ones(wide), n)
    return given if wide > 2 else np.asfortranarray(given)


def answers(task, random, n, labels):
    """What two models say of n rows: labels and scores, or numbers."""
    if task == "regression":
        tail = random.standard_cauchy(n)
        return {CANDIDATE: Said(tail), CHAMPION: Said(random.normal(size=n) * 1e6)}
    made = {}
    for role in (CANDIDATE, CHAMPION):
        whole = proba(random, n, len(labels))
        scores = whole if len(labels) > 2 else whole[:, 1]
        made[role] = Said(labels[whole.argmax(axis=1)], scores, whole, tuple(labels.tolist()))
    return made


def part(said, rows):
    cut = {name: getattr(said, name) for name in ("labels", "scores", "whole")}
    cut = {name: None if v is None else v[rows] for name, v in cut.items()}
    return Said(cut["labels"], cut["scores"], cut["whole"], said.classes)


TASKS = {
    "binary": np.array([0, 1]),
    "binary words": np.array(["no", "yes"]),
    "multiclass": np.array(["a", "b", "c"]),
    "regression": np.array([-1.5, 3.25, 1e4]),
}


@gatekit.of_means
def alike(y, said):
    return {"alike": y == said, "odd": np.where(y == said, 1e-3, -7.7e9)}


alike.value(len)
OWN = Own((Named("m.py:alike", alike, ""),), replicates=40)


@pytest.mark.parametrize("kind", TASKS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_split_and_order_gives_the_same_bytes(kind, data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**20)))
    n, labels, task = data.draw(st.integers(2, 300)), TASKS[kind], kind.split()[0]
    rows, said = table(random, n, labels), answers(task, random, n, labels)
    rows = pa.concat_tables([rows, rows])  # values come again in other blocks
    said = {role: part(each, np.r_[:n, :n]) for role, each in said.items()}
    positive = "yes" if kind.endswith("words") else 1
    holdout = Holdout(Path("rows"), SPEC, "", tuple(rows.column_names), given=rows)
    question = ask(holdout, task, positive, 0.9, said, OWN)
    whole = fill(question, rows, said, ("rows", 0))
    cuts = sorted(data.draw(st.sets(st.integers(1, 2 * n - 1), max_size=6)))
    pieces = [slice(*ends) for ends in zip([0, *cuts], [*cuts, 2 * n], strict=True)]
    parts = [
        fill(
            question,
            rows.slice(p.start, p.stop - p.start),
            {r: part(s, p) for r, s in said.items()},
            ("rows", p.start),
        )
        for p in data.draw(st.permutations(pieces))
    ]
    merged = functools.reduce(Evidence.merge, parts)
    assert merged.to_bytes() == whole.to_bytes()
    again = Evidence.from_bytes(whole.to_bytes())
    assert again.sha256 == whole.sha256
    assert again.merge(parts[0]).sha256 == parts[0].merge(whole).sha256 != whole.sha256


def test_many_combinations_are_counted_table_by_table_and_come_out_the_same(monkeypatch):
    random, labels = np.random.default_rng(3), TASKS["binary"]
    rows, said = table(random, 500, labels), answers("binary", random, 500, labels)
    holdout = Holdout(Path("rows"), SPEC, "", tuple(rows.column_names), given=rows)
    question = ask(holdout, "binary", 1, 0.5, said)
    together = fill(question, rows, said)
    monkeypatch.setattr(keyed, "MOST_JOINT", 0)
    monkeypatch.setattr(keyed, "MOST_KEYS", 6)
    assert fill(question, rows, said).sha256 == together.sha256


FLOATS = st.floats(-1e30, 1e30).filter(lambda v: v == 0 or abs(v) > 1e-9)


@given(st.lists(st.one_of(FLOATS, st.floats(-3, 3)), min_size=1, max_size=40))
def test_sums_are_exact_but_for_the_rounding_of_each_value(values):
    array = np.array(values)
    most = float(np.abs(np.rint(array)).max())
    assert whole_sum(np.rint(array), most) == sum(int(np.rint(v)) for v in values)
    found = Sums.of(array)
    exact = [Fraction(v) for v in values]
    off = abs(Fraction(found.powers[0], 2**32) - sum(exact))
    assert off <= Fraction(len(values), 2**33) + abs(sum(map(abs, exact))) * Fraction(1, 2**52)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=60), st.integers(0, 2**40))
def test_moments_do_not_cancel(values, far):
    """Of values far from zero, where floats would lose every digit of the second power."""
    held = [v / 8 + float(far) for v in values]
    found = functools.reduce(Sums.merge, [Sums.of(np.array([v])) for v in held])
    n, exact = len(held), [Fraction(v) for v in held]
    mean = sum(exact) / n
    if far < 2**20:  # powers of larger values are rounded before they are added
        second, third = (sum((v - mean) ** p for v in exact) / n for p in (2, 3))
        assert found.moments()[1] == pytest.approx(float(second), abs=1e-9)
        assert found.moments()[2] == pytest.approx(float(third), rel=1e-3, abs=1)
    assert found.moments()[0] == pytest.approx(float(mean), rel=1e-12)
    assert (found.least, found.most) == (min(held), max(held))


@pytest.mark.parametrize("value", [1e300, np.inf, np.nan])
def test_what_cannot_be_added_is_said_so(value):
    with pytest.raises(DataError, match="too large to be added up"):
        Sums.of(np.array([1.0, value]))


def test_labels_of_two_kinds_do_not_mix():
    numbers = LabelCounts.of(np.array([0, 1]), np.array([1.0, 1.0]))
    assert (numbers.kind, numbers.labels) == ("f", ("0", "1"))
    with pytest.raises(DataError, match="words in some rows"):
        numbers.merge(LabelCounts.of(np.array(["0"]), np.array(["1"])))


def test_more_than_a_hundred_labels_are_none_in_any_order():
    few, many = np.arange(60), np.arange(60, 120)
    one, other = (LabelCounts.of(each, each) for each in (few, many))
    assert one.merge(other).table() is None
    assert other.merge(one).merge(one).table() is None
    assert one.table().counts.trace() == 60


def test_keys_are_bounded_and_the_columns_are_named(monkeypatch):
    monkeypatch.setattr(keyed, "MOST_KEYS", 3)
    yes = np.ones(2, dtype=bool)

    def of(*values):
        return KeyedCounts.of({"zip": (values, np.arange(2))}, yes, yes)

    with pytest.raises(DataError, match="crossing zip makes more than 3 groups"):
        of("1", "2").merge(of("3", "4"))
    assert of("1", "2").merge(of("2", "3")).total().tolist() == [0, 0, 0, 4]


def test_bytes_that_are_no_evidence_are_refused():
    for raw in (b"", b"x" * 40, (3).to_bytes(8, "big") + b'{"i'):
        with pytest.raises(ValueError):
            Evidence.from_bytes(raw)
