"""How a column is spread: counts that are exact, and the same bytes for any split and order."""

import functools
import itertools
import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekit.errors import DataError
from gatekit.evidence import spread, spread_read
from gatekit.evidence.seen import Label, Seen, Wanted
from gatekit.evidence.spread import (
    BITS,
    HEIGHT,
    ByValue,
    NumberSpread,
    Scale,
    ValueSpread,
    spread_of,
)
from gatekit.evidence.whole import Evidence

WORDS = pa.array(["a", "b", None, "b", "missing", "\u00fc"] * 30)
NUMBERS = st.one_of(
    st.floats(-3, 3),
    st.integers(-5, 5).map(float),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -0.0, 1e308, -1e308, 5e-324]),
)
PLAIN = st.one_of(st.floats(-100, 100).map(lambda v: round(v, 6)), st.integers(-4, 4).map(float))


def evidence(rulers, table, wanted):
    found = {name: spread_of(name, ruler, table[name]) for name, ruler in rulers.items()}
    return Evidence.of_sample(table.num_rows, found, wanted.look(table))


@settings(max_examples=25, deadline=None)
@given(st.lists(NUMBERS, min_size=2, max_size=60), st.data())
def test_any_split_and_order_gives_the_same_bytes(values, data):
    n = len(values)
    with np.errstate(over="ignore"):
        half = np.array(values).astype(np.float32)
    table = pa.table(
        {
            "x": values,
            "half": half,
            "word": WORDS.slice(0, n),
            "flag": pa.array([v > 0 for v in values]),
            "code": WORDS.slice(0, n).dictionary_encode(),
        }
    )
    pilot = np.array(values[: data.draw(st.integers(0, n))])
    scale = Scale.of(pilot[np.isfinite(pilot)])
    words = dict.fromkeys(("word", "flag", "code"), ByValue())
    rulers = {"x": scale, "half": scale, **words}
    label = Label("flag", table["flag"].slice(0, 5), as_numbers=False)
    wanted = Wanted.of(table.slice(0, 5), {"x": True, "word": False}, label)
    cuts = sorted(data.draw(st.sets(st.integers(1, n - 1), max_size=5)))
    ends = zip([0, *cuts], [*cuts, n], strict=True)
    parts = [table.slice(start, end - start) for start, end in data.draw(st.permutations([*ends]))]
    whole = evidence(rulers, table, wanted)
    merged = functools.reduce(Evidence.merge, (evidence(rulers, part, wanted) for part in parts))
    assert merged.to_bytes() == whole.to_bytes()
    assert Evidence.from_bytes(whole.to_bytes()).sha256 == whole.sha256
    assert whole.seen["inputs"].flags().all()  # the rows sought are among them
    assert whole.seen["rows"].flags().all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(PLAIN, min_size=1),
    st.lists(PLAIN, max_size=20),
)
def test_counts_areas_and_moments_are_those_of_the_rows(values, pilot):
    scale, x = Scale.of(np.array(pilot)), np.array(values)
    found = NumberSpread.of(scale, x)
    before, upto = spread_read.shares(found)
    assert (before * x.size).round(6).tolist() == [(x < e).sum() for e in scale.edges]
    assert (upto * x.size).round(6).tolist() == [(x <= e).sum() for e in scale.edges]
    below, above = spread_read.areas(scale, found)
    ends = [-math.inf, *scale.edges, math.inf]
    for at, (low, high) in enumerate(itertools.pairwise(ends)):
        inside = x[(x > low) & (x < high)]
        near = max(1.0, (high - low) / HEIGHT * inside.size) if math.isfinite(high - low) else 1.0
        tolerated = 1e-5 * near
        if high < math.inf:
            area = (high - inside).sum() / scale.unit / x.size
            assert below[at] == pytest.approx(area, abs=tolerated)
        if low > -math.inf:
            area = (inside - low).sum() / scale.unit / x.size
            assert above[at - 1] == pytest.approx(area, abs=tolerated)
    units = [(Fraction(v) - Fraction(scale.centre)) / Fraction(scale.unit) for v in values]
    mean = sum(units) / len(units)
    for power, told in zip((2, 4), spread_read.moments(scale, found)[1:], strict=True):
        exact = float(sum((u - mean) ** power for u in units) / len(units))
        size = max(1.0, *(abs(float(u)) for u in units))
        assert told == pytest.approx(exact, abs=2.0 ** (4 - BITS) * size**3)
    assert (found.least, found.most) == (x.min(), x.max())


