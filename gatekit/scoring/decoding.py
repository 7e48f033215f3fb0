"""The bytes of a request straight to typed rows, by a decoder that is made once of a signature.

It takes what `gatekit.scoring.casting` takes and nothing more: either it gives the rows that
casting would give, or it gives none and casting has the word, and the sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any

from gatekit.scoring.signature import Column, Signature

if TYPE_CHECKING:
    import msgspec

FORMS = ("features", "dataframe_split", "dataframe_records", "instances", "inputs")
LARGEST_SINGLE = (2 - 2**-23) * 2.0**127
BETWEEN_SINGLES = 2.0**103  # half a step above it: from there on a float is rounded to infinity

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class FastDecoder:
    """Typed decoding of a signature without times, bytes and optional columns."""

    names: tuple[str, ...]
    narrow: tuple[int, ...]  # positions of the columns of 32 bits
    decoder: msgspec.json.Decoder[Any]
    forms: Callable[[Any], tuple[Any, ...]]
    refusals: tuple[type[Exception], ...]
    unset: object

    @classmethod
    def of(cls, signature: Signature) -> FastDecoder | None:
        """The decoder of a signature; None where only casting reads it."""
        import msgspec

        types = [_type(column) for column in signature.inputs]
        if None in types:
            return None
        row: Any = GenericAlias(tuple, tuple(types))
        fields = [(f"c{at}", kind) for at, kind in enumerate(types)]
        named: dict[str, Any] = {
            "rename": {f"c{at}": name for at, name in enumerate(signature.names)},
            "forbid_unknown_fields": True,
        }
        record: Any = msgspec.defstruct("Record", fields, **named)
        lists = [(name, _list(kind)) for name, kind in fields]
        columns: Any = msgspec.defstruct("Columns", lists, **named)
        split: Any = msgspec.defstruct("Split", [("columns", list[str]), ("data", _list(row))])
        kinds = (_list(row), split, _list(record), _list(record | row), _list(row) | columns)
        body = msgspec.defstruct(
            "Body",
            [
                (name, kind | msgspec.UnsetType, msgspec.UNSET)
                for name, kind in zip(FORMS, kinds, strict=True)
            ],
        )
        narrow = [at for at, column in enumerate(signature.inputs) if column.type == "float"]
        refusals = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
        decoder: Any = msgspec.json.Decoder(body)
        forms = attrgetter(*FORMS)
        return cls(signature.names, tuple(narrow), decoder, forms, refusals, msgspec.UNSET)

    def rows(self, raw: bytes) -> Rows | None:
        """The rows in the signature's order, or None: casting is to read these bytes."""
        try:
            body = self.decoder.decode(raw)
        except self.refusals:
            return None
        given = [form for form in self.forms(body) if form is not self.unset]
        if len(given) != 1:
            return None
        found = self._read(given[0])
        if not found or (self.narrow and not self._fits(found)):
            return None
        return found

    def _read(self, value: Any) -> Rows | None:
        import msgspec

        if isinstance(value, list):
            if not value or type(value[0]) is tuple:
                return value if all(type(row) is tuple for row in value) else None
            if any(type(row) is tuple for row in value):
                return None
            return [msgspec.structs.astuple(record) for record in value]
        if hasattr(value, "data"):
            return value.data if tuple(value.columns) == self.names else None
        columns = msgspec.structs.astuple(value)
        if len(set(map(len, columns))) != 1:
            return None
        return list(zip(*columns, strict=True))

    def _fits(self, rows: Rows) -> bool:
        """Whether no number is too large for a column of 32 bits."""
        limit = LARGEST_SINGLE + BETWEEN_SINGLES
        return all(abs(row[at]) < limit for at in self.narrow for row in rows)


def _list(kind: Any) -> Any:
    return GenericAlias(list, (kind,))


def _type(column: Column) -> Any:
    import msgspec

    if not column.required:
        return None
    whole = {"integer": 31, "long": 63}.get(column.type)
    if whole is not None:
        return Annotated[int, msgspec.Meta(ge=-(2**whole), le=2**whole - 1)]
    return {"double": float, "float": float, "boolean": bool, "string": str}.get(column.type)
