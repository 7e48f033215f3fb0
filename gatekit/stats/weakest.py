"""The segments of rows where a model errs most, among all values of columns and pairs of columns.

Exhaustive, by counting: a column of up to 50 values and a pair of two such are one count each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gatekit.stats import proportion

MOST_PAIRED = 60  # columns: of more than these only the worst in themselves are crossed
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as indices into `size` values, (n,)."""

    codes: Ints
    size: int


@dataclass(frozen=True, slots=True)
class Segment:
    """The rows that have value v of column c for every (c, v) of `where`."""

    where: tuple[tuple[int, int], ...]
    accuracy_at_most: float  # upper bound in the rows searched: what it is ranked by

    def overlaps(self, other: Segment) -> bool:
        """Whether one of the two holds all rows of the other."""
        mine, theirs = set(self.where), set(other.where)
        return mine <= theirs or theirs <= mine


def weakest(
    columns: Sequence[Coded], right: NDArray[np.bool_], support: int, level: float, most: int = 5
) -> list[Segment]:
    """The segments of `support` rows at least that are shown to be least accurate, worst first.

    Ranked by the Clopper-Pearson upper bound of their accuracy at `level`, so that a few rows that
    went wrong by chance do not come before many that went wrong. Only segments less accurate than
    the whole; none that holds, or lies in, one already named.

    `right` is (n,). What is found here must be judged on other rows: these were chosen for it.
    """
    alone = [
        segment
        for c, column in enumerate(columns)
        for segment in _segments(((c, column),), right, support, level)
    ]
    crossed = [
        segment
        for a, b in combinations(_paired(alone, len(columns)), 2)
        for segment in _segments(((a, columns[a]), (b, columns[b])), right, support, level)
    ]
    named: list[Segment] = []
    for segment in sorted([*alone, *crossed], key=lambda s: (s.accuracy_at_most, s.where)):
        if len(named) == most:
            break
        if not any(segment.overlaps(other) for other in named):
            named.append(segment)
    return named


def _paired(alone: Sequence[Segment], columns: int) -> list[int]:
    if columns <= MOST_PAIRED:
        return list(range(columns))
    ranked = sorted(alone, key=lambda s: s.accuracy_at_most)
    return sorted(list(dict.fromkeys(s.where[0][0] for s in ranked))[:MOST_PAIRED])


def _segments(
    crossing: tuple[tuple[int, Coded], ...], right: NDArray[np.bool_], support: int, level: float
) -> Iterator[Segment]:
    """The segments of one crossing with support that are worse than the whole."""
    size, codes = 1, np.zeros(1, dtype=np.int64)
    for _, column in crossing:
        codes, size = codes * column.size + column.codes, size * column.size
    counts = np.bincount(2 * codes + right, minlength=2 * size).reshape(size, 2)
    n, k = counts.sum(axis=1), counts[:, 1]
    worse = np.flatnonzero((n >= support) & (k * right.size < n * int(right.sum())))
    _, high = proportion.bounds(k[worse], n[worse], level)
    for cell, bound in zip(worse, high, strict=True):
        values, rest = [], int(cell)
        for c, column in reversed(crossing):
            rest, value = divmod(rest, column.size)
            values.append((c, value))
        yield Segment(tuple(reversed(values)), float(bound))
