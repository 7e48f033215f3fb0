"""Bounds hold as often as they say: a small part of `bench/coverage.py`, with a fixed seed."""

import importlib
import math
import sys
from pathlib import Path

import pytest

BENCH = str(Path(__file__).parents[2] / "bench")
REPLICATES = 2000
CASES = {
    "coverage_counts": [
        ("accuracy", "90% right", 400),
        ("precision", "one in fifty, half found", 100),
        ("MCC", "one in fifty, half found", 400),
        ("macro F1", "three labels, 70 to 90 % right", 400),
        ("worst slice", "12 of 80 %", 360),
        ("accuracy gain", "won none, lost 1 %", 400),
        ("accuracy gain", "won 0.05 %, lost 0.5 %", 400),
        ("accuracy gain", "won 1 %, lost none", 400),
        ("quantile", "0.99 of times", 1000),
    ],
    "coverage_scores": [
        ("AUC", "0.95", 300),
        ("average precision", "1 apart, half", 120),
        ("AUC gain", "0.8, much alike", 90),
        ("log loss", "calibrated, one in fifty", 50),
        ("Brier score", "twice too low, one in twenty", 50),
        ("calibration error", "twice too high, one in twenty", 750),
        ("calibration gap", "2 groups, rare, one too high", 1500),
        ("log loss rise", "calibrated, one in fifty", 50),
    ],
    "coverage_numbers": [
        ("MAE", "exponential errors", 50),
        ("RMSE", "exponential errors", 200),
        ("R2", "skewed errors (lognormal 0.5)", 200),
        ("|bias|", "normal errors, shifted", 50),
        ("MAE gain", "exponential errors", 50),
        ("RMSE rise", "normal errors", 200),
    ],
    "coverage_own": [
        ("mean of own losses", "|error|, exponential less 1", 200),
        ("mean of own losses", "profit: -5 or 1, 1 in 10 lost", 200),
    ],
}
SLACK = 3 * math.sqrt(0.95 * 0.05 / REPLICATES)


@pytest.fixture(scope="module")
def cases():
    sys.path.insert(0, BENCH)
    try:
        found = {name: importlib.import_module(name).cases() for name in CASES}
    finally:
        sys.path.remove(BENCH)
    return {(c.measure, c.law, c.rows): c for made in found.values() for c in made}


@pytest.mark.parametrize("key", [key for keys in CASES.values() for key in keys])
def test_both_bounds_hold_and_a_bar_at_the_truth_is_hardly_ever_cleared(cases, key):
    case = cases[key]
    seen = case.simulate(REPLICATES, 0.95, seed=7)
    lower, upper, blank = seen.shares()
    assert min(lower, upper) >= 0.95 - SLACK
    assert blank < 0.3  # bounds that are never there would hold too
    assert min(lower, upper) < 1 or case.measure in ("log loss", "Brier score", "calibration gap")


def test_draws_that_end_early_say_what_the_product_says(cases):
    """The simulation of a table's measure ends its draws early; `confusion.bounds` does not."""
    import numpy as np

    from gatekit.stats import confusion

    bench = sys.modules["coverage_counts"]
    law = "30 %, 97 to 99 % right"
    target = float(confusion.matthews(bench.TABLES[law]))
    seen = bench._of_table("MCC", law, 200, np.random.default_rng(3), 60, 0.95)
    random = np.random.default_rng(3)
    tables = random.multinomial(200, bench.TABLES[law].ravel(), 60).reshape(-1, 2, 2)
    ours = np.array([confusion.bounds(confusion.matthews, t, 0.95, 5)[1:] for t in tables])
    assert np.mean(seen.lower == (ours[:, 0] <= target)) >= 0.95
    assert np.mean(seen.upper == (ours[:, 1] >= target)) >= 0.95


def test_too_few_rows_are_open_and_never_a_narrow_interval(cases):
    for key in (("RMSE", "exponential errors", 50), ("R2", "normal errors", 50)):
        assert cases[key].simulate(50, 0.95, seed=1).blank.all()
