"""Effects of numbers in bins: never better than those of the numbers, whatever bins and laws."""

import math

import numpy as np
import pytest

from gatekit.evidence import spread
from gatekit.evidence.spread import NumberSpread, Scale
from gatekit.gates import drift_streamed
from gatekit.stats import drift
from gatekit.stats.drift_bins import Between, Unknown

LAWS = {
    "normal": lambda random, n: random.normal(size=n),
    "few": lambda random, n: random.integers(0, 12, n).astype(float),
    "lognormal": lambda random, n: random.lognormal(0, 2, n),
    "spike": lambda random, n: np.where(random.random(n) < 0.5, 0.0, random.normal(size=n)),
    "cauchy": lambda random, n: random.standard_cauchy(n),
    "equal": lambda _, n: np.full(n, 3.0),
    "rounded": lambda random, n: np.round(random.normal(size=n), 1),
}
SHIFTS = (0.0, 0.01, 0.1, 1.0, 5.0)


def psi(reference, current):
    edges = drift.quantile_bins(reference)
    counts = (drift.counts(each, edges)[:-1] for each in (reference, current))
    return drift.psi(*counts)


def in_bins(scale, numbers):
    return drift_streamed.binned(scale, NumberSpread.of(scale, numbers))


@pytest.mark.parametrize("law", LAWS)
def test_no_bound_is_better_than_that_of_the_numbers(law, monkeypatch):
    for seed in range(15):
        random = np.random.default_rng((seed, len(law)))
        monkeypatch.setattr(spread, "QUANTILES", int(random.choice([8, 64, 4096])))
        monkeypatch.setattr(spread, "EVEN", int(random.choice([4, 512])))
        m, n = random.integers(30, 3000, 2)
        reference = LAWS[law](random, m)
        current = LAWS[law](random, n) + random.choice(SHIFTS)
        pilot = reference[: random.integers(0, m)]
        if seed % 3 == 0:
            pilot = np.sort(reference)[: pilot.size]  # it has not seen the larger ones
        scale = Scale.of(pilot)
        sides = [in_bins(scale, each) for each in (reference, current)]
        for exact, found in (
            (psi(reference, current), drift_streamed.psi_of_numbers(scale, *sides)),
            (drift.ks(reference, current), drift_streamed.ks(scale, *sides)),
            (drift.wasserstein(reference, current), drift_streamed.wasserstein(scale, *sides)),
        ):
            rounded = 1e-6 * max(1.0, exact.value)
            for level in (0.5, 0.9, 0.99):
                low, high = exact.bounds(level)
                assert found.bounds(level)[0] <= low + rounded, (seed, exact)
                assert found.bounds(level)[1] >= high - rounded, (seed, exact)
            for bar in (0.01, 0.3):
                assert found.p_above(bar) >= exact.p_above(bar) - 1e-6


def test_bins_that_hold_each_number_are_exact():
    random = np.random.default_rng(1)
    reference, current = random.integers(0, 9, 500) / 4, random.integers(1, 10, 400) / 4
    scale = Scale.of(np.unique(np.concatenate([reference, current])))
    sides = [in_bins(scale, each) for each in (reference, current)]
    assert drift_streamed.psi_of_numbers(scale, *sides) == psi(reference, current)
    assert drift_streamed.ks(scale, *sides) == drift.ks(reference, current)
    exact = drift.wasserstein(reference, current)
    found = drift_streamed.wasserstein(scale, *sides)
    assert found.bounds(0.95) == pytest.approx(exact.bounds(0.95), abs=1e-7)
    assert isinstance(found, Between)


def test_what_is_not_known_proves_nothing():
    scale = Scale.of(np.array([7.0]))
    sides = [in_bins(scale, np.random.default_rng(s).normal(size=400)) for s in (1, 2)]
    found = drift_streamed.psi_of_numbers(scale, *sides)
    assert isinstance(found, Unknown)
    assert found.bounds(0.5) == (-math.inf, math.inf)
    assert found.p_above(0.1) == 1.0
    far = in_bins(scale, np.array([1e300, 7.0]))
    assert "too far off" in drift_streamed.wasserstein(scale, far, sides[1]).why
    low, high = drift_streamed.ks(scale, *sides).bounds(0.95)
    assert (low, high) == (0.0, 1.0)
    none = in_bins(scale, np.empty(0))
    for effect in (drift_streamed.ks, drift_streamed.wasserstein):
        assert effect(scale, sides[0], none).rows_short == 50
