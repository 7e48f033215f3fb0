"""The walk on a boundary: where it runs is measured, then the nearest point of its plane is sought.

Around a point on the boundary every column is moved a little, and the way back to the boundary is
found by bisection: each crossing is one equation on the normal. With the normal known the nearest
point in the box lies on the path clip(t normal, down, up) (`margin.nearest`), so one more bisection
along that path finds it. Exact for a linear model up to the bisections; for a smooth one it is
repeated. Labels only; all rows in every call. After HopSkipJump (Chen, Jordan and Wainwright 2020),
which estimates the normal from random signs instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatekit.attack.hunt import Floats, Hunt
from gatekit.attack.space import Indexes, Points

CROSSING_STEPS = 7
PATH_STEPS = 12
REACH = 4.0  # how far a crossing is sought, in units of the columns' move
MOST_COLUMNS = 40  # moved in one round; of more, a random part


def walk(hunt: Hunt, rows: Indexes, reach: float, random: np.random.Generator) -> None:
    """One round for the given rows, from their best points: measure the normal, follow it.

    `reach` is how far the columns are moved, as a share of the distance found so far.
    """
    columns = _columns(hunt, rows, random)
    if not len(rows) or not columns.size:
        return
    start = hunt.best[rows]
    normal = _normal(hunt, start, rows, columns, reach)
    _follow(hunt, start, normal, rows)


def _columns(hunt: Hunt, rows: Indexes, random: np.random.Generator) -> NDArray[np.intp]:
    numbers = np.flatnonzero(hunt.space.movable()[rows].any(axis=0) & ~hunt.space.categories())
    if numbers.size > MOST_COLUMNS:
        numbers = np.sort(random.choice(numbers, MOST_COLUMNS, replace=False))
    return numbers


def _normal(
    hunt: Hunt, start: Points, rows: Indexes, columns: NDArray[np.intp], reach: float
) -> Points:
    """The normal of the boundary at `start`, (m, d), of any length, towards the other label."""
    space, m, k = hunt.space, len(rows), len(columns)
    down, up = (limit[rows] for limit in space.limits())
    numbers = np.where(space.categories(), 0.0, start)
    length = np.linalg.norm(numbers, axis=1, keepdims=True)
    outward = np.divide(numbers, length, out=np.zeros_like(numbers), where=length > 0)
    delta = np.maximum(reach * length[:, 0], 1e-9)
    # (m, k, d): one moved copy for each column, towards the side with more room
    moved = np.repeat(start[:, None, :], k, axis=1)
    room_up = (up - start)[:, columns] >= (start - down)[:, columns]
    units = _unit(hunt)[columns]
    step = np.maximum(delta[:, None], units) * np.where(room_up, 1.0, -1.0)
    moved[:, np.arange(k), columns] += step
    many = np.repeat(rows, k)
    base = space.project(moved.reshape(m * k, -1), many)
    along = np.repeat(outward * (delta * REACH)[:, None], k, axis=0)
    crossing = _crossing(hunt, base, along, many).reshape(m, k, -1)
    return _solve(crossing - start[:, None, :], outward, columns)


def _crossing(hunt: Hunt, base: Points, along: Points, rows: Indexes) -> Points:
    """Where the lines base + t along, -1 <= t <= 1, cross the boundary, as allowed points."""
    low, high = np.full(len(base), -1.0), np.full(len(base), 1.0)
    for _ in range(CROSSING_STEPS):
        middle = (low + high) / 2
        flipped = hunt.flips(base + middle[:, None] * along, rows)
        high, low = np.where(flipped, middle, high), np.where(flipped, low, middle)
    return hunt.space.project(base + ((low + high) / 2)[:, None] * along, rows)


def _solve(steps: Points, outward: Points, columns: NDArray[np.intp]) -> Points:
    """The vector at right angles to all steps (m, k, d) as nearly as can be, and 1 along outward.

    Least squares with a small ridge, so that steps that were clipped away do no harm.
    """
    steps, ahead = steps[:, :, columns], outward[:, columns]
    size = np.linalg.norm(steps, axis=2, keepdims=True)
    steps = np.divide(steps, size, out=np.zeros_like(steps), where=size > 0)
    rows = np.concatenate([steps, ahead[:, None, :]], axis=1)  # (m, k + 1, k)
    square = np.einsum("mij,mik->mjk", rows, rows)
    square += 1e-9 * np.eye(len(columns))
    found = np.linalg.solve(square, ahead[:, :, None])[:, :, 0]
    normal = np.zeros_like(outward)
    normal[:, columns] = found
    return normal


def _follow(hunt: Hunt, start: Points, normal: Points, rows: Indexes) -> None:
    """Bisect along the path of nearest points to planes with that normal."""
    down, up = (limit[rows] for limit in hunt.space.limits())
    length = np.linalg.norm(normal, axis=1)
    normal = np.divide(
        normal, length[:, None], out=np.zeros_like(normal), where=length[:, None] > 0
    )

    def at(t: Floats) -> Points:
        path = np.clip(t[:, None] * normal, down, up)
        return np.where(hunt.space.categories(), start, path)

    numbers = np.where(hunt.space.categories(), 0.0, start)
    high = np.linalg.norm(numbers, axis=1) * 1.05
    low = np.zeros(len(rows))
    flipped = hunt.flips(at(high), rows)
    high, low = np.where(flipped, high, high * 2), np.where(flipped, low, high)
    for _ in range(PATH_STEPS):
        middle = (low + high) / 2
        flipped = hunt.flips(at(middle), rows)
        high, low = np.where(flipped, middle, high), np.where(flipped, low, middle)


def _unit(hunt: Hunt) -> Floats:
    """The smallest move of each column, in spreads: one for whole numbers."""
    axes = hunt.space.axes
    return np.array([1.0 / a.spread if a.whole and a.spread > 0 else 0.0 for a in axes])
