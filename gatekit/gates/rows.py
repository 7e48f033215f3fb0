"""Rows made from a signature, for Hypothesis: values as the data has them, and around them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekit.data import Holdout
from gatekit.scoring.signature import Column, Signature, arrow_type

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

LARGEST_BATCH = 6
FEW_VALUES = 60  # a column of whole numbers with so few values is taken for codes


class Rows:
    """What to draw for each column. Row tuples: they shrink well and build fast."""

    def __init__(self, signature: Signature, holdout: Holdout) -> None:
        self.columns = tuple(c for c in signature.inputs if c.name in holdout.columns)
        self._holdout = holdout

    def batches(self) -> SearchStrategy[list[tuple[Any, ...]]]:
        """Batches of one to six rows."""
        from hypothesis import strategies as st

        row = st.tuples(*(self._values(column) for column in self.columns))
        return st.lists(row, min_size=1, max_size=LARGEST_BATCH)

    def _values(self, column: Column) -> SearchStrategy[Any]:
        from hypothesis import strategies as st

        seen = self._holdout.table[column.name].drop_null()
        if len(seen) == 0:
            return st.none()
        if column.type == "boolean":
            return st.booleans()
        if column.type in ("double", "float"):
            return self._numbers(seen, column)
        if column.type in ("long", "integer"):
            return self._whole(seen)
        return st.sampled_from(_distinct(seen))

    @staticmethod
    def _numbers(seen: pa.ChunkedArray, column: Column) -> SearchStrategy[float]:
        from hypothesis import strategies as st

        values = seen.to_numpy().astype(float)
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        reach = (high - low) or 1.0  # as far outside the data as the data is wide
        width = 32 if column.type == "float" else 64
        low, high = (
            float(np.float32(v)) if column.type == "float" else v
            for v in (low - reach, high + reach)
        )
        return st.floats(low, high, allow_nan=False, allow_infinity=False, width=width)  # type: ignore[arg-type] # 32 or 64

    @staticmethod
    def _whole(seen: pa.ChunkedArray) -> SearchStrategy[int]:
        from hypothesis import strategies as st

        distinct = [int(value) for value in _distinct(seen)]
        if len(distinct) <= FEW_VALUES:
            return st.sampled_from(distinct)
        return st.integers(min(distinct), max(distinct))


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


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value.isoformat() if isinstance(value, datetime.datetime) else repr(value)


def _distinct(seen: pa.ChunkedArray) -> list[Any]:
    return sorted(pc.unique(seen).to_pylist())
