"""The level spent over several uses: its arithmetic, and that it holds whoever chooses."""

import importlib.util
from itertools import product
from math import comb, isclose
from pathlib import Path

import pytest

from gatekit.stats import proportion
from gatekit.stats.spending import parts, spent

BENCH = Path(__file__).parents[2] / "bench" / "coverage_spending.py"


def test_fixed_divides_by_the_uses_and_adaptive_by_the_stories_too():
    assert parts(32, "fixed") == parts(32, "fixed", [(1, 1)] * 31) == 32
    assert parts(32, "adaptive") == 64
    assert parts(32, "adaptive", [(1, 0)] * 31) == 64  # told "no" again and again: one story
    assert parts(32, "adaptive", [(1, 0)] * 30 + [(1, 1)]) == 32 * 4 * 31
    assert parts(32, "adaptive", [(3, 2), (3, 1)]) == 32 * 2**4 * comb(6, 3)


def test_more_passes_never_take_fewer_parts():
    for told in (1, 5, 12):
        found = [parts(4, "adaptive", [(told, m)]) for m in range(told + 1)]
        assert found == sorted(found)


@pytest.mark.parametrize("length", [0, 1, 4, 9])
def test_the_parts_of_all_stories_of_one_length_are_at_most_one_use(length):
    stories = product((0, 1), repeat=length)
    total = sum(1 / parts(1, "adaptive", [(1, told) for told in story]) for story in stories)
    assert total <= 1


def test_a_level_spent_over_32():
    assert isclose(spent(0.95, 32), 1 - 0.05 / 32)
    assert spent(0.5, 32) == 0.5  # a point decision ignores its uncertainty anyway
    low, _ = proportion.bounds(377, 400, spent(0.95, 32))
    assert low < 0.9 <= proportion.bounds(377, 400, 0.95)[0]  # 0.9425 of 400 no longer proves 0.90


RUNS = 1000
SLACK = 3 * (0.05 * 0.95 / RUNS) ** 0.5


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("coverage_spending", BENCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("spending", ["fixed", "adaptive"])
def test_of_models_chosen_beforehand_none_at_the_bar_passes(bench, spending):
    assert bench.share_of_runs("without a look", RUNS, 0.9, spending) <= 0.05 + SLACK


@pytest.mark.parametrize("bar", [0.65, 0.7])
def test_whoever_chooses_by_verdicts_passes_nothing_bad_where_stories_are_counted(bench, bar):
    assert bench.share_of_runs("by verdicts", RUNS, bar, "adaptive") <= 0.05 + SLACK


def test_that_chooser_is_dangerous(bench):
    """Else the test above would hold whatever was spent."""
    assert bench.share_of_runs("by verdicts", RUNS, 0.65, "fixed") > 0.1


def test_whoever_chooses_by_values_beats_either(bench):
    """So adaptive spending tells no values, and fixed promises nothing to those who use them."""
    assert bench.share_of_runs("by values", RUNS, 0.65, "fixed") > 0.3
    assert bench.share_of_runs("by values", RUNS, 0.65, "adaptive") > 0.2
