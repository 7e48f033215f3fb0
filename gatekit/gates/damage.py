"""Tables as they come when something upstream is broken: one column damaged at a time.

Every function gives named variants of the same rows; nothing is predicted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gatekit.scoring.signature import Column, Signature, arrow_type
from gatekit.scoring.tables import NEVER_EMPTY

SLIPS = (1000.0, 0.001, 100.0)
FAR_TIMES = 5.0  # as many times as far from the median as the 99th percentile is
NEVER_SEEN = "never seen before"

Variants = Iterator[tuple[str, pa.Table]]
Damage = Callable[[pa.Table, Signature, np.random.Generator], Variants]


def quantities(table: pa.Table, signature: Signature) -> list[Column]:
    """The columns the signature calls double or float."""
    return [
        c for c in signature.inputs if c.type in ("double", "float") and c.name in _names(table)
    ]


def emptied(table: pa.Table, signature: Signature, random: np.random.Generator) -> Variants:
    """Each column that may be empty is."""
    del random
    for column in signature.inputs:
        if column.required or column.type in NEVER_EMPTY or column.name not in _names(table):
            continue
        gap = pa.nulls(table.num_rows, arrow_type(column.type))
        yield f"{column.name} empty", _with(table, column.name, gap)


def outlying(table: pa.Table, signature: Signature, random: np.random.Generator) -> Variants:
    """Each quantity lies far beyond its 99th, and below its first, percentile."""
    del random
    for column in quantities(table, signature):
        values = _numbers(table, column.name)
        low, middle, high = np.nanquantile(values, (0.01, 0.5, 0.99))
        for word, end in (("far up", high), ("far down", low)):
            far = np.where(np.isnan(values), np.nan, middle + FAR_TIMES * (end - middle))
            yield f"{column.name} {word}", _with_numbers(table, column, far)


def slipped(table: pa.Table, signature: Signature, random: np.random.Generator) -> Variants:
    """Each quantity in another unit: a thousand, a thousandth and a hundred times as large."""
    del random
    for column in quantities(table, signature):
        values = _numbers(table, column.name)
        for factor in SLIPS:
            yield f"{column.name} x {factor:g}", _with_numbers(table, column, values * factor)


def recategorised(table: pa.Table, signature: Signature, random: np.random.Generator) -> Variants:
    """Each word and boolean is another one that was seen; each word is one never seen."""
    for column in signature.inputs:
        if column.type not in ("string", "boolean") or column.name not in _names(table):
            continue
        swapped = another(table[column.name], random)
        if swapped is not None:
            yield f"{column.name} swapped", _with(table, column.name, swapped)
        if column.type == "string":
            unseen = pa.array([NEVER_SEEN] * table.num_rows)
            yield f"{column.name} unseen", _with(table, column.name, unseen)


def another(column: pa.ChunkedArray, random: np.random.Generator) -> pa.Array | None:
    """For every cell another value of the column, gaps kept; None if there are not two."""
    levels = pc.unique(column.drop_null())
    if len(levels) < 2:  # noqa: PLR2004 - another needs two
        return None
    index = pc.index_in(column, levels).to_numpy(zero_copy_only=False).astype(float)
    moved = (index + random.integers(1, len(levels), len(index))) % len(levels)
    gaps = np.isnan(index)
    return levels.take(pa.array(np.where(gaps, 0, moved).astype(np.int64), mask=gaps))


def _names(table: pa.Table) -> list[str]:
    names: list[str] = table.column_names
    return names


def _numbers(table: pa.Table, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = (
        table[name].to_numpy(zero_copy_only=False).astype(float)
    )
    return found


def _with_numbers(
    table: pa.Table, column: Column, values: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> pa.Table:
    made = pa.array(values, from_pandas=True).cast(arrow_type(column.type))
    return _with(table, column.name, made)


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
