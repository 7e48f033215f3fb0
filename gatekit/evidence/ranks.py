"""Scores in narrow bins, mergeable: what a ranking and a calibration need of a pass.

The bins are chosen once, from a pilot of the rows, before any row is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gatekit.evidence.scores import ScoreTable

BINS = 1 << 16
CROWDED = 1e-3  # share of the pilot in one bin of equal width, over which quantiles are taken
UNIT = float(1 << 34)  # of what a score lies above the lower end of its bin

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Edges:
    """Lower ends of bins, rising, (B,); what lies below the first is in the first.

    `equal` says that they divide 0 to 1 evenly, so that nothing has to be looked up.
    """

    lower: Floats
    equal: bool

    @classmethod
    def of(cls, pilot: Floats) -> Self:
        """Bins for scores that lie about as these do: even ones where few of these share one."""
        if pilot.min() >= 0 and pilot.max() <= 1:
            even = cls(np.arange(BINS) / BINS, equal=True)
            seen = np.bincount(even.place(pilot), minlength=BINS)
            if seen.max() <= max(1.0, CROWDED * pilot.size):
                return even
        found = np.unique(pilot)
        if found.size > BINS:
            found = found[np.linspace(0, found.size - 1, BINS).astype(np.int64)]
        return cls(found, equal=False)

    def place(self, scores: Floats) -> NDArray[np.intp]:
        """The bin of each score, (n,)."""
        if self.equal:
            if scores.size and (scores.min() < 0 or scores.max() > 1):
                scores = np.clip(scores, 0.0, 1.0)
            place = (scores * BINS).astype(np.intp)
            return np.minimum(place, BINS - 1, out=place)
        found = np.searchsorted(self.lower, scores, side="right") - 1
        return np.maximum(found, 0, out=found)


@dataclass(frozen=True, eq=False)
class Ranks:
    """Rows by bin and label, (B, 2), other and positive; what they lie above their bins' ends.

    `above` is (B,), in units of 2^-34, of the probabilities among them. `least` and `most` are the
    smallest and the largest score.
    """

    counts: Ints
    above: Ints
    least: float
    most: float

    @classmethod
    def of(
        cls, edges: Edges, place: NDArray[np.intp], scores: Floats, mine: NDArray[np.bool_]
    ) -> Self:
        """Count the rows of one block, (n,) each, by the bins they lie in; `mine` are positive."""
        bins = edges.lower.size
        counts = np.bincount(2 * place + mine, minlength=2 * bins).reshape(bins, 2)
        least, most = float(scores.min()) + 0.0, float(scores.max()) + 0.0  # -0.0 is 0.0
        lies = heights(edges.lower, place, scores)
        above = np.bincount(place, lies, minlength=bins).astype(np.int64)
        return cls(counts, above, least, most)

    def merge(self, more: Self) -> Self:
        """The counts of the rows of both."""
        return type(self)(
            self.counts + more.counts,
            self.above + more.above,
            min(self.least, more.least),
            max(self.most, more.most),
        )

    def table(self, edges: Edges) -> ScoreTable:
        """As the measures take it: the mean score of each bin that has rows."""
        held = self._held
        other, mine = self.counts[held].T
        said = edges.lower[held]
        if self.least >= 0 and self.most <= 1:
            said = said + self.above[held] / UNIT / (other + mine)
        return ScoreTable(said, mine, other)

    @cached_property
    def _held(self) -> NDArray[np.intp]:
        return np.flatnonzero(self.counts.any(axis=1))

    def tied(self) -> float:
        """Share of the pairs of a positive and another row that share a bin."""
        other, mine = self.counts.T.astype(float)
        return float(mine @ other) / max(float(mine.sum() * other.sum()), 1.0)


def heights(lower: Floats, place: NDArray[np.intp], scores: Floats) -> Floats:
    """What each score lies above the lower end of its bin, (n,), in whole units of 2^-34.

    0 of what is no probability, and of what lies in a bin that begins below 0. No more than 262,144
    rows at once, so that sums of them are exact in floats.
    """
    ends = lower[place]
    if lower[0] < 0 or scores.min() < 0 or scores.max() > 1:
        held = (scores >= 0) & (scores <= 1) & (ends >= 0)
        scores, ends = np.where(held, scores, 0.0), np.where(held, ends, 0.0)
    lies = scores - ends
    np.maximum(lies, 0.0, out=lies)  # below the first bin's end
    lies *= UNIT
    return np.rint(lies, out=lies)
