"""R2 and the rise of RMSE of all rows of a holdout that streams, against the same rows held."""

import functools
import itertools
import math
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.data import Holdout
from gatekit.errors import DataError
from gatekit.evidence.outermost import Outermost
from gatekit.evidence.products import Products, orders, times
from gatekit.evidence.whole import Evidence
from gatekit.gate import Ask
from gatekit.gates import numbers, weighed
from gatekit.ledger import no_champion
from gatekit.policy import DataSpec
from gatekit.stats import regression
from gatekit.streaming.filling import fill
from gatekit.streaming.question import CANDIDATE, CHAMPION, Said, ask
from gatekit.streaming.told import Told
from gatekit.subject import NoChampion

ROWS, BLOCK, LEVEL = 20_000, 1 << 12, 0.95
SPEC = DataSpec(path="-", target="y")


def told_of(y, new, old, pilot=slice(None)):
    """What blocks of these rows tell, with units from a pilot of some of them."""
    rows = pa.table({"y": y})
    held = Holdout(Path("rows"), SPEC, "", ("y",), given=pa.table({"y": y[pilot]}))
    said = {CANDIDATE: new, CHAMPION: old}
    question = ask(held, "regression", 1, 0.5, {r: Said(s[pilot]) for r, s in said.items()})
    parts = [
        fill(
            question, rows.slice(at, BLOCK), {r: Said(s[at : at + BLOCK]) for r, s in said.items()}
        )
        for at in range(0, y.size, BLOCK)
    ]
    return Told(question, functools.reduce(Evidence.merge, parts))


def drawn(kind):
    random = np.random.default_rng(7)
    y, noise = random.normal(size=ROWS), random.normal(size=(2, ROWS))
    match kind:
        case "far from zero":
            y = 1e9 + 3 * y
        case "wide beside its errors":
            y = 1e6 * y
        case "skewed, errors as large":
            y = np.exp(1.5 * y)
            noise *= y
        case "nearly the same models":
            return y, y + noise[0], y + noise[0] + 1e-6 * noise[1]
        case "a poor model":
            return y, 0.1 * noise[0], 0.5 * y
    return y, y + 0.5 * noise[0], y + 0.2 * noise[0] + 0.6 * noise[1]


KINDS = [
    "plain", "far from zero", "wide beside its errors", "skewed, errors as large",
    "nearly the same models", "a poor model",
]  # fmt: skip


def compare(streamed, held, apart=1e-3):
    """The same value; bounds never narrower, and wider by `apart` of the width at the most."""
    rounding = 1e-15  # of the rows held: models that are nearly the same cancel there
    assert streamed[0] == pytest.approx(held[0], rel=1e-9, abs=rounding)
    width = held[2] - held[1]
    for more in (held[1] - streamed[1], streamed[2] - held[2]):
        assert more >= -1e-9 * (width + abs(held[0])) - rounding
        assert more <= apart * width


@pytest.mark.parametrize("pilot", [slice(None), slice(0, None, 5)], ids=["all", "a fifth"])
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_of_sums_are_those_of_rows(kind, pilot):
    y, new, old = drawn(kind)
    told = told_of(y, new, old, pilot)
    compare(weighed.determination(told, LEVEL), regression.determination(y, new, LEVEL))
    compare(weighed.root_rise(told, LEVEL), regression.root_rise(new - y, old - y, LEVEL))


@pytest.mark.parametrize("kind", KINDS)
def test_a_pilot_of_other_rows_only_widens(kind):
    y, new, old = (each[np.argsort(drawn(kind)[0])] for each in drawn(kind))
    told = told_of(y, new, old, slice(0, 500))
    compare(weighed.determination(told, LEVEL), regression.determination(y, new, LEVEL), math.inf)
    held = regression.root_rise(new - y, old - y, LEVEL)
    compare(weighed.root_rise(told, LEVEL), held, math.inf)


def test_where_nothing_is_known_it_is_said_so():
    y, new, old = drawn("plain")
    few = told_of(y[:199], new[:199], old[:199])
    for found in (weighed.determination(few, LEVEL), weighed.root_rise(few, LEVEL)):
        assert found[1:] == (-math.inf, math.inf)
    flat = told_of(np.full(500, 3.0), new[:500], old[:500])
    assert weighed.is_flat(flat)
    assert not weighed.is_flat(few)
    assert all(math.isnan(each) for each in weighed.determination(flat, LEVEL))
    exact = told_of(y, y, old)
    assert weighed.determination(exact, LEVEL) == (1, -math.inf, math.inf)
    assert weighed.root_rise(exact, LEVEL) == (
        pytest.approx(-math.sqrt(((old - y) ** 2).mean())),
        -math.inf,
        math.inf,
    )


def estimates(fake, told, champion=None):
    """R2 and the rise of RMSE, as a suite asks for them."""
    candidate = fake(None)
    candidate.task, candidate.tell = "regression", lambda: told
    holdout = SimpleNamespace(is_streamed=True, rows=told.evidence.rows, path=Path("h.parquet"))
    asked = Ask(LEVEL, 1, None)
    champion = champion or SimpleNamespace(title="old version 1")
    return (
        numbers.r2(candidate, holdout, ask=asked),
        numbers.rmse_rise(candidate, champion, holdout, ask=asked),
    )


