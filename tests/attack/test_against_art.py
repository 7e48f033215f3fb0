"""Trees: at least as many flips as ART's HopSkipJump, for a tenth of the calls and no more rows."""

from unittest.mock import patch

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from threadpoolctl import threadpool_limits

from gatekit.attack.search import attack

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
EPSILONS = (0.1, 0.25, 0.5, 1.0, 1.5)
ROWS = 25


class Seeded(np.random.RandomState):
    """What ART makes itself without a seed, with one."""

    def __init__(self, seed=0):
        super().__init__(seed)


def hop_skip_jump(t, cost):
    """ART's distances, in spreads, after a last bisection; `cost` gets calls and rows."""
    from art.attacks.evasion import HopSkipJump
    from art.estimators.classification import BlackBoxClassifier

    def ask(x):
        cost[0] += 1
        cost[1] += len(x)
        return t.model.predict(np.asarray(x, dtype=float) * t.spread)

    scaled = t.seen / t.spread
    box = (scaled.min(axis=0).astype(np.float32), scaled.max(axis=0).astype(np.float32))
    model = BlackBoxClassifier(lambda x: np.eye(2)[ask(x)], (10,), 2, clip_values=box)
    np.random.seed(0)  # noqa: NPY002 - ART draws from the global one
    found = HopSkipJump(model, max_iter=10, max_eval=1000, init_eval=100, verbose=False)
    start = t.rows / t.spread
    with patch.object(np.random, "RandomState", Seeded):
        end = found.generate(start.astype(np.float32)).astype(float)
    flipped = ask(end) != t.labels
    low, high = np.zeros(ROWS), np.ones(ROWS)
    for _ in range(12):
        middle = (low + high) / 2
        there = ask(start + middle[:, None] * (end - start)) != t.labels
        low, high = np.where(there, low, middle), np.where(there, middle, high)
    length = np.linalg.norm(high[:, None] * (end - start), axis=1)
    return np.where(flipped, length, np.inf)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["forest", "boosted"])
def test_trees_flip_at_least_as_often_as_for_hop_skip_jump(trial, kind, seed, record_property):
    model = (
        RandomForestClassifier(15, random_state=seed)
        if kind == "forest"
        else HistGradientBoostingClassifier(max_iter=30, random_state=seed)
    )
    with threadpool_limits(1):
        t = trial(model, seed, ROWS)
        found = attack(t.space, t.ask, t.labels, t.pool, 1000, seed)
        cost = [0, 0]
        theirs = hop_skip_jump(t, cost)
    flips = [(int(np.sum(found.distance <= e)), int(np.sum(theirs <= e))) for e in EPSILONS]
    said = f"calls {found.calls} of {cost[0]}, rows {found.queried} of {cost[1]}, flips {flips}"
    said += f", median {np.median(found.distance):.3f} against {np.median(theirs):.3f}"
    record_property("figures", said)
    assert all(ours >= art for ours, art in flips), said
    assert found.calls <= cost[0] / 10, said
    assert found.queried <= cost[1], said
