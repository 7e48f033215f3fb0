"""The exact distance to another label where a score is a sum over columns: what can be proved.

Numbers move within a box, categories jump to another level at a cost. A jump of column c gives at
most its best gain, so of columns of one cost those with the largest gains are jumped first: it is
enough to try how many of each cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from gatekit.attack.margin import plane_distance

FAR = 20.0  # spreads: as which a row counts that has no other label within its rules
MOST_PLANS = 4096  # ways to say how many columns of each cost are jumped
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sums:
    """Scores as sums over columns, of n rows, K labels, d numbers and c categories.

    `scores` (n, K); `slopes` (K, d) in score for each spread; `down` and `up` (n, d) how far a
    number may go; `gains` (n, c, K, K), at [.., y, k]: by how much the best level of a category
    raises the score of label k above that of y, never below 0; `costs` (c,) of a jump, in spreads.
    """

    scores: Floats
    slopes: Floats
    down: Floats
    up: Floats
    gains: Floats
    costs: Floats


def plans(costs: Floats) -> int:
    """How many ways there are to say how many columns of each cost are jumped."""
    _, sizes = np.unique(costs, return_counts=True)
    return int(np.prod(sizes + 1.0))


def distances(sums: Sums) -> Floats:
    """How far each row is from the nearest allowed row with another label, (n,); inf if none is.

    Exact where numbers may be fractions; a lower bound where some have to be whole.

    Raises:
        ValueError: the costs leave more than `MOST_PLANS` ways to try.
    """
    if plans(sums.costs) > MOST_PLANS:
        raise ValueError(f"categories have too many different costs to try all of {MOST_PLANS:,}")
    own = np.argmax(sums.scores, axis=1)
    rows = np.arange(len(own))
    best = np.full(len(own), np.inf)
    for k in range(sums.scores.shape[1]):
        gap = sums.scores[rows, own] - sums.scores[:, k]
        normal = sums.slopes[k][None, :] - sums.slopes[own]
        gains = sums.gains[rows, :, own, k]
        for cost, gained in _jumps(gains, sums.costs):
            rest = np.maximum(gap - gained, 0.0)
            moved = plane_distance(rest, normal, sums.down, sums.up, "l2")
            found = np.where(rest > 0, np.hypot(moved, cost), cost)
            best = np.where(own == k, best, np.minimum(best, found))
    return best


def _jumps(gains: Floats, costs: Floats) -> list[tuple[float, Floats]]:
    """Each way to jump: its length in spreads, and what it gains in every row, (n,)."""
    groups = []
    for cost in np.unique(costs):
        falling = -np.sort(-gains[:, costs == cost], axis=1)
        none = np.zeros((len(gains), 1))
        groups.append((cost**2, np.concatenate([none, np.cumsum(falling, axis=1)], axis=1)))
    made = []
    for counts in product(*(range(total.shape[1]) for _, total in groups)):
        square = sum(n * cost for n, (cost, _) in zip(counts, groups, strict=True))
        gained = [total[:, n] for n, (_, total) in zip(counts, groups, strict=True)]
        made.append(
            (float(square) ** 0.5, np.sum(gained, axis=0) if gained else np.zeros(len(gains)))
        )
    return made
