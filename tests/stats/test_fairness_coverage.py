"""The joint fairness bounds hold jointly: a small part of `bench/coverage_fairness.py`."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench" / "coverage_fairness.py"
REPLICATES = 1000
CASES = ("2 groups of 200, 0.5", "10 groups of 100, 0.2", "ratio, 5 of 400 to 100")


@pytest.fixture(scope="module")
def bench():
    import sys

    spec = importlib.util.spec_from_file_location("coverage_fairness", BENCH)
    module = sys.modules["coverage_fairness"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["coverage_fairness"]


@pytest.mark.parametrize("title", CASES)
def test_every_difference_is_covered_at_once(bench, title):
    (case,) = (each for each in bench.GRID if each.title == title)
    held, exact = bench.simulate(case, REPLICATES, seed=5)
    slack = 3 * math.sqrt(0.95 * 0.05 / REPLICATES)
    assert held.min() >= 0.95 - slack
    assert held[0] <= 0.99  # bounds so wide that they always hold would prove nothing
    assert exact < 0.2


def test_the_simulation_judges_by_the_products_own_bounds(bench):
    """Curtailed resampling says what `gaps.gaps` says: the gap is covered by both or by neither."""
    from gatekit.stats import gaps

    (case,) = (each for each in bench.GRID if each.title == "2 groups of 200, 0.5")
    truths = case.truths()
    counts = np.random.default_rng(8).multinomial(case.n, case.law, size=200)
    needed = np.stack(bench.needed(case.read(counts), truths, "difference"), axis=1)
    said = bench.exceeded(case, counts, needed, np.random.default_rng(9))[:, 0]
    random, ours = np.random.default_rng(10), []
    for row in counts:
        made = gaps.gaps(
            case.read(row),
            lambda b, row=row: [case.read(random.multinomial(case.n, row / case.n, size=b))],
            0.95,
            "difference",
        )
        ours.append(made.low[0][0, 1] <= 0 <= made.high[0][0, 1])
    assert np.mean(said == np.array(ours)) >= 0.98  # two streams of resamples, one method
    assert 0 < np.mean(ours) < 1
