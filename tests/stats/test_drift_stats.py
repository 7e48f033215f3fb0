"""Drift effects: values by scipy, bounds by their definitions, and a small part of the coverage."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import association

from gatekit.stats import drift

BENCH = Path(__file__).parents[2] / "bench" / "coverage_drift.py"
LEVELS = (0.8, 0.95, 0.9984)
REPLICATES = 300
CASES = (
    ("PSI", 200, 200, 0.5),
    ("PSI", 2000, 2000, 0.0),
    ("KS", 50, 50, 1.0),
    ("KS", 200, 200, 0.2),
    ("W", 50, 50, 1.0),
    ("W", 1000, 300, 0.0),
)


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("coverage_drift", BENCH)
    module = sys.modules["coverage_drift"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["coverage_drift"]


@pytest.fixture
def random():
    return np.random.default_rng(3)


def psi_by_hand(a, b):
    p, q = (a + 0.5) / (a + 0.5).sum(), (b + 0.5) / (b + 0.5).sum()
    return sum((y - x) * math.log(y / x) for x, y in zip(p, q, strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda c: " ".join(map(str, c)))
def test_bounds_hold(bench, case):
    low, high, _, _ = bench.simulate(bench.Case(*case), REPLICATES, seed=2)
    slack = 3 * math.sqrt(0.95 * 0.05 / REPLICATES)
    assert min(low, high) >= 0.95 - slack


@pytest.mark.parametrize("measure", ["V", "PSI values"])
@pytest.mark.parametrize("moved", [False, True])
def test_bounds_on_values_hold(bench, measure, moved):
    case = bench.Case(measure, 1000, 300, values=(bench.EVEN, bench.MOVED if moved else bench.EVEN))
    low, high, _, _ = bench.simulate(case, 2000, seed=2)
    assert min(low, high) >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / 2000)


def test_distances_are_those_of_scipy(random):
    for m, n in ((60, 60), (200, 77)):
        a, b = random.normal(size=m).round(1), random.normal(0.3, 2, size=n).round(1)  # with ties
        assert drift.ks(a, b).value == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)
        expected = stats.wasserstein_distance(a, b) / a.std()
        assert drift.wasserstein(a, b).value == pytest.approx(expected, rel=1e-12)


def test_v_of_samples_of_one_size_is_cramers_less_its_noise(random):
    a, b = (random.multinomial(500, (0.5, 0.3, 0.2)).astype(float) for _ in range(2))
    b[0], b[2] = b[0] - 60, b[2] + 60
    found = drift.cramers_v(a, b)
    usual = association(np.stack([a, b]).astype(int), method="cramer")
    assert math.sqrt(found.seen) == pytest.approx(usual, abs=1e-12)
    assert found.value == pytest.approx(math.sqrt(usual**2 - 2 / 1000), abs=1e-12)


def test_psi_is_the_plain_sum_less_what_no_drift_shows(random):
    a, b = (random.multinomial(1000, np.full(10, 0.1)).astype(float) for _ in range(2))
    b[0], b[9] = b[0] - 50, b[9] + 50
    found = drift.psi(a, b)
    assert found.seen == pytest.approx(psi_by_hand(a, b), abs=1e-12)
    assert found.value == pytest.approx(found.seen - 9 * (1 / 1000 + 1 / 1000), abs=1e-12)


def test_without_drift_psi_is_about_nothing_and_was_not(random):
    pairs = [(random.normal(size=200), random.normal(size=200)) for _ in range(300)]
    found = [
        drift.psi(*(drift.counts(s, drift.quantile_bins(a))[:-1] for s in (a, b))) for a, b in pairs
    ]
    assert np.mean([each.seen for each in found]) == pytest.approx(
        0.09, abs=0.01
    )  # 9 (1/200 + 1/200)
    assert np.mean([each.seen - each.noise for each in found]) == pytest.approx(0, abs=0.01)


def test_few_rows_bound_nothing_and_say_how_many_would():
    few = np.arange(40.0)
    for found, needed in (
        (drift.ks(few, few + 100), 50),
        (drift.wasserstein(few, few + 100), 50),
        (drift.psi(np.full(4, 10.0), np.full(4, 10.0)), 200),
        (drift.cramers_v(np.full(4, 10.0), np.full(4, 10.0)), 200),
    ):
        assert found.bounds(0.95) == (-math.inf, math.inf)
        assert found.rows_short == needed
        assert found.p_above(0.01) == 1.0


numbers = st.lists(st.integers(-20, 20), min_size=60, max_size=120).map(
    lambda v: np.array(v, float)
)


@given(numbers, numbers)
def test_properties_of_every_effect(a, b):
    edges = drift.quantile_bins(a)
    counts = [np.append(drift.counts(each, edges)[:-1] * 5, 5) for each in (a, b)]
    for found in (
        drift.ks(a, b),
        drift.wasserstein(a, b),
        drift.psi(*counts),
        drift.cramers_v(*counts),
    ):
        assert found.value >= 0
        spans = [found.bounds(level) for level in LEVELS]
        for low, high in spans:
            assert low <= found.value <= high
            assert not math.isnan(low + high)
        assert [low for low, _ in spans] == sorted((low for low, _ in spans), reverse=True)
        assert [high for _, high in spans] == sorted(high for _, high in spans)
        assert found.bounds(0.5) == (found.value, found.value)
        p_values = [found.p_above(bar) for bar in (0.0, 0.1, 0.5, 5.0)]
        assert p_values == sorted(
            p_values
        )  # the larger what is claimed, the less speaks against it


@given(numbers)
def test_the_same_rows_have_not_moved(a):
    for found in (drift.ks(a, a), drift.wasserstein(a, a)):
        assert found.value == 0
        assert found.bounds(0.95)[0] == 0


def test_the_test_of_a_bar_is_the_lower_bound(random):
    a, b = random.normal(size=500), random.normal(0.4, 1, 400)
    edges = drift.quantile_bins(a)
    for found in (
        drift.ks(a, b),
        drift.wasserstein(a, b),
        drift.psi(*(drift.counts(each, edges)[:-1] for each in (a, b))),
    ):
        low, _ = found.bounds(0.95)
        assert found.p_above(low) == pytest.approx(0.05, rel=1e-3)


def test_bins_hold_their_edges_and_ties_make_fewer():
    edges = drift.quantile_bins(np.arange(1000.0))
    assert drift.counts(np.arange(1000.0), edges).tolist() == [100.0] * 10 + [0.0]
    tied = drift.quantile_bins(np.repeat([0.0, 1.0], 100))
    assert drift.counts(np.repeat([0.0, 1.0], 100), tied, 7).tolist() == [100.0, 100.0, 7.0]
    assert drift.quantile_bins(np.zeros(100)).size == 0
    assert drift.quantile_bins(np.arange(60.0)).size == 2  # three bins of 20
    assert drift.counts(np.array([-5.0, 5000.0]), edges).tolist() == [1.0] + [0.0] * 8 + [1.0, 0.0]


def test_a_column_that_never_varies():
    found = drift.wasserstein(np.zeros(60), np.zeros(60))
    assert found.bounds(0.95) == (0.0, 0.0)
    away = drift.wasserstein(np.zeros(60), np.ones(60))
    assert away.value == pytest.approx(2.0)  # the spread is that of both together
    assert drift.psi(np.array([300.0]), np.array([300.0])).bounds(0.95) == (0.0, 0.0)
