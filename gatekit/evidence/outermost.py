"""The outermost of many rows, mergeable: within which a weight lies whose factors come at the end.

A row's weight w is u + a x^2 + b x + c, where u and x are its own; a, b and c come when all rows
are counted. Kept are the rows with the largest and the smallest u, and with the largest and the
smallest x. Of these w is then exact. Of all others neither u nor x lies further out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

KEPT = 16  # rows at either end
TOGETHER = 64  # rows of which the outermost is looked at first

Floats = NDArray[np.float64]
Row = tuple[float, float]  # u and x
Ends = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Outermost:
    """Rows with the smallest u, the largest u, the smallest x and the largest x, outermost first.

    Different ones; each list holds all rows if there are no more than `KEPT`.
    """

    least: tuple[Row, ...]
    most: tuple[Row, ...]
    lowest: tuple[Row, ...]
    highest: tuple[Row, ...]

    @classmethod
    def of(cls, u: Floats, x: Floats) -> Self:
        """The outermost rows of a block, (n,) each and at least one."""
        most, highest = _largest(u, x), tuple((u, x) for x, u in _largest(x, u))
        least = tuple((-u, -x) for u, x in _largest(-u, -x))
        lowest = tuple((-u, -x) for x, u in _largest(-x, -u))
        return cls(*map(_plain, (least, most, lowest, highest)))

    def merge(self, more: Self) -> Self:
        """The outermost rows of both."""
        return type(self)(
            tuple(sorted({*self.least, *more.least})[:KEPT]),
            tuple(sorted({*self.most, *more.most}, reverse=True)[:KEPT]),
            tuple(sorted({*self.lowest, *more.lowest}, key=_by_x)[:KEPT]),
            tuple(sorted({*self.highest, *more.highest}, key=_by_x, reverse=True)[:KEPT]),
        )

    def ends(self, a: float, b: float, c: float) -> Ends:
        """Between which u + a x^2 + b x + c lies in every row."""

        def moved(x: float) -> float:
            return a * x * x + b * x + c

        kept = {*self.least, *self.most, *self.lowest, *self.highest}
        found = [u + moved(x) for u, x in kept]
        least, most = min(found), max(found)
        if len(self.least) < KEPT:  # these are all rows
            return least, most
        low, high = self.lowest[-1][1], self.highest[-1][1]
        places = [low, high]
        if a and low < (turn := -b / (2 * a)) < high:
            places.append(turn)
        further = [moved(x) for x in places]
        return (
            min(least, self.least[-1][0] + min(further)),
            max(most, self.most[-1][0] + max(further)),
        )


def _largest(first: Floats, second: Floats) -> tuple[Row, ...]:
    """The largest different pairs of both, by the first, then by the second."""
    place = _candidates(first)
    found = _different(first[place], second[place])
    if len(found) < KEPT and place.size < first.size:  # many rows are the same
        found = _different(first, second)
    return found


def _candidates(values: Floats) -> NDArray[np.intp]:
    """Places of values, with the `KEPT` largest among them."""
    full = values.size - values.size % TOGETHER
    if full < KEPT * TOGETHER:
        return np.arange(values.size)
    tops = values[:full].reshape(-1, TOGETHER).max(axis=1)
    return np.flatnonzero(values >= np.partition(tops, -KEPT)[-KEPT])


def _different(first: Floats, second: Floats) -> tuple[Row, ...]:
    order = np.lexsort((second, first))[::-1]
    first, second = first[order], second[order]
    is_new = np.append(True, (first[1:] != first[:-1]) | (second[1:] != second[:-1]))
    place = np.flatnonzero(is_new)[:KEPT]
    return tuple(zip(first[place].tolist(), second[place].tolist(), strict=True))


def _by_x(row: Row) -> Row:
    return row[1], row[0]


def _plain(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple((u + 0.0, x + 0.0) for u, x in rows)  # -0.0 is 0.0
