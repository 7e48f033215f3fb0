"""Values that were counted, in any parts and order, are the values themselves."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.evidence.histogram import Histogram
from gatekit.stats import quantile

TIMES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=200)


def same(one, other):
    return (one.values == other.values).all() and (one.counts == other.counts).all()


def pairs(times):
    found = Histogram.of(times)
    return list(zip(found.values, found.counts, strict=True))


@given(times=TIMES, data=st.data())
def test_any_split_and_order_gives_the_same(times, data):
    whole = Histogram.of(times)
    cut = data.draw(st.integers(0, len(times)))
    one, other = pairs(times[:cut]), pairs(times[cut:])
    assert same(Histogram.of_counts(one + other), whole)
    assert same(Histogram.of_counts(other + one), whole)
    assert whole.n == len(times)


@given(times=TIMES)
def test_the_order_of_values_is_that_of_the_sample(times):
    counted = Histogram.of(times)
    assert [counted.smallest(rank + 1) for rank in range(len(times))] == sorted(times)


@pytest.mark.parametrize("q", [0.01, 0.5, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 20, 400])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_bounds_are_those_of_the_sample(n, q, level):
    sample = np.round(np.random.default_rng(n).lognormal(size=n), 1)  # many come again
    assert quantile.bounds_of(Histogram.of(sample), q, level) == quantile.bounds(sample, q, level)


def test_of_nothing_or_of_no_number_there_is_no_quantile():
    for sample in ([], [1.0, math.nan], [1.0, math.inf]):
        assert all(map(math.isnan, quantile.bounds_of(Histogram.of(sample), 0.5, 0.95)))


def test_pairs_that_come_again_are_added():
    found = Histogram.of_counts([(2.0, 3), (1.0, 1), (2.0, 2)])
    assert found.values.tolist() == [1.0, 2.0]
    assert found.counts.tolist() == [1, 5]
    assert Histogram.of_counts([]).n == 0
