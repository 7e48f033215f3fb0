"""What may be done to a row: which columns move, how far, and in which unit.

A point is a row of floats, one a column. For a number it is the displacement from the row as it
was, in units of the column's spread; for a category it is the index of a level. `Space.values`
is the only way from points to rows, and it keeps every rule: so what is asked is always allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (m, columns)
Indexes = NDArray[np.intp]  # (m,): which of the attacked rows a point belongs to
UNKNOWN = -1  # the level of a category that is empty


@dataclass(frozen=True, slots=True)
class Axis:
    """One column: its values in the attacked rows, and its rules.

    `origin` is (n,): float64 for a quantity (NaN is a gap, which stays), int64 for whole
    numbers, the index of a level for a category (-1 is a gap). `low` and `high` are inclusive, in
    the column's unit, and whole for whole numbers. `spread` is the unit of distance; a changed
    category counts `cost`.
    """

    name: str
    origin: NDArray[Any]
    levels: tuple[Any, ...] = ()
    spread: float = 1.0
    low: float = -np.inf
    high: float = np.inf
    whole: bool = False
    single: bool = False  # float32
    fixed: bool = False
    direction: int = 0  # 1 may only rise, -1 may only fall
    cost: float = 1.0

    @property
    def is_category(self) -> bool:
        """Whether a point holds the index of a level."""
        return bool(self.levels)

    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far each row may go down and up, in spreads, (n,) each; 0 and 0 where it may not.

        A row that breaks the range as it is may stay where it is.
        """
        zero = np.zeros(self.origin.size)
        if self.fixed or self.is_category or self.spread <= 0:
            return zero, zero
        origin = self.origin.astype(float)
        with np.errstate(invalid="ignore"):
            down = np.minimum(0.0, (self.low - origin) / self.spread)
            up = np.maximum(0.0, (self.high - origin) / self.spread)
        down = zero if self.direction > 0 else np.where(np.isfinite(origin), down, 0.0)
        up = zero if self.direction < 0 else np.where(np.isfinite(origin), up, 0.0)
        return down, up

    def values(self, moved: NDArray[np.float64], rows: Indexes) -> NDArray[Any]:
        """The allowed values nearest to `moved`, (m,), in the type of `origin`."""
        origin = self.origin[rows]
        if self.is_category:
            if self.fixed:
                return origin
            index = np.clip(np.rint(moved), 0, len(self.levels) - 1).astype(origin.dtype)
            return np.where(origin == UNKNOWN, origin, index)
        if self.fixed or self.spread <= 0:
            return origin
        if self.direction:
            moved = np.maximum(moved, 0) if self.direction > 0 else np.minimum(moved, 0)
        step = moved * self.spread
        return self._whole(origin, step) if self.whole else self._real(origin, step)

    def _whole(self, origin: NDArray[Any], step: NDArray[np.float64]) -> NDArray[Any]:
        # steps are added to the whole numbers: an id of 2**60 keeps its last digit
        low, high = _whole(self.low), _whole(self.high)
        near, far = (low - origin).astype(float), (high - origin).astype(float)
        step = np.clip(np.rint(step), np.minimum(0, near), np.maximum(0, far))
        moved = origin + step.astype(np.int64)
        kept = np.clip(moved, np.minimum(low, origin), np.maximum(high, origin))
        allowed: NDArray[Any] = kept.astype(origin.dtype)
        return allowed

    def _real(self, origin: NDArray[Any], step: NDArray[np.float64]) -> NDArray[Any]:
        with np.errstate(invalid="ignore"):
            wanted = origin + step
            if self.single:
                wanted = wanted.astype(np.float32).astype(float)
            moved = np.clip(wanted, np.minimum(self.low, origin), np.maximum(self.high, origin))
        if self.single:  # a limit may lie between two of them
            moved = _inside(moved, origin)
        return np.where(step == 0, origin, moved)


@dataclass(frozen=True, slots=True)
class Space:
    """All columns together."""

    axes: tuple[Axis, ...]

    @property
    def rows(self) -> int:
        """How many rows are attacked."""
        return int(self.axes[0].origin.size)

    def origin(self) -> Points:
        """The rows as they are, as points, (n, d)."""
        n = self.rows
        return np.column_stack([a.origin if a.is_category else np.zeros(n) for a in self.axes])

    def categories(self) -> NDArray[np.bool_]:
        """Which columns are categories, (d,)."""
        return np.array([axis.is_category for axis in self.axes])

    def limits(self) -> tuple[Points, Points]:
        """How far each number of each row may go, in spreads: down and up, (n, d) each."""
        pairs = [axis.limits() for axis in self.axes]
        return np.column_stack([p[0] for p in pairs]), np.column_stack([p[1] for p in pairs])

    def movable(self) -> NDArray[np.bool_]:
        """Which columns may change in which row, (n, d)."""
        down, up = self.limits()
        free = up > down
        for i, axis in enumerate(self.axes):
            if axis.is_category and not axis.fixed and len(axis.levels) > 1:
                free[:, i] = axis.origin != UNKNOWN
        return free

    def values(self, points: Points, rows: Indexes) -> list[NDArray[Any]]:
        """The rows that the points stand for, column by column; all rules kept."""
        return [axis.values(points[:, i], rows) for i, axis in enumerate(self.axes)]

    def project(self, points: Points, rows: Indexes) -> Points:
        """The nearest allowed points, (m, d)."""
        return self._points(self.values(points, rows), rows)

    def distance(self, points: Points, rows: Indexes) -> NDArray[np.float64]:
        """Euclidean length of what changed, in spreads, (m,); points must be allowed ones."""
        parts = []
        for i, axis in enumerate(self.axes):
            if axis.is_category:
                parts.append(axis.cost * (points[:, i] != axis.origin[rows]))
            else:
                parts.append(points[:, i])
        length: NDArray[np.float64] = np.linalg.norm(np.column_stack(parts), axis=1)
        return length

    def _points(self, values: list[NDArray[Any]], rows: Indexes) -> Points:
        columns = []
        for axis, value in zip(self.axes, values, strict=True):
            if axis.is_category:
                columns.append(value.astype(float))
                continue
            origin = axis.origin[rows]
            with np.errstate(invalid="ignore"):
                moved = (value - origin).astype(float) / (axis.spread if axis.spread > 0 else 1.0)
            columns.append(np.where(np.isnan(moved), 0.0, moved))
        return np.column_stack(columns)


def _inside(moved: NDArray[Any], origin: NDArray[Any]) -> NDArray[Any]:
    """The float32 values nearest to `moved` on the side of `origin`."""
    near = moved.astype(np.float32)
    beyond = np.abs(near.astype(float) - origin) > np.abs(moved - origin)
    back = np.nextafter(near, origin.astype(np.float32))
    return np.where(beyond, back, near).astype(float)


def _whole(limit: float) -> int:
    """A limit of whole numbers as one; far out where there is none."""
    return int(np.clip(limit, -(2.0**61), 2.0**61))
