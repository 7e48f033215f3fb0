"""The search for weak segments, against sliceline and against brute force."""

import warnings

import numpy as np
import pytest

from gatekit.stats import proportion
from gatekit.stats.weakest import Coded, weakest


def rows(seed, n=3000, columns=5, weak=0.4):
    random = np.random.default_rng(seed)
    x = random.integers(0, 4, (n, columns))
    planted = (x[:, 1] == 2) & (x[:, 3] == 0)
    return x, random.random(n) >= np.where(planted, weak, 0.1)


def found(x, right, support=50, **how):
    return weakest([Coded(c, int(c.max()) + 1) for c in x.T], right, support, 0.95, **how)


@pytest.mark.parametrize("seed", range(5))
def test_the_planted_crossing_comes_first(seed):
    assert found(*rows(seed))[0].where == ((1, 2), (3, 0))


def test_it_names_what_sliceline_names():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where numba is absent
        slicefinder = pytest.importorskip("sliceline.slicefinder").Slicefinder
    x, right = rows(1)
    finder = slicefinder(alpha=0.95, k=1, max_l=2, min_sup=50, verbose=False)
    finder.fit(x, (~right).astype(float))
    theirs = tuple((c, v) for c, v in enumerate(finder.top_slices_[0]) if v is not None)
    assert found(x, right)[0].where == theirs


def test_the_worst_is_the_worst_of_all_by_brute_force():
    x, right = rows(3, weak=0.15)
    best = None
    for a in range(5):
        for b in range(a, 5):
            for v in range(4):
                for w in range(4):
                    inside = (x[:, a] == v) & (x[:, b] == w)
                    k, n = int(right[inside].sum()), int(inside.sum())
                    if n < 50 or (a == b and v != w):
                        continue
                    high = float(proportion.bounds(k, n, 0.95)[1])
                    best = high if best is None else min(best, high)
    assert found(x, right)[0].accuracy_at_most == pytest.approx(best)


def test_none_has_too_few_rows_or_holds_another():
    x, right = rows(2, n=600)
    named = found(x, right, support=60, most=20)
    for segment in named:
        inside = np.all([x[:, c] == v for c, v in segment.where], axis=0)
        assert inside.sum() >= 60
        assert right[inside].mean() < right.mean()
    for i, one in enumerate(named):
        assert not any(one.overlaps(other) for other in named[i + 1 :])


def test_a_model_that_is_always_right_has_no_weak_segment():
    x, right = rows(2)
    assert found(x, right | True) == []
