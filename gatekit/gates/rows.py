"""Rows made from a signature, for Hypothesis: values as the data has them, and around them."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekit.data import Holdout
from gatekit.gates import drawing
from gatekit.gates.drawing import Way
from gatekit.scoring.signature import Column, Signature, arrow_type
from gatekit.scoring.tables import NEVER_EMPTY, conform

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

LARGEST_BATCH = 6
ORDERED = ("double", "float", "long", "integer")
SINGLE = float(np.finfo(np.float32).max)
FEW_VALUES = 60  # a column of whole numbers with so few values is taken for codes


class Rows:
    """What to draw for each column. Row tuples: they shrink well and build fast."""

    def __init__(self, signature: Signature, holdout: Holdout) -> None:
        self.columns = tuple(c for c in signature.inputs if c.name in holdout.columns)
        self._holdout, self._signature = holdout, signature
        self.sha256 = holdout.sha256

    def batches(self) -> SearchStrategy[list[tuple[Any, ...]]]:
        """Batches of one to six rows."""
        from hypothesis import strategies as st

        return st.lists(drawing.by(self._row()), min_size=1, max_size=LARGEST_BATCH)

    def altered(
        self, names: Collection[str], values: SearchStrategy[Any]
    ) -> SearchStrategy[list[tuple[Any, ...]]]:
        """Batches of one row, in which one of the columns `names` holds one of `values`."""
        from hypothesis import strategies as st

        places = [at for at, column in enumerate(self.columns) if column.name in names]

        def put(row: tuple[Any, ...], at: int, value: Any) -> list[tuple[Any, ...]]:
            return [(*row[:at], value, *row[at + 1 :])]

        place = drawing.by(drawing.one_of(places))
        return st.builds(put, drawing.by(self._row()), place, values)

    def of_holdout(self, most: int) -> pa.Table:
        """The first rows of the holdout, as many as that, typed as the signature says."""
        return conform(self._holdout.features(self._signature).slice(0, most), self._signature)

    def are_inside(self, table: pa.Table) -> bool:
        """Whether every number lies in the range, and every other value among those, of the data.

        A gap does where the data has one.
        """
        return all(self._is_inside(table[column.name], column) for column in self.columns)

    def inside(self, table: pa.Table) -> pa.Table:
        """The rows of `table` of which `are_inside` is true."""
        kept = [i for i in range(table.num_rows) if self.are_inside(table.slice(i, 1))]
        return table.take(pa.array(kept, pa.int64()))

    def _is_inside(self, given: pa.ChunkedArray, column: Column) -> bool:
        seen = self._seen(column)
        if given.null_count and not self._has_gaps(column):
            return False
        given = given.drop_null()
        if len(given) == 0:
            return True
        if column.type not in ORDERED or len(seen) == 0:
            return set(given.to_pylist()) <= set(pc.unique(seen).to_pylist())
        low, high = self._ends[column.name]
        return all(low <= value <= high for value in given.to_pylist())

    def _row(self) -> Way[tuple[Any, ...]]:
        return drawing.together([self._values(column) for column in self.columns])

    def _values(self, column: Column) -> Way[Any]:
        if len(self._seen(column)) == 0:
            return lambda _: None
        values = self._present(column)
        return drawing.perhaps_none(values) if self._has_gaps(column) else values

    def _present(self, column: Column) -> Way[Any]:
        if column.type == "boolean":
            return drawing.one_of([False, True])
        distinct = _distinct(self._seen(column))
        if column.type == "double":
            return drawing.floats([float(value) for value in distinct])
        if column.type == "float":
            wide = drawing.floats([float(value) for value in distinct])
            return lambda choose: _single(wide(choose))
        if column.type in ("long", "integer") and len(distinct) > FEW_VALUES:
            return drawing.whole_numbers([int(value) for value in distinct])
        return drawing.one_of(distinct)

    def _seen(self, column: Column) -> pa.ChunkedArray:
        if column.name not in self._kept:
            seen = self._holdout.table[column.name].drop_null()
            if column.type in ORDERED and pa.types.is_floating(seen.type):
                seen = seen.filter(pc.is_finite(seen))
            self._kept[column.name] = seen
        return self._kept[column.name]

    @cached_property
    def _kept(self) -> dict[str, pa.ChunkedArray]:
        return {}

    @cached_property
    def _ends(self) -> dict[str, tuple[Any, Any]]:
        numbers = [c for c in self.columns if c.type in ORDERED and len(self._seen(c))]
        ends = {c.name: pc.min_max(self._seen(c)).as_py() for c in numbers}
        return {name: (found["min"], found["max"]) for name, found in ends.items()}

    def _has_gaps(self, column: Column) -> bool:
        return bool(self._holdout.table[column.name].null_count) and column.type not in NEVER_EMPTY


def table_of(batch: Sequence[tuple[Any, ...]], columns: Sequence[Column]) -> pa.Table:
    """The rows as Arrow, typed as the signature says."""
    arrays = [
        pa.array([row[i] for row in batch], type=arrow_type(column.type))
        for i, column in enumerate(columns)
    ]
    return pa.table(arrays, names=[column.name for column in columns])


def row_words(batch: Sequence[tuple[Any, ...]], columns: Sequence[Column]) -> str:
    """The rows in words; they are made up, so they may be shown."""
    rows = [
        "(" + ", ".join(f"{c.name}={_short(v)}" for c, v in zip(columns, row, strict=True)) + ")"
        for row in batch
    ]
    return " ".join(rows)


def _single(number: float) -> float:
    """The nearest finite number of 32 bits."""
    return float(np.float32(np.clip(number, -SINGLE, SINGLE)))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value.isoformat() if isinstance(value, datetime.datetime) else repr(value)


def _distinct(seen: pa.ChunkedArray) -> list[Any]:
    return sorted(pc.unique(seen).to_pylist())
