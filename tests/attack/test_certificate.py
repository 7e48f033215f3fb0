"""The exact distance of sums over columns, against trying everything."""

from itertools import product

import numpy as np
import pytest

from gatekit.attack import certificate, margin
from gatekit.attack.certificate import Sums


def sums(seed, labels, costs, numbers=3, levels=3, rows=6):
    random = np.random.default_rng(seed)
    given = random.normal(size=(len(costs), levels, labels))  # what each level gives
    at = random.integers(0, levels, (rows, len(costs)))
    slopes = random.normal(size=(labels, numbers))
    scores = random.normal(size=(rows, labels)) * 2
    above = given[:, :, None, :] - given[:, :, :, None]  # [column, level, y, k]
    here = np.take_along_axis(above[None], at[:, :, None, None, None], axis=2)[:, :, 0]
    gains = above.max(axis=1)[None] - here
    down, up = -random.random((rows, numbers)), random.random((rows, numbers))
    down[:, 0] = 0  # may only rise
    made = Sums(scores, slopes, down, up, gains, np.array(costs))
    return made, given, at


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("costs", [(), (1.0, 1.0), (1.0, 0.5, 1.0)])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_least_over_all_levels(seed, labels, costs):
    made, given, at = sums(seed, labels, costs)
    found = certificate.distances(made)
    for row in range(len(found)):
        own, best = int(np.argmax(made.scores[row])), np.inf
        for chosen in product(range(3), repeat=len(costs)):
            moved = sum(given[c, v] - given[c, at[row, c]] for c, v in enumerate(chosen))
            square = sum(costs[c] ** 2 for c, v in enumerate(chosen) if v != at[row, c])
            for k in set(range(labels)) - {own}:
                score = made.scores[row] + moved
                gap = max(float(score[own] - score[k]), 0.0)
                normal = (made.slopes[k] - made.slopes[own])[None]
                reach = margin.plane_distance(
                    np.array([gap]), normal, made.down[row : row + 1], made.up[row : row + 1], "l2"
                )[0]
                best = min(best, np.hypot(reach, np.sqrt(square)))
        assert found[row] == pytest.approx(best, abs=1e-12)


def test_too_many_costs_are_said():
    made, _, _ = sums(0, 2, tuple(1.0 + 0.1 * i for i in range(13)))
    with pytest.raises(ValueError, match="too many different costs"):
        certificate.distances(made)
