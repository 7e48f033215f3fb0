"""The hunt: who is asked, what it costs, and the best point found for every row.

Every question goes through `Hunt.flips`, which asks about projected points only. So whatever is
remembered as a success is an allowed row that the model really labelled otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.attack.space import Indexes, Points, Space

Floats = NDArray[np.float64]
Ask = Callable[[list[NDArray[Any]]], NDArray[Any]]  # columns of m rows -> m labels
LARGEST_CALL = 20_000  # rows


class Hunt:
    """A search in progress: best points (n, d), their distances (n,), and the account of queries.

    `labels` are the model's own for the rows as they are. `queries` rows may be asked for each of
    them; a question beyond that is not asked, and what it would have shown is not known.
    """

    def __init__(self, space: Space, ask: Ask, labels: NDArray[Any], queries: int) -> None:
        self.space = space
        self.labels = labels
        self.best = space.origin()
        self.distance = np.full(space.rows, np.inf)
        self.left = queries * space.rows
        self.calls = 0
        self.asked = 0
        self._ask = ask

    def flips(self, points: Points, rows: Indexes) -> NDArray[np.bool_]:
        """Which of the points the model labels unlike the row they come from, (m,).

        Points are projected before. What cannot be asked any more counts as no flip.
        """
        flipped = np.zeros(len(points), dtype=bool)
        end = min(len(points), self.left)
        for start in range(0, end, LARGEST_CALL):
            part = slice(start, min(start + LARGEST_CALL, end))
            allowed = self.space.project(points[part], rows[part])
            said = self._ask(self.space.values(allowed, rows[part]))
            flipped[part] = said != self.labels[rows[part]]
            self._remember(allowed[flipped[part]], rows[part][flipped[part]])
            self.calls += 1
        self.asked += end
        self.left -= end
        return flipped

    def _remember(self, points: Points, rows: Indexes) -> None:
        if not len(points):
            return
        length = self.space.distance(points, rows)
        order = np.lexsort((length, rows))  # the nearest of each row comes first
        first = np.unique(rows[order], return_index=True)[1]
        chosen = order[first]
        better = chosen[length[chosen] < self.distance[rows[chosen]]]
        self.best[rows[better]] = points[better]
        self.distance[rows[better]] = length[better]

    @property
    def found(self) -> Indexes:
        """The rows with a success so far."""
        return np.flatnonzero(np.isfinite(self.distance))


def closer(hunt: Hunt, far: Points, near: Points, rows: Indexes, steps: int) -> Points:
    """Bisect numbers from `far` (flipped) towards `near`; categories stay as in `far`, (m, d)."""
    near = np.where(hunt.space.categories(), far, near)
    low, high = np.zeros(len(far)), np.ones(len(far))
    for _ in range(steps):
        middle = (low + high) / 2
        flipped = hunt.flips(near + middle[:, None] * (far - near), rows)
        high, low = np.where(flipped, middle, high), np.where(flipped, low, middle)
    return near + high[:, None] * (far - near)
