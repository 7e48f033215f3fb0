"""From a holdout and the policy's rules to a space that can be attacked, and back to tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gatekit.attack.space import Axis, Points, Space
from gatekit.errors import DataError
from gatekit.policy_gates import ColumnRule
from gatekit.scoring.signature import Column, Signature, arrow_type

WHOLE = ("long", "integer")
NUMBERS = ("double", "float", *WHOLE)
WIDEST = {"integer": 2.0**31 - 1, "long": 2.0**61}
DIRECTIONS = {"": 0, "rise": 1, "fall": -1}
PLAIN = ColumnRule()


class Ground:
    """The attacked rows as a `Space`, the rows to start from, and the way back to a table.

    Spreads, ranges and levels are those of the whole `table`, whose columns are the model's;
    `picked` are the attacked rows of it, `near` the rows to start from. Dates and bytes stay.

    Raises:
        DataError: a rule names a column that the model does not take, or that it cannot be for.
    """

    def __init__(
        self,
        signature: Signature,
        table: pa.Table,
        rules: Mapping[str, ColumnRule],
        picked: NDArray[np.intp],
        near: NDArray[np.intp],
    ) -> None:
        self._columns = [c for c in signature.inputs if c.name in table.column_names]
        for name in rules:
            if name not in signature.names:
                raise DataError(
                    f"robustness.columns names {name!r}, which the model does not take",
                    f"It takes: {', '.join(signature.names)}",
                )
        self._levels: dict[str, pa.Array] = {}
        axes, starts = [], []
        for column in self._columns:
            rule = rules.get(column.name, PLAIN)
            axis, values = self._axis(column, table[column.name], rule)
            axes.append(_taken(axis, picked))
            starts.append(values[near])
        self.space = Space(tuple(axes))
        self.starts: Points = np.column_stack(starts)

    def levels(self, name: str) -> list[Any]:
        """The levels of a category, as its axis counts them."""
        found: list[Any] = self._levels[name].to_pylist()
        return found

    def table(self, values: list[NDArray[Any]]) -> pa.Table:
        """Columns of values, as `Space.values` gives them, as rows for the model."""
        made = []
        for column, value in zip(self._columns, values, strict=True):
            kind = arrow_type(column.type)
            if (levels := self._levels.get(column.name)) is not None:
                index = pa.array(np.maximum(value, 0), mask=value < 0)
                made.append(levels.take(index).cast(kind))
            else:
                made.append(pa.array(value, from_pandas=True).cast(kind))
        return pa.table(made, names=[column.name for column in self._columns])

    def _axis(
        self, column: Column, values: pa.ChunkedArray, rule: ColumnRule
    ) -> tuple[Axis, NDArray[np.float64]]:
        """The whole column as an axis, and its values as points see them: in spreads, or levels."""
        if column.type in NUMBERS and not rule.category:
            return _number(column, values, rule)
        if (rule.min, rule.max, rule.monotone) != (None, None, ""):
            raise DataError(
                f"robustness.columns.{column.name} is a category and has no range or direction",
                "Such rules are for numbers",
            )
        levels = pc.unique(values.drop_null())
        self._levels[column.name] = levels
        index = pc.fill_null(pc.index_in(values, levels), -1).to_numpy().astype(np.int64)
        fixed = rule.immutable or column.type in ("datetime", "binary")
        # one level at the least, so that an empty column is a category too
        axis = Axis(column.name, index, range_of(levels), fixed=fixed, cost=rule.cost)
        return axis, index.astype(float)


def range_of(levels: pa.Array) -> tuple[int, ...]:
    """The indexes of the levels; one at the least."""
    return tuple(range(max(1, len(levels))))


def _number(
    column: Column, values: pa.ChunkedArray, rule: ColumnRule
) -> tuple[Axis, NDArray[np.float64]]:
    whole = column.type in WHOLE
    origin = values.to_numpy(zero_copy_only=False)
    origin = origin.astype(np.int64) if whole else origin.astype(np.float64)
    known = origin[np.isfinite(origin)].astype(float)
    if not known.size:
        known = np.zeros(1)
    low = known.min() if rule.min is None else rule.min
    high = known.max() if rule.max is None else rule.max
    if low > high:
        raise DataError(
            f"robustness.columns.{column.name}: from {low:g} to {high:g} there is nothing",
            "Let min be below max",
        )
    if whole:
        widest = WIDEST[column.type]
        low, high = max(np.ceil(low), -widest), min(np.floor(high), widest)
    spread = float(known.std())
    axis = Axis(
        column.name,
        origin,
        spread=spread,
        low=float(low),
        high=float(high),
        whole=whole,
        single=column.type == "float",
        fixed=rule.immutable,
        direction=DIRECTIONS[rule.monotone],
    )
    filled = np.where(np.isfinite(origin), origin.astype(float), np.median(known))
    return axis, filled / spread if spread > 0 else np.zeros(filled.size)


def _taken(axis: Axis, picked: NDArray[np.intp]) -> Axis:

    return replace(axis, origin=axis.origin[picked])