def test_what_is_no_number_is_said_as_of_rows_that_are_held(fake):
    y, new, old = (each[:199] for each in drawn("plain"))
    few = estimates(fake, told_of(y, new, old))
    assert [each.rows_for_bound for each in few] == [200, 200]
    assert [each.n for each in few] == [199, 199]
    flat, _ = estimates(fake, told_of(np.full(199, 3.0), new, old))
    assert (flat.method, flat.n) == ("undefined", 199)
    assert flat.detail == ("the target has one value in all rows",)
    _, alone = estimates(fake, told_of(y, new, old), NoChampion("nobody holds it"))
    assert alone == no_champion("RMSE rise", LEVEL, "nobody holds it")
    words = estimates(fake, told_of(y.astype(str), new, old))
    assert [each.method for each in words] == ["undefined"] * 2
    assert all("a regression is of numbers" in each.detail[0] for each in words)


def test_two_models_that_never_differ_may_still():
    y, new, _ = drawn("plain")
    held = regression.root_rise(new - y, new - y, LEVEL)
    found = weighed.root_rise(told_of(y, new, new, slice(0, 50)), LEVEL)
    assert found == pytest.approx(held, rel=1e-12)
    assert found[1] < 0 < found[2]


def test_a_point_decision_has_no_interval():
    told = told_of(*drawn("plain"))
    for found in (weighed.determination(told, 0.5), weighed.root_rise(told, 0.5)):
        assert found[1:] == pytest.approx(found[:1] * 2, rel=1e-12)


WHOLE = st.integers(-40, 40)


@given(
    st.lists(st.tuples(WHOLE, WHOLE), min_size=2, max_size=30),
    st.tuples(*[st.fractions(-3, 3, max_denominator=20)] * 3),
    st.sampled_from([(2, 1), (1, 1)]),
    st.data(),
)
def test_moments_of_a_polynomial_are_exact_in_any_split_and_order(rows, factors, weights, data):
    first, second = (np.array(each) / 8 for each in zip(*rows, strict=True))
    whole = Products.of(first, second, weights)
    cut = data.draw(st.integers(1, len(rows) - 1))
    parts = [Products.of(first[c], second[c], weights) for c in (slice(cut), slice(cut, None))]
    assert functools.reduce(Products.merge, data.draw(st.permutations(parts))) == whole
    top = (0, 2) if weights == (2, 1) else (0, 1)
    of = {(1, 0): factors[0], top: factors[1], (0, 0): factors[2]}
    made = [
        factors[0] * Fraction(a) + factors[1] * Fraction(b) ** top[1] + factors[2]
        for a, b in zip(first, second, strict=True)
    ]
    mean = sum(made) / len(made)
    second_power, third = (sum((each - mean) ** p for each in made) / len(made) for p in (2, 3))
    found = whole.moments(of)
    assert found[0] == pytest.approx(float(mean), abs=1e-12)
    assert found[1] == pytest.approx(float(second_power), abs=1e-6)
    assert found[1] >= float(second_power) * (1 - 1e-12)
    assert found[2] == pytest.approx(float(third), rel=1e-12, abs=1e-9)


def test_the_orders_are_those_that_three_moments_need():
    for weights, of in (((2, 1), {(1, 0), (0, 2), (0, 1)}), ((1, 1), {(1, 0), (0, 1)})):
        power = {order: Fraction(1) for order in (*of, (0, 0))}
        needed = times(times(power, power), power)
        assert {*orders(weights), (0, 0)} >= needed.keys()


def test_a_value_too_far_out_is_an_error():
    with pytest.raises(DataError, match=r"1e\+50 times as far out as is usual"):
        Products.of(np.ones(2), np.array([0, 1e50]), (2, 1))


@given(st.integers(0, 2**20), st.sampled_from([3, 1000]), st.data())
def test_outermost_rows_are_the_same_in_any_split_and_order_and_hold_the_ends(seed, values, data):
    random = np.random.default_rng(seed)
    n = data.draw(st.sampled_from([5, 60, 3000]))
    u, x = random.integers(-values, values, n) / 4, random.integers(-values, values, n) / 4
    whole = Outermost.of(u, x)
    cuts = sorted(data.draw(st.sets(st.integers(1, n - 1), max_size=4)))
    pieces = [slice(*each) for each in itertools.pairwise([0, *cuts, n])]
    parts = [Outermost.of(u[p], x[p]) for p in data.draw(st.permutations(pieces))]
    assert functools.reduce(Outermost.merge, parts) == whole
    assert whole.ends(0, 0, 0) == (u.min(), u.max())
    a, b, c = random.normal(size=3) * data.draw(st.sampled_from([0.001, 3.0]))
    made = u + a * x * x + b * x + c
    least, most = whole.ends(a, b, c)
    assert least <= made.min() + 1e-9
    assert most >= made.max() - 1e-9
    if n == 5:
        assert (least, most) == pytest.approx((made.min(), made.max()))
