"""Counts of rows by everything that fairness tells apart at once: all sensitive columns together.

One pass gives the joint table; every sensitive column and every crossing is a sum over its cells.
So a resample of the joint table resamples all of them together, with the rows they share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gatekit.evidence.codes import Coded
from gatekit.evidence.keyed import FLAGS, KeyedCounts

Ints = NDArray[np.int64]
ROWS_AT_ONCE = 1 << 15  # so that their codes stay in the cache
DENSE = 100_000  # with more possible combinations than this only those that occur are kept


@dataclass(frozen=True)
class Grouping:
    """A sensitive column, or a crossing: its groups, and each joint cell's place in (G, 2, 2)."""

    name: str
    groups: tuple[str, ...]  # "sex=f race=2"; every combination, also one without rows
    place: Ints  # (C,): 4 * group + 2 * true label + predicted label

    def tables(self, counts: Ints) -> Ints:
        """(..., C) counts of the joint cells to (..., G, 2, 2): group, true label, predicted."""
        order, starts, filled = self._places
        made = np.zeros((*counts.shape[:-1], 4 * len(self.groups)), dtype=np.int64)
        made[..., filled] = np.add.reduceat(counts[..., order], starts, axis=-1)
        return made.reshape(*counts.shape[:-1], len(self.groups), 2, 2)

    @cached_property
    def _places(self) -> tuple[Ints, Ints, Ints]:
        """The cells in order of their places, where a new place starts, and which place it is."""
        order = np.argsort(self.place, kind="stable")
        places = self.place[order]
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        return order, starts, places[starts]


@dataclass(frozen=True, slots=True)
class JointCounts:
    """Rows in each cell of (all sensitive columns, true label, predicted label) that has any."""

    counts: Ints  # (C,)
    groupings: tuple[Grouping, ...]

    def rows(self) -> int:
        """How many rows were counted."""
        return int(self.counts.sum())


def count_jointly(
    columns: Mapping[str, Coded],
    groupings: tuple[tuple[str, ...], ...],
    truth: NDArray[np.bool_],
    said: NDArray[np.bool_],
) -> JointCounts:
    """Count rows by (every column, true label, predicted label) in one pass.

    `groupings` names the columns of each grouping. `truth` and `said` are (n,): whether a row
    has, and is said to have, the positive label.
    """
    codes, values_of = _combined(columns)
    found = np.zeros(FLAGS * max(map(len, values_of.values())), dtype=np.int64)
    at_once = max(ROWS_AT_ONCE, found.size)
    for start in range(0, codes.size, at_once):
        part = slice(start, start + at_once)
        rows = codes[part] * FLAGS
        rows += truth[part].view(np.int8) * np.int8(2) + said[part].view(np.int8)
        found += np.bincount(rows, minlength=found.size)
    cells = np.flatnonzero(found)
    values = {name: part[cells // 4] for name, part in values_of.items()}
    made = tuple(_grouping(each, columns, values, cells % 4) for each in groupings)
    return JointCounts(found[cells].astype(np.int64), made)


def joint_of(
    counted: KeyedCounts, numeric: Sequence[bool], groupings: tuple[tuple[str, ...], ...]
) -> JointCounts:
    """As `count_jointly` gives them, from counts by key with the flags true and predicted.

    `numeric` says of each column of the keys whether its values are numbers.
    """
    columns = counted.coded(numeric)
    order = np.zeros(len(counted.keys), dtype=np.int64)
    for values, index in columns.values():
        order = order * len(values) + index
    ranked = np.argsort(order, kind="stable")
    counts = counted.counts[ranked].ravel()
    cells = np.flatnonzero(counts)
    place, label = cells // FLAGS, cells % FLAGS
    values_of = {name: index[ranked][place] for name, (_, index) in columns.items()}
    made = tuple(_grouping(each, columns, values_of, label) for each in groupings)
    return JointCounts(counts[cells], made)


def _combined(columns: Mapping[str, Coded]) -> tuple[Ints, dict[str, Ints]]:
    """One code for each row, (n,), and for each column the value that a code stands for."""
    parts: dict[str, Ints] = {}
    codes, size = np.zeros(1, dtype=np.int64), 1
    for name, (values, index) in columns.items():
        many = len(values)
        codes = codes * many + index if parts else index
        parts = {known: np.repeat(part, many) for known, part in parts.items()}
        parts[name] = np.tile(np.arange(many), size)
        size *= many
        if size > DENSE:
            kept, codes = np.unique(codes, return_inverse=True)
            parts = {known: part[kept] for known, part in parts.items()}
            size = kept.size
    return codes, parts


def _grouping(
    names: tuple[str, ...], columns: Mapping[str, Coded], values: dict[str, Ints], label: Ints
) -> Grouping:
    groups, index = [""], np.zeros(label.size, dtype=np.int64)
    for name in names:
        known = columns[name][0]
        index = index * len(known) + values[name]
        groups = [f"{group} {name}={value}".strip() for group in groups for value in known]
    return Grouping(" x ".join(names), tuple(groups), 4 * index + label)
