"""A JSON payload -> a table by the model's signature, or one sentence that says what is wrong.

Stricter than `mlflow models serve`, which cuts 3.5 down to 3 for a long: here a value is taken
only if it means the same in the column's type. A sentence names the column, the row (counted
from 0) and the kind of the value, never the value: it goes to clients and into logs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gatekit.errors import BadRows
from gatekit.scoring.cells import CASTS, cell_to_json, is_empty, kind_of
from gatekit.scoring.signature import Column, Signature, arrow_type
from gatekit.scoring.tables import NEVER_EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable

FORMS = (
    'send {"features": [[...], ...]}, '
    '{"dataframe_split": {"columns": [...], "data": [[...], ...]}}, '
    '{"dataframe_records": [{...}, ...]}, {"instances": ...} or {"inputs": ...}'
)
NAME_LENGTH = 40
NAMES_SHOWN = 3

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Decoder:
    """A signature made ready once for many payloads."""

    signature: Signature
    fields: tuple[pa.Field, ...]
    schema: pa.Schema

    @classmethod
    def of(cls, signature: Signature) -> Decoder:
        """The decoder for a signature."""
        fields = tuple(pa.field(c.name, arrow_type(c.type)) for c in signature.inputs)
        return cls(signature, fields, pa.schema(fields))

    def decode(self, payload: object) -> pa.Table:
        """The rows of `payload`, typed and ordered as the signature says, (rows, columns).

        Optional columns that no row names are left out.

        Raises:
            BadRows: the payload is not rows of this signature.
        """
        given = _columns(payload, self.signature)
        if len(given) == len(self.fields):
            fields, schema = self.fields, self.schema
        else:
            fields = tuple(field for field in self.fields if field.name in given)
            schema = pa.schema(fields)
        columns = [c for c in self.signature.inputs if c.name in given]
        arrays = [
            _array(column, field.type, given[column.name])
            for column, field in zip(columns, fields, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=schema)


def decode(payload: object, signature: Signature) -> pa.Table:
    """The rows of a JSON payload as a table; see `Decoder.decode`, which many payloads want.

    Raises:
        BadRows: the payload is not rows of this signature.
    """
    return Decoder.of(signature).decode(payload)


def to_rows(table: pa.Table) -> list[list[Any]]:
    """The rows of a table as JSON values, so that `decode` gives the table back."""
    lists = [[cell_to_json(value) for value in column.to_pylist()] for column in table.columns]
    return [list(row) for row in zip(*lists, strict=True)]


def _columns(payload: object, signature: Signature) -> Columns:
    if not isinstance(payload, dict):
        raise BadRows(f"the body is {kind_of(payload)}, not an object of rows: {FORMS}")
    named = [key for key in READERS if key in payload]
    if not named:
        raise BadRows(f"the body has none of the keys that hold rows: {FORMS}")
    if len(named) > 1:
        raise BadRows(f"the body has both {named[0]!r} and {named[1]!r}; send one of them")
    columns = READERS[named[0]](payload[named[0]], signature)
    wanted = set(signature.names)
    if surplus := [name for name in columns if name not in wanted]:
        raise BadRows(f"{named[0]}: unknown {_listed(surplus)}; {_asked(signature)}")
    missing = [c.name for c in signature.inputs if c.required and c.name not in columns]
    if missing:
        raise BadRows(f"{named[0]}: missing {_listed(missing)}; {_asked(signature)}")
    if not columns or not next(iter(columns.values())):
        raise BadRows(f"{named[0]}: no rows")
    return columns


def _features(value: object, signature: Signature, where: str = "features") -> Columns:
    return _positional(value, signature.names, where)


def _split(value: object, signature: Signature) -> Columns:
    del signature
    where = "dataframe_split"
    if not isinstance(value, dict) or "columns" not in value or "data" not in value:
        raise BadRows(f"{where}: give an object with 'columns' and 'data'")
    names = value["columns"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadRows(f"{where}: 'columns' must be a list of column names")
    if len(set(names)) < len(names):
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        raise BadRows(f"{where}: {_listed(twice)} twice")
    return _positional(value["data"], tuple(names), where)


def _instances(value: object, signature: Signature) -> Columns:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _records(value, signature, "instances")
    return _features(value, signature, "instances")


def _records(value: object, signature: Signature, where: str = "dataframe_records") -> Columns:
    if not isinstance(value, list):
        raise BadRows(f"{where}: give a list of objects, not {kind_of(value)}")
    names: dict[str, None] = {}
    for row, record in enumerate(value):
        if not isinstance(record, dict):
            raise BadRows(f"{where}: row {row} is {kind_of(record)}, not an object")
        names.update(dict.fromkeys(record))
    if value:
        for column in signature.inputs:
            absent = next((i for i, record in enumerate(value) if column.name not in record), None)
            if column.required and absent is not None:
                raise BadRows(f"{where}: row {absent} has no {column.name!r}")
    return {name: [record.get(name) for record in value] for name in names}


def _inputs(value: object, signature: Signature) -> Columns:
    if not isinstance(value, dict):
        return _features(value, signature, "inputs")
    lengths: dict[str, int] = {}
    for name, cells in value.items():
        if not isinstance(cells, list):
            raise BadRows(f"inputs: {_listed([name])} is {kind_of(cells)}, not a list of values")
        lengths[name] = len(cells)
    if len(set(lengths.values())) > 1:
        first, *others = lengths
        other = next(name for name in others if lengths[name] != lengths[first])
        raise BadRows(f"inputs: {_listed([first, other])} are not of equal length")
    return dict(value)


def _positional(value: object, names: tuple[str, ...], where: str) -> Columns:
    if not isinstance(value, list):
        raise BadRows(f"{where}: give a list of rows, not {kind_of(value)}")
    for row, cells in enumerate(value):
        if not isinstance(cells, list):
            raise BadRows(f"{where}: row {row} is {kind_of(cells)}, not a list of values")
        if len(cells) != len(names):
            raise BadRows(
                f"{where}: row {row} has {_count(len(cells), 'value')}, "
                f"not one for each of {_count(len(names), 'column')}"
            )
    if not value:
        return {name: [] for name in names}
    return dict(zip(names, map(list, zip(*value, strict=True)), strict=True))


READERS: dict[str, Callable[[object, Signature], Columns]] = {
    "features": _features,
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}


def _array(column: Column, kind: pa.DataType, cells: list[Any]) -> pa.Array:
    # a sum is finite only if all are; where it overflows they are looked at one by one
    plain = column.type == "double" and set(map(type, cells)) == {float}
    if plain and math.isfinite(sum(cells)):
        return pa.array(cells, type=kind)
    cast = CASTS[column.type]
    may_be_null = not column.required and column.type not in NEVER_EMPTY
    values: list[Any] = []
    for row, cell in enumerate(cells):
        if may_be_null and is_empty(cell, column.type):
            values.append(None)
            continue
        wrong, value = cast(cell)
        if wrong:
            raise BadRows(
                f"column {column.name!r}, row {row}: {wrong} where the signature says {column.type}"
            )
        values.append(value)
    return pa.array(values, type=kind)


def _listed(names: list[str]) -> str:
    shown = ", ".join(_name(name) for name in names[:NAMES_SHOWN])
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"{'columns' if len(names) > 1 else 'column'} {shown}{more}"


def _name(name: str) -> str:
    """A name that came from outside: on one line, ASCII, not long."""
    return ascii(name if len(name) <= NAME_LENGTH else name[:NAME_LENGTH] + "...")


def _asked(signature: Signature) -> str:
    return f"the model takes {_count(len(signature.inputs), 'column')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
