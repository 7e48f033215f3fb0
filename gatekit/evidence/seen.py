"""Which of some rows at hand stand among the rows of a sample: a set that merges by union."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gatekit.evidence.pairs import as_floats, plain

MANY = 1 << 12
WORD = 64  # members of a set in one whole number
INPUTS, ROWS = "inputs", "rows"  # rows that are the same by their inputs, and with the label

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A set of whole numbers below `size`, as bits in whole numbers of 64."""

    size: int
    bits: Ints

    @classmethod
    def of(cls, size: int, members: Ints) -> Self:
        """The set of these members, (n,)."""
        flags = np.zeros(-(-size // WORD) * WORD, dtype=bool)
        flags[members] = True
        return cls(size, np.packbits(flags, bitorder="little").view("<i8").astype(np.int64))

    def merge(self, more: Self) -> Self:
        """The members of either."""
        return type(self)(self.size, self.bits | more.bits)

    def flags(self) -> NDArray[np.bool_]:
        """Whether each is a member, (size,)."""
        raw = self.bits.astype("<i8").view(np.uint8)
        return np.unpackbits(raw, bitorder="little")[: self.size].astype(bool)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """The values of a column among the rows at hand, sorted; codes are their places.

    Numbers are floats, (K,), and one that is missing has the code K; else text, with None.
    """

    name: str
    values: Any

    @classmethod
    def of(cls, name: str, column: pa.ChunkedArray, *, as_numbers: bool) -> tuple[Self, Ints]:
        """The column, and each row's code, (n,)."""
        column = plain(column)
        if as_numbers:
            floats = as_floats(column) + 0.0  # -0.0 is 0.0
            made = cls(name, np.unique(floats[~np.isnan(floats)]))
        else:
            made = cls(name, pc.unique(pc.cast(column, pa.string())))
        return made, made.codes(column)

    def codes(self, column: pa.ChunkedArray) -> Ints:
        """The code of each row, (n,), -1 of a value that none of the rows at hand has."""
        column = plain(column)
        if isinstance(self.values, pa.Array):
            found = pc.index_in(pc.cast(column, pa.string()), value_set=self.values)
            return np.asarray(pc.fill_null(found, -1).to_numpy()).astype(np.int64)
        floats = as_floats(column) + 0.0
        codes = places(self.values, floats)
        codes[np.isnan(floats)] = self.values.size
        return codes

    @property
    def size(self) -> int:
        """How many codes there may be."""
        return len(self.values) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """The labels of the rows at hand, (n,), and the column in which the others have theirs."""

    name: str
    values: pa.ChunkedArray
    as_numbers: bool


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Rows at hand, told apart column by column, the one with the most values first.

    `keys` are, for each column, the sorted combinations of what came before and its code; the place
    of the last is the row's number. With a label, (its column, its combinations) tell rows apart
    further. `inputs` and `rows` are those numbers of each row at hand, (n,).
    """

    columns: tuple[_Column, ...]
    keys: tuple[Ints, ...]
    label: tuple[_Column, Ints] | None
    inputs: Ints
    rows: Ints | None

    @classmethod
    def of(cls, table: pa.Table, as_numbers: Mapping[str, bool], label: Label | None) -> Self:
        """Rows with these columns, which are compared as numbers or as text."""
        coded = [_Column.of(n, table[n], as_numbers=is_) for n, is_ in as_numbers.items()]
        coded.sort(key=lambda each: -each[0].size)
        whole, keys = np.zeros(table.num_rows, dtype=np.int64), []
        for column, codes in coded:
            key, whole = np.unique(whole * column.size + codes, return_inverse=True)
            keys.append(key)
        columns = tuple(column for column, _ in coded)
        if label is None:
            return cls(columns, tuple(keys), None, whole, None)
        column, codes = _Column.of(label.name, label.values, as_numbers=label.as_numbers)
        key, rows = np.unique(whole * column.size + codes, return_inverse=True)
        return cls(columns, tuple(keys), (column, key), whole, rows)

    @property
    def names(self) -> Sequence[str]:
        """The columns that have to be read."""
        labels = (self.label[0],) if self.label else ()
        return [column.name for column in (*self.columns, *labels)]

    def look(self, table: pa.Table) -> dict[str, Seen]:
        """Which stand among the rows of one block: by inputs, and with the label, if that is known.

        Rows that differ in a column are not looked at in the next one.
        """
        left = np.arange(table.num_rows)
        whole = np.zeros(left.size, dtype=np.int64)
        for column, keys in zip(self.columns, self.keys, strict=True):
            left, whole = _narrowed(table, column, keys, (left, whole))
        made = {INPUTS: Seen.of(self.keys[-1].size, whole)}
        if self.label is not None:
            column, keys = self.label
            _, whole = _narrowed(table, column, keys, (left, whole))
            made[ROWS] = Seen.of(keys.size, whole)
        return made


def _narrowed(
    table: pa.Table, column: _Column, keys: Ints, held: tuple[Ints, Ints]
) -> tuple[Ints, Ints]:
    left, whole = held
    some = table[column.name]
    codes = column.codes(some if left.size == table.num_rows else some.take(pa.array(left)))
    known = codes >= 0
    found = places(keys, whole[known] * column.size + codes[known])
    return left[known][found >= 0], found[found >= 0]


def places(values: NDArray[Any], sought: NDArray[Any]) -> Ints:
    """Where each stands in sorted values, (n,), -1 where it does not."""
    if not values.size:
        return np.full(sought.size, -1, dtype=np.int64)
    if sought.size > MANY:  # to look them up in their own order takes a third of the time
        ordered = np.sort(sought)
        found = np.minimum(np.searchsorted(values, ordered), values.size - 1)
        if not (values[found] == ordered).any():
            return np.full(sought.size, -1, dtype=np.int64)
    found = np.minimum(np.searchsorted(values, sought), values.size - 1)
    return np.where(values[found] == sought, found, -1).astype(np.int64)
