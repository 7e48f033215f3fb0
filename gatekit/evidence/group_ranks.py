"""Scores in bins by group, mergeable: what the calibration of each group needs of a pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gatekit.evidence.codes import Coded
from gatekit.evidence.ranks import UNIT, Edges
from gatekit.evidence.scores import ScoreTable

MOST_BINS = 1 << 12
FEWEST_BINS = 1 << 6
MOST_CELLS = 1 << 20  # of bins and groups: 24 MB

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GroupRanks:
    """By group and bin: rows that are not and that are positive, and what they lie above the bins.

    `groups` are values of the columns, sorted as text; `cells` is (G, B, 3), the last in units of
    2^-36.
    """

    groups: tuple[tuple[str, ...], ...]
    cells: Ints

    @classmethod
    def of(
        cls,
        edges: Edges,
        columns: list[Coded],
        scores: NDArray[np.float64],
        mine: NDArray[np.bool_],
    ) -> Self:
        """Count the rows of one block, (n,) each; the scores are probabilities."""
        index = np.zeros(scores.size, dtype=np.int64)
        for values, codes in columns:
            index = index * len(values) + codes
        held, group = np.unique(index, return_inverse=True)
        bins, place = edges.lower.size, edges.place(scores)
        lies = np.rint((np.clip(scores, 0.0, 1.0) - np.clip(edges.lower[place], 0.0, 1.0)) * UNIT)
        cell = group * bins + place
        cells = np.empty((held.size, bins, 3), dtype=np.int64)
        size = held.size * bins
        counts = np.bincount(2 * cell + mine, minlength=2 * size)
        cells[:, :, :2] = counts.reshape(held.size, bins, 2)
        cells[:, :, 2] = np.bincount(cell, lies, minlength=size).reshape(held.size, bins)
        names: list[list[str]] = []
        for values, _ in reversed(columns):
            names.append([values[at] for at in held % len(values)])
            held = held // len(values)
        return cls._sorted(dict(zip(zip(*reversed(names), strict=True), cells, strict=True)))

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

    def table(self, group: tuple[str, ...], edges: Edges) -> ScoreTable:
        """The rows of one group by score; none where it has none."""
        if group not in self.groups:
            none = np.zeros(0, dtype=np.int64)
            return ScoreTable(np.zeros(0), none, none)
        other, mine, above = self.cells[self.groups.index(group)].T
        held = np.flatnonzero(other + mine)
        rows = (other + mine)[held]
        said = np.clip(edges.lower[held], 0.0, 1.0) + above[held] / UNIT / rows
        return ScoreTable(said, mine[held], other[held])


def bins_for(edges: Edges, pilot: NDArray[np.float64], groups: int) -> Edges:
    """Fewer bins, about as full as each other in the pilot; fewer still for many groups."""
    most = int(np.clip(MOST_CELLS // max(1, groups), FEWEST_BINS, MOST_BINS))
    found = np.unique(edges.lower[edges.place(pilot)])
    if found.size > most:
        ordered = np.sort(pilot)
        found = np.unique(ordered[np.linspace(0, ordered.size - 1, most).astype(np.int64)])
    return Edges(found, equal=False)
