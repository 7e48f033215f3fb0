"""Rows by score: all that the measures of a ranking and of calibration need of a pass over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Distinct scores, rising, and how many positive and other rows have each, all (U,)."""

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
    """Count rows by score, with one sort. `scores` and `positive` are (n,)."""
    order = np.argsort(scores)
    ordered = scores[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), ordered.size - 1)
    up_to = np.cumsum(positive[order], dtype=np.int64)[last]
    rows = np.diff(last, prepend=-1)
    with_label = np.diff(up_to, prepend=0)
    return ScoreTable(ordered[last], with_label, rows - with_label)