def test_a_column_of_few_values_is_counted_by_them_alone():
    x = np.array([3.0, 1.0, 1.0, np.nan, np.inf])
    found = NumberSpread.of(Scale.of(x[:3]), x)
    assert (found.at.tolist(), found.between.tolist()) == ([2, 1], [0, 0, 0])
    assert (found.missing, found.far, found.known) == (2, 0, 3)


def test_many_values_give_thousands_of_bins_and_the_tenths_are_edges():
    x = np.random.default_rng(2).normal(size=50_000)
    edges = Scale.of(x).edges
    assert 6000 < edges.size < 8400
    assert np.isin(np.quantile(x, [0.1, 0.5, 0.9], method="inverted_cdf"), edges).all()
    assert NumberSpread.of(Scale.of(x), x).between.max() < 50_000 / 2000


def test_numbers_that_are_too_far_off_have_no_moments():
    scale = Scale.of(np.array([1.0, 2.0, 4.0]))
    found = NumberSpread.of(scale, np.array([1.0, 1e300, -1e300]))
    assert (found.far, spread_read.moments(scale, found)) == (2, None)
    assert found.between.tolist() == [1, 0, 0, 1]


def test_over_so_many_values_none_is_kept_in_any_order(monkeypatch):
    monkeypatch.setattr(spread, "MOST_VALUES", 3)

    def of(*words):
        return ValueSpread.of(ByValue(), pa.chunked_array([list(words)]))

    one, other, few = of("a", "b"), of("c", "d", None), of("a", "e")
    made = [
        functools.reduce(ValueSpread.merge, order)
        for order in ((one, other, few), (few, one, other), (other, few, one))
    ]
    for each in made:
        assert (each.values, each.counts.size, each.missing, each.too_many) == ((), 0, 1, True)
    assert one.merge(few).as_dict() == {"a": 2, "b": 1, "e": 1}


def test_numbers_are_equal_whatever_their_type_and_words_are_apart():
    numbers = ByValue(as_numbers=True)
    one = ValueSpread.of(numbers, pa.chunked_array([[1, 2]]))
    other = ValueSpread.of(numbers, pa.chunked_array([[1.0, -0.0, None, math.nan]]))
    assert one.merge(other).as_dict() == {"1.0": 2, "2.0": 1, "0.0": 1}
    assert other.missing == 2


@pytest.mark.parametrize(
    ("ruler", "column"),
    [(Scale.of(np.ones(1)), ["a"]), (ByValue(as_numbers=True), ["a"]), (ByValue(), [[1]])],
)
def test_a_column_of_another_type_than_the_pilot_is_an_error_that_names_it(ruler, column):
    with pytest.raises(DataError, match=r"column 'x' is of type .* in some rows"):
        spread_of("x", ruler, pa.chunked_array([column]))
    empty = spread_of("x", ruler, pa.chunked_array([pa.nulls(3)]))
    assert empty.missing == 3


def test_evidence_of_two_questions_does_not_merge():
    table = pa.chunked_array([[1.0]])
    number, word = (spread_of("x", r, table) for r in (Scale.of(np.ones(1)), ByValue()))
    with pytest.raises(ValueError, match="two questions"):
        spread.merged(number, word)


def test_rows_are_found_as_a_join_finds_them():
    random = np.random.default_rng(5)

    def some(n):
        return pa.table(
            {
                "x": random.integers(0, 40, n) / 2,
                "gap": pa.array([None if v == 0 else float(v) for v in random.integers(0, 3, n)]),
                "word": random.choice(["a", "b", "c"], n),
                "y": random.integers(0, 2, n),
            }
        )

    sought, rows = some(200), some(300)
    label = Label("y", sought["y"], as_numbers=True)
    wanted = Wanted.of(sought, {"x": True, "gap": True, "word": False}, label)
    found = [wanted.look(rows.slice(start, 70)) for start in range(0, 300, 70)]
    for name, numbers, columns in (
        ("inputs", wanted.inputs, ["x", "gap", "word"]),
        ("rows", wanted.rows, ["x", "gap", "word", "y"]),
    ):
        flags = functools.reduce(Seen.merge, (each[name] for each in found)).flags()[numbers]
        held = {tuple(row.values()) for row in rows.select(columns).to_pylist()}
        exact = [tuple(row.values()) in held for row in sought.select(columns).to_pylist()]
        assert flags.tolist() == exact
        assert 0 < sum(exact) < 200
