"""Counts of rows by the values of some columns, mergeable: the keys are values, never codes.

Each key holds four counts, by two flags of a row: true and predicted label, or right by the
candidate and right by the champion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gatekit.errors import DataError
from gatekit.evidence.codes import Coded

MOST_KEYS = 100_000
FLAGS = 4
MOST_JOINT = 1 << 14  # combinations of one joint count
Ints = NDArray[np.int64]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """One count of a block by all columns and flags at once, from which others are sums.

    `held` are the C combinations that occur; `columns` are each one's values and, (C,), their codes
    there; `counts` is (C, 2 ** flags).
    """

    held: Ints
    columns: Mapping[str, Coded]
    counts: Ints
    flags: int

    @classmethod
    def of(cls, columns: Mapping[str, Coded], flags: Sequence[NDArray[np.bool_]]) -> Self | None:
        """Count the rows of a block; None where there are too many combinations to be worth it."""
        size = math.prod(len(values) for values, _ in columns.values())
        if size > MOST_JOINT:
            return None
        index = np.zeros(flags[0].size, dtype=np.int64)
        for values, codes in columns.values():
            index *= len(values)
            index += codes
        marks = np.zeros(flags[0].size, dtype=np.int8)
        for flag in flags:
            marks *= 2
            marks += flag.view(np.int8)
        index *= 1 << len(flags)
        index += marks
        counts = np.bincount(index, minlength=size << len(flags)).reshape(size, -1)
        held = np.flatnonzero(counts.any(axis=1))
        places, found = held, {}
        for name, (values, _) in reversed(list(columns.items())):
            found[name] = values, places % len(values)
            places = places // len(values)
        return cls(held, found, counts[held], len(flags))


@dataclass(frozen=True, slots=True, eq=False)
class KeyedCounts:
    """Rows by key, (K,), and by 2 * first flag + second flag, (K, 4); keys are sorted as text."""

    columns: tuple[str, ...]
    keys: tuple[Key, ...]
    counts: Ints

    @classmethod
    def of(
        cls,
        columns: Mapping[str, Coded],
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
        keys = keys_at([values for values, _ in columns.values()], places)
        return cls._sorted(tuple(columns), dict(zip(keys, counts[held], strict=True)))

    @classmethod
    def projected(cls, columns: tuple[str, ...], joint: Joint, flags: tuple[int, int]) -> Self:
        """The counts by some of the columns and two of the flags, rising, of one joint count."""
        index, size, taken = np.zeros(len(joint.held), dtype=np.int64), 1, []
        for name in columns:
            values, codes = joint.columns[name]
            index = index * len(values) + codes
            size *= len(values)
            taken.append(values)
        four = joint.counts.reshape(-1, *(2,) * joint.flags)
        rest = tuple(1 + at for at in range(joint.flags) if at not in flags)
        four = four.sum(axis=rest)
        made = np.zeros((size, FLAGS), dtype=np.int64)
        np.add.at(made, index, four.reshape(-1, FLAGS))
        held = np.flatnonzero(made.any(axis=1))
        return cls._sorted(columns, dict(zip(keys_at(taken, held), made[held], strict=True)))

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

    def values(self, column: str) -> set[str]:
        """The values of one of the columns."""
        place = self.columns.index(column)
        return {key[place] for key in self.keys}

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


def keys_at(columns: Sequence[Sequence[str]], places: Ints) -> list[Key]:
    """The values of each column at places in the order of all their combinations, (K,)."""
    if not columns:
        return [()] * places.size
    names = []
    for values in reversed(columns):
        names.append([values[place] for place in places % len(values)])
        places = places // len(values)
    return list(zip(*reversed(names), strict=True))
