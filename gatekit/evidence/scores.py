"""Rows by score: all that the measures of a ranking and of calibration need of a pass over it.

Up to half a million rows every distinct score is kept. Of more, probabilities are counted in 65,536
bins of equal width, and nothing has to be sorted. Where too many rows share a bin, they are sorted
after all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

BINNED_FROM = 500_000  # rows
BINS = 1 << 16
MOST_TIED = (
    5e-5  # of all pairs of a positive and another row, as a share: as many are left unranked
)
ROWS_AT_ONCE = 1 << 17  # so that what is made of them stays in the cache


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Distinct scores, rising, and how many positive and other rows have each, all (U,).

    Of very many rows the scores are the means of narrow bins.
    """

    scores: NDArray[np.float64]
    positive: NDArray[np.int64]
    other: NDArray[np.int64]

    @property
    def positives(self) -> int:
        """Rows of the positive label."""
        return int(self.positive.sum())

    @property
    def others(self) -> int:
        """Rows of any other label."""
        return int(self.other.sum())

    def merge(self, more: Self) -> Self:
        """The table of the rows of both."""
        scores = np.concatenate([self.scores, more.scores])
        found, place = np.unique(scores, return_inverse=True)
        sums = [
            np.bincount(place, np.concatenate(pair), minlength=found.size).astype(np.int64)
            for pair in ((self.positive, more.positive), (self.other, more.other))
        ]
        return type(self)(found, *sums)


def score_table(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> ScoreTable:
    """Count rows by score, with one sort; of very many rows by bins. Both are (n,)."""
    if not scores.size:  # a group, or a crossing, without rows
        return ScoreTable(scores, *np.zeros((2, 0), dtype=np.int64))
    if scores.size > BINNED_FROM and scores.min() >= 0 and scores.max() <= 1:
        made = _binned(scores, positive)
        tied = float(made.positive @ made.other) / max(made.positives * made.others, 1)
        if tied <= MOST_TIED:
            return made
    order = np.argsort(scores)
    ordered = scores[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), ordered.size - 1)
    up_to = np.cumsum(positive[order], dtype=np.int64)[last]
    rows = np.diff(last, prepend=-1)
    with_label = np.diff(up_to, prepend=0)
    return ScoreTable(ordered[last], with_label, rows - with_label)


def _binned(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> ScoreTable:
    """Rows in bins of equal width over 0 to 1, each with the mean of its scores."""
    counts = np.zeros(2 * BINS, dtype=np.int64)
    sums = np.zeros(BINS)
    for start in range(0, scores.size, ROWS_AT_ONCE):
        said = scores[start : start + ROWS_AT_ONCE]
        place = np.minimum((said * BINS).astype(np.int32), BINS - 1)
        sums += np.bincount(place, said, minlength=BINS)
        place *= 2
        place += positive[start : start + ROWS_AT_ONCE]
        counts += np.bincount(place, minlength=2 * BINS)
    other, mine = counts.reshape(BINS, 2).T
    held = np.flatnonzero(other + mine)
    return ScoreTable(sums[held] / (other + mine)[held], mine[held], other[held])
