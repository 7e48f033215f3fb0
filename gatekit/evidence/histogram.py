"""How often each value came: latencies of any number of calls, joined from any parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Different values, rising, (k,), and how often each came, (k,)."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, sample: ArrayLike) -> Self:
        """Of values one by one, (n,)."""
        values, counts = np.unique(np.asarray(sample, dtype=float), return_counts=True)
        return cls(values, counts.astype(np.int64))

    @classmethod
    def of_counts(cls, counted: Iterable[Iterable[float]]) -> Self:
        """Of pairs (value, how often), in any order; the same value may come again, and adds up."""
        pairs = np.asarray([tuple(each) for each in counted], dtype=float).reshape(-1, 2)
        values, place = np.unique(pairs[:, 0], return_inverse=True)
        counts = np.zeros(values.size, dtype=np.int64)
        np.add.at(counts, place, pairs[:, 1].astype(np.int64))
        return cls(values, counts)

    @property
    def n(self) -> int:
        """How many values there were."""
        return int(self.counts.sum())

    @property
    def is_finite(self) -> bool:
        """Whether all of them are finite."""
        return bool(np.isfinite(self.values).all())

    def smallest(self, rank: int) -> float:
        """The `rank`-th smallest, counted from 1."""
        place: Any = np.searchsorted(np.cumsum(self.counts), rank)
        return float(self.values[place])
