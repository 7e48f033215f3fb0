"""Whether a model leaves the rows it was handed as they were.

A caller who asks twice with one frame, or hands it to a second model, gets other answers from a
model that writes into it. MLflow hands its models a copy; that copy is looked at, too.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def disturbance(run: Callable[[Any], object], rows: Any, pyfunc: Any = None) -> str:
    """What `run(rows)` changed in `rows`, in words; "" if nothing.

    `pyfunc` is MLflow's wrapper around the model: what it hands on is looked at as well.
    Raises whatever the model raises.
    """
    found: list[str] = []

    def look(handed: Any, call: Callable[[], object]) -> object:
        before = _kept(handed)
        said = call()
        found.append(_difference(before, _kept(handed)))
        return said

    own = getattr(pyfunc, "_predict_fn", None)
    if own is None:
        look(rows, lambda: run(rows))
    else:

        @functools.wraps(own)  # MLflow reads its parameters
        def seen(handed: Any, *rest: Any, **named: Any) -> object:
            return look(handed, lambda: own(handed, *rest, **named))

        pyfunc._predict_fn = seen  # noqa: SLF001 - there is no door to what MLflow hands on
        try:
            look(rows, lambda: run(rows))
        finally:
            pyfunc._predict_fn = own  # noqa: SLF001 - as above
    return next(filter(None, found), "")


def _kept(rows: Any) -> dict[Any, Any]:
    """Every column by its name, copied: what it held when this was called."""
    if isinstance(rows, pa.Table):
        return {name: _bytes(rows.select([name])) for name in rows.column_names}
    if isinstance(rows, np.ndarray):
        return {"the array": rows.copy()}
    if isinstance(rows, list):
        return {f"column {at}": np.array(column) for at, column in enumerate(rows)}
    kept = {name: rows[name].copy(deep=True) for name in rows.columns}
    return {**kept, "the index": rows.index.copy(deep=True)}


def _difference(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> str:
    if list(before) != list(after):
        strange = [str(name) for name in {**after, **before} if (name in before) != (name in after)]
        return f"columns came, went or moved: {', '.join(strange[:5]) or 'their order'}"
    changed = [str(name) for name in before if not _same(before[name], after[name])]
    return f"values changed in {', '.join(changed[:5])}" if changed else ""


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray):
        gaps = one.dtype.kind == "f"
        return one.dtype == two.dtype and np.array_equal(one, two, equal_nan=gaps)
    if isinstance(one, bytes):
        return one == bytes(two)
    return bool(one.dtype == two.dtype and one.equals(two))  # pandas: gaps are equal


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())
