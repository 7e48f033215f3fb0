"""The search over levels and quantiles: for trees, whose boundary has no normal, and for words.

Rows of another label, single columns set to a level or a quantile, random pairs and triples of
such settings; then every column of what flipped is taken back as far as it will go.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatekit.attack.hunt import Hunt
from gatekit.attack.space import Indexes, Points

QUANTILES = 8
POLISH_STEPS = 5
MOST_LEVELS = 20  # of a category tried alone
MOST_TOGETHER = 4


def settings(hunt: Hunt, pool: Points, quantiles: int = QUANTILES) -> list[NDArray[np.float64]]:
    """Values to set a column to: levels, or quantiles of the pool as points of row 0's making."""
    found = []
    for i, axis in enumerate(hunt.space.axes):
        if axis.is_category:
            levels = np.unique(pool[:, i][pool[:, i] >= 0])
            found.append(
                levels[:: max(1, len(levels) // MOST_LEVELS)] if len(levels) else np.zeros(1)
            )
        else:
            found.append(np.unique(np.quantile(pool[:, i], np.linspace(0, 1, quantiles))))
    return found


def neighbours(hunt: Hunt, pool: Points, other: NDArray[np.bool_], most: int) -> list[Points]:
    """The `most` nearest rows of the pool with another label, for each row; projected."""
    found = []
    for row in range(hunt.space.rows):
        candidates = pool[other[row]] - shift(hunt, row)
        rows = np.full(len(candidates), row)
        candidates = hunt.space.project(candidates, rows)
        order = np.argsort(hunt.space.distance(candidates, rows), kind="stable")
        found.append(candidates[order[:most]])
    return found


def shift(hunt: Hunt, row: int) -> NDArray[np.float64]:
    """What turns a value in spreads into a displacement of that row, (d,)."""
    parts = [
        0.0 if a.is_category or a.spread <= 0 else float(a.origin[row]) / a.spread
        for a in hunt.space.axes
    ]
    return np.array([0.0 if np.isnan(part) else part for part in parts])


def singles(hunt: Hunt, grid: list[NDArray[np.float64]]) -> None:
    """Every column alone, set to every value of the grid."""
    points, rows = [], []
    free = hunt.space.movable()
    for row in range(hunt.space.rows):
        moved = shift(hunt, row)
        for i, values in enumerate(grid):
            if not free[row, i]:
                continue
            made = np.repeat(hunt.space.origin()[row][None, :], len(values), axis=0)
            made[:, i] = values - moved[i]
            points.append(made)
            rows.append(np.full(len(values), row))
    if points:
        _ask_useful(hunt, np.concatenate(points), np.concatenate(rows))


def together(
    hunt: Hunt, grid: list[NDArray[np.float64]], tries: int, random: np.random.Generator
) -> None:
    """Random settings of two to four columns at once, no farther than the best point so far."""
    n, d = hunt.space.rows, len(grid)
    rows = np.repeat(np.arange(n), tries)
    drawn = np.column_stack([random.choice(values, n * tries) for values in grid])
    drawn -= np.array([shift(hunt, row) for row in range(n)])[rows]
    count = random.integers(2, MOST_TOGETHER + 1, n * tries)
    rank = np.argsort(random.random((n * tries, d)), axis=1).argsort(axis=1)
    points = np.where(rank < count[:, None], drawn, hunt.space.origin()[rows])
    # half of them start from the best point: one more column, or one set otherwise
    half = random.random(n * tries) < 0.5  # noqa: PLR2004 - half of them
    mixed = np.where(rank < 2, drawn, hunt.best[rows])  # noqa: PLR2004 - two columns
    _ask_useful(hunt, np.where(half[:, None], mixed, points), rows)


def _ask_useful(hunt: Hunt, points: Points, rows: Indexes) -> None:
    """Ask only what would be nearer than what is known."""
    points = hunt.space.project(points, rows)
    length = hunt.space.distance(points, rows)
    useful = (length > 0) & (length < hunt.distance[rows])
    order = np.argsort(length[useful], kind="stable")
    hunt.flips(points[useful][order], rows[useful][order])


def polish(hunt: Hunt, points: Points, rows: Indexes) -> Points:
    """Take each column of the flipped points back as far as the flip lasts, the largest first."""
    points = points.copy()
    origin = hunt.space.origin()[rows]
    size = np.abs(np.where(hunt.space.categories(), points != origin, points - origin))
    order = np.argsort(-size, axis=1, kind="stable")
    every = np.arange(len(points))
    for place in range(points.shape[1]):
        column = order[:, place]
        active = size[every, column] > 0
        if not active.any():
            break
        at, which = every[active], column[active]
        points[at, which] = _least(hunt, points[active], origin[active], rows[active], which)
    return points


def _least(
    hunt: Hunt, points: Points, origin: Points, rows: Indexes, column: NDArray[np.intp]
) -> NDArray[np.float64]:
    """How little of one column's move is enough for each point, (m,)."""
    every = np.arange(len(points))
    low, high = origin[every, column], points[every, column].copy()
    trial = points.copy()
    trial[every, column] = low
    back = hunt.flips(trial, rows)
    high[back] = low[back]
    open_ = np.flatnonzero(~back & ~hunt.space.categories()[column])
    for _ in range(POLISH_STEPS):
        if not open_.size:
            break
        middle = (low[open_] + high[open_]) / 2
        part = trial[open_]
        part[np.arange(open_.size), column[open_]] = middle
        flipped = hunt.flips(part, rows[open_])
        high[open_] = np.where(flipped, middle, high[open_])
        low[open_] = np.where(flipped, low[open_], middle)
    return high
