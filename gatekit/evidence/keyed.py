"""Counts of rows by the values of some columns, mergeable: the keys are values, never codes.

Each key holds four counts, by two flags of a row: true and predicted label, or right by the
candidate and right by the champion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gatekit.errors import DataError
from gatekit.evidence.codes import Coded

MOST_KEYS = 100_000
FLAGS = 4
Ints = NDArray[np.int64]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class KeyedCounts:
    """Rows by key, (K,), and by 2 * first flag + second flag, (K, 4); keys are sorted as text."""

    columns: tuple[str, ...]
    keys: tuple[Key, ...]
    counts: Ints

    @classmethod
    def of(
        cls,
        columns: dict[str, Coded],
        first: NDArray[np.bool_],
        second: NDArray[np.bool_],
    ) -> Self:
        """Count the rows of one block. `first` and `second` are (n,); no column, one key.

        Raises:
            DataError: more different keys than can be held.
        """
        index, size, kept = np.zeros(first.size, dtype=np.int64), 1, None
        for values, codes in columns.values():
            index = index * len(values) + codes
            size *= len(values)
        if size > MOST_KEYS:
            kept, index = np.unique(index, return_inverse=True)
            size = kept.size
        rows = index * FLAGS
        rows += first.view(np.int8) * np.int8(2) + second.view(np.int8)
        counts = np.bincount(rows, minlength=size * FLAGS).reshape(size, FLAGS)
        held = np.flatnonzero(counts.any(axis=1))
        places = held if kept is None else kept[held]
        names: list[Sequence[str]] = []
        for values, _ in reversed(columns.values()):
            names.append([values[place] for place in places % len(values)])
            places = places // len(values)
        keys = list(zip(*reversed(names), strict=True)) if names else [()] * held.size
        return cls._sorted(tuple(columns), dict(zip(keys, counts[held], strict=True)))

    def merge(self, more: Self) -> Self:
        """The counts of the rows of both.

        Raises:
            DataError: more different keys than can be held.
        """
        if self.keys == more.keys:
            return type(self)(self.columns, self.keys, self.counts + more.counts)
        found = dict(zip(self.keys, self.counts, strict=True))
        for key, counts in zip(more.keys, more.counts, strict=True):
            found[key] = found[key] + counts if key in found else counts
        return self._sorted(self.columns, found)

    @classmethod
    def _sorted(cls, columns: tuple[str, ...], found: dict[Key, Ints]) -> Self:
        if len(found) > MOST_KEYS:
            raise DataError(
                f"crossing {', '.join(columns)} makes more than {MOST_KEYS:,} groups",
                "Cross fewer columns in data.holdout, or name columns with bands of them",
            )
        keys = tuple(sorted(found))
        counts = np.array([found[key] for key in keys], dtype=np.int64).reshape(-1, FLAGS)
        return cls(columns, keys, counts)

    def total(self) -> Ints:
        """Rows by flags, (4,)."""
        return np.asarray(self.counts.sum(axis=0))

    def coded(self, numeric: Sequence[bool]) -> dict[str, Coded]:
        """The columns of the keys as a holdout codes its rows; a numeric one sorts as numbers."""
        made = {}
        for place, (name, is_number) in enumerate(zip(self.columns, numeric, strict=True)):
            held = [key[place] for key in self.keys]
            values = sorted(set(held), key=float if is_number else str)
            index = {value: code for code, value in enumerate(values)}
            codes = np.array([index[value] for value in held], dtype=np.int64)
            made[name] = tuple(values), codes
        return made
