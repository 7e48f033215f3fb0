"""Poisson weights by row: the same sums for any split and order, and bounds that hold."""

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gatekit.errors import DataError
from gatekit.evidence import weighed as weighing
from gatekit.evidence.weighed import FROM, Weighed, weighed, weights
from gatekit.stats import resampling

PART = "holdout.parquet#3"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([1.0, 1e3, 1e9, 1e25]), st.data())
def test_any_split_and_order_gives_the_same_sums(seed, far, data):
    random = np.random.default_rng(seed)
    n, replicates = data.draw(st.integers(2, 300)), data.draw(st.sampled_from([0, 1, 33, 64]))
    columns = {"rows": np.ones(n), "cost": random.standard_cauchy(n) * far}
    first = data.draw(st.integers(0, 2**40))
    whole = weighed(columns, (PART, first), replicates)
    cuts = sorted(data.draw(st.sets(st.integers(1, n - 1), max_size=4)))
    pieces = [slice(*each) for each in itertools.pairwise([0, *cuts, n])]
    parts = [
        weighed({k: v[p] for k, v in columns.items()}, (PART, first + p.start), replicates)
        for p in data.draw(st.permutations(pieces))
    ]
    for name in columns:
        assert functools.reduce(Weighed.merge, [each[name] for each in parts]) == whole[name]
    counts = weights((PART, first), n, replicates).astype(object)
    units = np.array([int(v) for v in np.rint(columns["cost"] * 2.0**32)], dtype=object)
    assert whole["cost"].whole == units.sum()
    assert list(whole["cost"].replicates) == list(units @ counts)
    assert list(whole["rows"].replicates) == [each << 32 for each in counts.sum(axis=0)]


def test_a_row_weighs_the_same_wherever_its_block_begins_and_another_row_otherwise():
    whole = weights((PART, 0), 500, 100)
    assert np.array_equal(weights((PART, 321), 9, 100), whole[321:330])
    others = (weights(("holdout.parquet#4", 0), 500, 100), weights((PART, 500), 500, 100))
    for other in others:
        assert abs(np.corrcoef(whole.ravel(), other.ravel())[0, 1]) < 0.02


def test_the_mean_and_the_variance_of_a_weight_are_exactly_those_of_poisson():
    parts = np.diff([0, *FROM, 256])
    often = np.arange(parts.size)
    assert [int(parts @ often**power) for power in (0, 1, 2)] == [256, 256, 512]
    assert parts @ (often - 1.0) ** 3 / 256 == 63 / 64
    drawn = weights((PART, 0), 40_000, 64).astype(float)
    assert drawn.mean() == pytest.approx(1, abs=0.003)
    assert drawn.var() == pytest.approx(1, abs=0.006)
    assert np.abs(np.corrcoef(drawn, rowvar=False) - np.eye(64)).max() < 0.03


LAWS = {
    "shares": (lambda random, n: (random.random(n) < 0.1).astype(float), 0.1),
    "skewed": (lambda random, n: random.exponential(size=n), 1.0),
}
ROWS, REPLICATES, RUNS, LEVEL = 5000, 400, 200, 0.95


@pytest.mark.parametrize("law", LAWS)
def test_bounds_of_replicates_hold_and_are_as_wide_as_exact_ones(law):
    """The share of right rows by Clopper and Pearson, the mean of a skewed loss by the normal."""
    draw, true = LAWS[law]
    random = np.random.default_rng(8)
    held, ratios = np.zeros(2), []
    for run in range(RUNS):
        values = draw(random, ROWS)
        found = weighed({"rows": np.ones(ROWS), "it": values}, (f"run {run}", 0), REPLICATES)
        made, counts = (np.array(found[k].replicates, float) for k in ("it", "rows"))
        low, high, _ = resampling.of_replicates(values.mean(), made / counts, ROWS, LEVEL)
        held += low <= true, high >= true
        spread = math.sqrt(true * (1 - true)) if law == "shares" else 1.0
        ratios.append((high - low) / (2 * stats.norm.ppf(LEVEL) * spread / math.sqrt(ROWS)))
    least = LEVEL - 3 * math.sqrt(LEVEL * (1 - LEVEL) / RUNS)
    assert (held / RUNS >= least).all(), held / RUNS
    # the bounds take four fifths of the error: 1.75 standard errors where 1.64 would do
    lean = stats.norm.ppf(1 - resampling.LEAN * (1 - LEVEL)) / stats.norm.ppf(LEVEL)
    assert np.median(ratios) == pytest.approx(lean, rel=0.03)
    if law == "shares":
        right = round(values.sum())
        exact = stats.binomtest(right, ROWS).proportion_ci(1 - 2 * 0.8 * (1 - LEVEL), "exact")
        assert (low, high) == pytest.approx(tuple(exact), abs=0.1 * (exact.high - exact.low))


def test_replicates_that_say_nothing_give_no_bound():
    def bounds(made, rows=ROWS, level=LEVEL, value=1.0):
        return resampling.of_replicates(value, np.array(made), rows, level)

    assert bounds([1.0, 1.0])[:2] == (-math.inf, math.inf)
    assert bounds([0.5, 2.0], rows=4999)[:2] == (-math.inf, math.inf)
    assert bounds([0.5, 2.0], level=0.9999)[:2] == (-math.inf, math.inf)
    assert all(math.isnan(each) for each in bounds([0.5, np.nan])[:2])
    assert bounds([], level=0.5)[:2] == (1, 1)
    assert bounds([2.0, 3.0])[0] == 1  # a bound never lies on the value's other side
    assert [resampling.replicates_for(level) for level in (0.5, 0.95, 0.999, 0.9999)] == [
        0, 2000, 20_000, 0,
    ]  # fmt: skip


def test_a_value_too_large_to_be_added_is_an_error(monkeypatch):
    with pytest.raises(DataError, match=r"1e\+95 times the usual is too large"):
        weighed({"rows": np.ones(2), "cost": np.array([0, 1e95])}, (PART, 0), 4)
    monkeypatch.setattr(weighing, "AT_ONCE", 64)  # rows in other steps
    few = weighed({"it": np.arange(9.0)}, (PART, 0), 4)
    monkeypatch.undo()
    assert few == weighed({"it": np.arange(9.0)}, (PART, 0), 4)
