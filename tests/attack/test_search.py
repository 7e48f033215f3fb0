"""The attack is held to the exact margin of linear models, and to its own rules on any model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gatekit.attack import margin
from gatekit.attack.search import Pool, attack
from gatekit.attack.space import Axis, Space

RULES = {0: {"fixed": True}, 1: {"fixed": True}, 2: {"direction": 1}, 3: {"direction": -1}}


@pytest.mark.parametrize("rules", [{}, RULES], ids=["free", "constrained"])
@pytest.mark.parametrize("seed", range(3))
def test_on_a_linear_model_the_nearest_row_is_found(trial, seed, rules):
    t = trial(make_pipeline(StandardScaler(), LogisticRegression()), seed, 100, rules)
    found = attack(t.space, t.ask, t.labels, t.pool, 1000, seed)
    score = t.model.decision_function(t.rows)
    slope = t.model[-1].coef_[0] / t.model[0].scale_ * t.spread
    exact = margin.label_distance(
        np.column_stack([0 * score, score]), np.stack([0 * slope, slope]), *t.space.limits(), "l2"
    )
    reachable = np.isfinite(exact)
    assert reachable.sum() > 90
    assert not np.isfinite(found.distance[~reachable]).any()
    ratio = found.distance[reachable] / exact[reachable]
    assert ratio.min() >= 1 - 1e-9
    assert np.median(ratio) <= 1.05
    assert np.quantile(ratio, 0.95) <= 1.15
    assert found.calls < 400


def test_it_is_the_same_every_time_and_keeps_its_budget(trial):
    t = trial(LogisticRegression(max_iter=1000), 5, 20)
    one, two = (attack(t.space, t.ask, t.labels, t.pool, 200, 3) for _ in range(2))
    assert np.array_equal(one.distance, two.distance)
    assert one.queried <= 20 * (200 + 1)  # and the last look


def test_what_flips_only_once_is_no_success(trial):
    t = trial(LogisticRegression(max_iter=1000), 5, 20)
    calls = []

    def moody(columns):
        calls.append(len(columns[0]))
        # the last look asks about 20 rows at most, as the rows are
        said = t.ask(columns)
        return t.labels if len(said) == 20 and len(calls) > 5 and moody.done else said

    moody.done = False
    first = attack(t.space, t.ask, t.labels, t.pool, 1000, 0)
    assert np.isfinite(first.distance).all()
    moody.done = True
    # a model that answers the original label whenever all 20 are asked at once
    assert not np.isfinite(attack(t.space, moody, t.labels, t.pool, 1000, 0).distance).any()


@st.composite
def worlds(draw):
    """A mixed table with rules, and a model on it: a tree of two cuts, or a linear one."""
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = 6
    low, high = sorted(draw(st.tuples(st.floats(-3, 3), st.floats(-3, 3))))
    big = 2**54 + random.integers(-50, 50, n)
    axes = (
        Axis(
            "x",
            random.normal(size=n),
            spread=0.7,
            low=low,
            high=high,
            direction=draw(st.sampled_from([-1, 0, 1])),
        ),
        Axis(
            "s",
            random.normal(size=n).astype(np.float32).astype(float),
            spread=1.3,
            low=-1.1,
            high=1.1,
            single=True,
        ),
        Axis(
            "i",
            big,
            spread=9.0,
            low=2.0**54 - 64,
            high=2.0**54 + 64,
            whole=True,
            direction=draw(st.sampled_from([-1, 0, 1])),
        ),
        Axis("c", random.integers(-1, 3, n), levels=(0, 1, 2)),
        Axis("k", random.normal(size=n), spread=1.0, fixed=True),
        Axis(
            "g",
            np.where(random.random(n) < 0.5, np.nan, random.normal(size=n)),
            spread=1.0,
            low=-2,
            high=2,
        ),
    )
    weights, cut = random.normal(size=6), draw(st.floats(-1, 1))
    tree = draw(st.booleans())
    return Space(axes), weights, cut, tree, random


@settings(max_examples=40, deadline=None, derandomize=True)
@given(world=worlds())
def test_every_point_returned_keeps_every_rule_and_flips(world):
    space, weights, cut, tree, random = world

    def ask(columns):
        x, s, i, c, k, g = (np.nan_to_num(column) for column in columns)
        i = (columns[2] - 2**54) / 9.0
        if tree:
            return ((x > cut) ^ ((i > 0.5) & (c == 1)) ^ (s > 1)).astype(int)
        return (np.column_stack([x, s, i, c, k, g]) @ weights > cut).astype(int)

    start = space.values(space.origin(), np.arange(space.rows))
    for axis, value in zip(space.axes, start, strict=True):
        assert np.array_equal(value, axis.origin, equal_nan=axis.name in "gxsk")
    labels = ask(start)
    pool = random.normal(size=(50, 6))
    pool[:, 2] = pool[:, 2] + 2**54 / 9.0
    pool[:, 3] = random.integers(0, 3, 50)
    found = attack(space, ask, labels, Pool(pool, random.integers(0, 2, 50)), 300, 1)
    rows = np.flatnonzero(np.isfinite(found.distance))
    x, s, i, c, k, g = space.values(found.points[rows], rows)
    assert (ask([x, s, i, c, k, g]) != labels[rows]).all()
    for axis, value in zip(space.axes, (x, s, i), strict=False):
        was = axis.origin[rows]
        assert (value >= np.minimum(axis.low, was)).all()
        assert (value <= np.maximum(axis.high, was)).all()
        if axis.direction:
            assert (axis.direction * (value - was) >= 0).all()
    assert np.array_equal(s, s.astype(np.float32).astype(float))
    assert i.dtype == np.int64
    assert set(c) <= {-1, 0, 1, 2}
    assert np.array_equal(c == -1, space.axes[3].origin[rows] == -1)
    assert np.array_equal(k, space.axes[4].origin[rows])
    gap = np.isnan(space.axes[5].origin[rows])
    assert np.array_equal(np.isnan(g), gap)
    assert found.distance[rows] == pytest.approx(space.distance(found.points[rows], rows))
