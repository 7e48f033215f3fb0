"""Rows by signature: an Arrow table made to fit a model, then a frame or an array of it."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gatekit.errors import DataError
from gatekit.scoring.signature import Column, Signature, arrow_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

FEW_ROWS = 8
# pandas keeps no empty value in these; with one the column would silently become floats.
NEVER_EMPTY = ("integer", "long")


def conform(table: pa.Table, signature: Signature | None) -> pa.Table:
    """The columns of `signature`, in its order and types; `table` itself without a signature.

    Surplus columns are dropped. A column is cast only where no value changes: 80 fits a double,
    3.5 does not fit a long.

    Raises:
        DataError: a required column is missing, has the wrong type or empty values.
    """
    if signature is None:
        return table
    whole = _schema(signature)
    if table.schema.equals(whole) and not table.schema.metadata:
        return _without_empty(table, signature.inputs)
    present = set(table.column_names)
    missing = [c.name for c in signature.inputs if c.required and c.name not in present]
    if missing:
        raise DataError(
            f"the data lacks {_listed(missing)}, which the model asks for",
            f"Its columns are {_listed(table.column_names)}",
        )
    columns = [column for column in signature.inputs if column.name in present]
    schema = pa.schema([whole.field(column.name) for column in columns])
    cast = [_cast(table, column, field.type) for column, field in zip(columns, schema, strict=True)]
    return _without_empty(pa.Table.from_arrays(cast, schema=schema), columns)


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A pandas frame with the dtypes that pyfunc's own check of the signature accepts."""
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame


def to_array(table: pa.Table) -> np.ndarray[Any, Any]:
    """A numeric table as one array, shape (rows, columns); an empty value becomes NaN.

    float64, or float32 when every column is float32: what scikit-learn makes of such a frame.
    """
    single = all(field.type == pa.float32() for field in table.schema)
    # Columns lie together, as in a frame: the other order changes sums in their last digit.
    shape = (table.num_rows, table.num_columns)
    array = np.empty(shape, np.float32 if single else np.float64, order="F")
    for position, column in enumerate(table.columns):
        array[:, position] = column.to_numpy()
    return array


def to_columns(table: pa.Table) -> list[np.ndarray[Any, Any]]:
    """One array a column, each (rows,): words as objects, else float64; an empty value is NaN."""
    return [
        column.to_numpy()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        else column.to_numpy().astype(np.float64, copy=False)
        for column in table.columns
    ]


def rows_to_array(rows: Sequence[tuple[Any, ...]], signature: Signature) -> np.ndarray[Any, Any]:
    """What `to_array` makes of the same rows as a table, without the table."""
    narrow = [at for at, column in enumerate(signature.inputs) if column.type == "float"]
    single = len(narrow) == len(signature.inputs)
    kind = np.float32 if single else np.float64
    if len(rows) < FEW_ROWS:
        array = np.array(rows, kind, order="F")
    else:  # half again as fast where it pays
        cells = np.fromiter(chain.from_iterable(rows), kind, len(rows) * len(signature.inputs))
        array = np.asfortranarray(cells.reshape(len(rows), -1))
    if narrow and not single:
        array[:, narrow] = array[:, narrow].astype(np.float32)
    return array


@lru_cache(maxsize=64)
def _schema(signature: Signature) -> pa.Schema:
    return pa.schema([(column.name, arrow_type(column.type)) for column in signature.inputs])


def _without_empty(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    for position, column in enumerate(columns):
        full = column.type in NEVER_EMPTY or (column.type == "boolean" and column.required)
        if full and (empty := table.column(position).null_count):
            other = "calls it optional" if column.type == "boolean" else "says double"
            raise DataError(
                f"column {column.name!r} has {empty} empty values; the model's signature calls "
                f"it {column.type}, which has none",
                f"Fill them, or save the model with a signature that {other}",
            )
    return table


def _cast(table: pa.Table, column: Column, wanted: pa.DataType) -> pa.ChunkedArray:
    values = table.column(column.name)
    if values.type.equals(wanted):
        return values
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    text, boolean = pa.types.is_string(values.type), pa.types.is_boolean(values.type)
    text = text or pa.types.is_large_string(values.type)
    words = column.type == "string"
    # Arrow would parse "1" as a number and True as 1; pyfunc refuses both, and so does gatekit.
    fits = text == words and boolean == (column.type == "boolean")
    try:
        if fits or pa.types.is_null(values.type):
            return values.cast(wanted)
    except pa.ArrowException:
        # Arrow's message quotes the value; rows stay out of error texts.
        fits = False
    raise DataError(
        f"column {column.name!r} holds {values.type}; the model's signature says {column.type}, "
        "and not every value can be turned into that",
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"  # noqa: PLR2004 - a line's worth of names


def spread_rows(table: pa.Table, most: int, least: int = 1) -> pa.Table:
    """At most `most` rows, evenly from the whole table; fewer than `least` are taken in turn."""
    rows = table.num_rows
    if rows < least:
        return table.take(pa.array(np.arange(least) % rows))
    if rows <= most:
        return table
    return table.take(pa.array(np.linspace(0, rows - 1, most).astype(np.int64)))
