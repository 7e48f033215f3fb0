"""Scores in bins by group, mergeable: what the calibration of each group needs of a pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gatekit.evidence.codes import Coded
from gatekit.evidence.keyed import keys_at
from gatekit.evidence.ranks import UNIT, Edges, heights
from gatekit.evidence.scores import ScoreTable

MOST_BINS = 1 << 10
FEWEST_BINS = 1 << 6
MOST_CELLS = 1 << 20  # of bins and groups: 24 MB

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Coarser:
    """Fewer bins than a ranking has: each of its bins' place among them, (B,); their ends, (C,)."""

    place: NDArray[np.intp]
    lower: NDArray[np.float64]

    @classmethod
    def of(cls, edges: Edges, pilot: NDArray[np.float64], groups: int) -> Self:
        """Bins about as full as each other in the pilot; fewer still for many groups."""
        most = int(np.clip(MOST_CELLS // max(1, groups), FEWEST_BINS, MOST_BINS))
        rows = np.bincount(edges.place(pilot), minlength=edges.lower.size)
        held = np.flatnonzero(rows)
        if held.size > most:
            share = (np.cumsum(rows) - rows) * most // max(1, int(rows.sum()))
            begins = np.flatnonzero(np.diff(share, prepend=-1))
        else:
            begins = np.append(0, held[1:])
        place = np.zeros(edges.lower.size, dtype=np.intp)
        place[begins[1:]] = 1
        return cls(np.cumsum(place), edges.lower[begins])


@dataclass(frozen=True, eq=False)
class GroupRanks:
    """By group and bin: rows that are not and that are positive, and what they lie above the bins.

    `groups` are values of the columns, sorted as text; `cells` is (G, C, 3), the last in units of
    2^-34.
    """

    groups: tuple[tuple[str, ...], ...]
    cells: Ints

    @classmethod
    def of(
        cls,
        bins: Coarser,
        columns: list[Coded],
        place: NDArray[np.intp],
        scores: NDArray[np.float64],
        mine: NDArray[np.bool_],
    ) -> Self:
        """Count the rows of one block, (n,) each, by their narrow bins `place`."""
        index, size = np.zeros(scores.size, dtype=np.int64), 1
        for values, codes in columns:
            index = index * len(values) + codes
            size *= len(values)
        many, cell = bins.lower.size, bins.place[place]
        held = np.flatnonzero(np.bincount(index, minlength=size)) if size < MOST_CELLS else None
        if held is None:
            held, index = np.unique(index, return_inverse=True)
        elif held.size < size:
            index = np.searchsorted(held, index)
        lies = heights(bins.lower, cell, scores)
        cell += index * many
        cells = np.empty((held.size, many, 3), dtype=np.int64)
        counts = np.bincount(2 * cell + mine, minlength=2 * held.size * many)
        cells[:, :, :2] = counts.reshape(held.size, many, 2)
        above = np.bincount(cell, lies, minlength=held.size * many)
        cells[:, :, 2] = above.reshape(held.size, many)
        keys = keys_at([values for values, _ in columns], held)
        return cls._sorted(dict(zip(keys, cells, strict=True)))

    def merge(self, more: Self) -> Self:
        """The counts of the rows of both."""
        if self.groups == more.groups:
            return type(self)(self.groups, self.cells + more.cells)
        found = dict(zip(self.groups, self.cells, strict=True))
        for group, cells in zip(more.groups, more.cells, strict=True):
            found[group] = found[group] + cells if group in found else cells
        return self._sorted(found)

    @classmethod
    def _sorted(cls, found: dict[tuple[str, ...], Ints]) -> Self:
        groups = tuple(sorted(found))
        return cls(groups, np.stack([found[group] for group in groups]))

    def table(self, group: tuple[str, ...], bins: Coarser) -> ScoreTable:
        """The rows of one group by score; none where it has none."""
        if group not in self.groups:
            none = np.zeros(0, dtype=np.int64)
            return ScoreTable(np.zeros(0), none, none)
        other, mine, above = self.cells[self.groups.index(group)].T
        held = np.flatnonzero(other + mine)
        rows = (other + mine)[held]
        said = np.maximum(bins.lower[held], 0.0) + above[held] / UNIT / rows
        return ScoreTable(said, mine[held], other[held])
