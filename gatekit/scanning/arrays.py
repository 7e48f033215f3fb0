"""How many bytes an array takes in a joblib file: they follow its description, outside the pickle.

joblib reads them past the unpickler. A scan that took them for instructions would lose its place,
and one that skipped too many would miss instructions; so anything odd about them is refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

PLAIN = re.compile(r"[<>|=]?([biufcmMSUVO])(\d+)|b1|\?", re.ASCII)
HAS_OBJECTS = 1  # numpy's flag: the items are Python objects
STATE_SUBTYPE, STATE_FIELDS, STATE_SIZE, STATE_FLAGS = 2, 4, 5, 7


class Odd(Exception):
    """Not what joblib or numpy write."""


@dataclass(slots=True, eq=False)
class Dtype:
    """numpy.dtype(text); `item_bytes` is None for what cannot be told from the file."""

    item_bytes: int | None = None
    has_objects: bool = False
    kind: str = ""

    @classmethod
    def of(cls, arguments: object) -> Dtype:
        """As `numpy.dtype(*arguments)` would make it."""
        text = arguments[0] if isinstance(arguments, tuple) and arguments else None
        found = PLAIN.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            return cls()
        kind = found.group(1) or "b"
        size = int(found.group(2) or 1)
        return cls(size * 4 if kind == "U" else size, kind == "O", kind)

    def build(self, state: object) -> str:
        """As `dtype.__setstate__(state)`; what is wrong with it, in words, or "".

        Numbers that claim to be objects would be followed as addresses.
        """
        if not isinstance(state, tuple) or len(state) <= STATE_SIZE:
            self.item_bytes = None
            return ""
        flags = state[STATE_FLAGS] if len(state) > STATE_FLAGS else int(self.has_objects)
        objects = self.has_objects or _hold_objects(state[STATE_FIELDS])
        if type(flags) is not int or bool(flags & HAS_OBJECTS) != objects:
            return "a numpy type is wrong about whether it holds objects"
        inner = state[STATE_SUBTYPE] is not None
        if inner or state[STATE_SIZE] not in (-1, self.item_bytes) or objects != self.has_objects:
            self.item_bytes = None
        return ""


@dataclass(slots=True, eq=False)
class Wrapper:
    """joblib's description of an array that follows it."""

    state: dict[str, object] = field(default_factory=dict)

    def body(self) -> tuple[int, bool]:
        """Bytes of the array, and whether a padding (one byte says how long) comes first.

        (-1, False) for an array of Python objects: a pickle of its own follows.

        Raises:
            Odd: shape, dtype or alignment are not plain.
        """
        dtype, shape = self.state.get("dtype"), self.state.get("shape")
        if not isinstance(dtype, Dtype) or dtype.item_bytes is None:
            raise Odd("an array of a type whose size the file does not say")
        if dtype.has_objects:
            return -1, False
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise Odd("an array without a plain shape")
        aligned = self.state.get("numpy_array_alignment_bytes")
        if aligned is not None and type(aligned) is not int:
            raise Odd("an array without a plain alignment")
        return math.prod(shape) * dtype.item_bytes, aligned is not None


def _hold_objects(fields: object) -> bool:
    """Whether a structured type says that one of its fields is an object, or is not plain."""
    if fields is None:
        return False
    items = getattr(fields, "items", None)
    if not isinstance(items, dict) or getattr(fields, "odd", True):
        return True
    kinds = [each[0] if isinstance(each, tuple) and each else None for each in items.values()]
    return any(not isinstance(kind, Dtype) or kind.has_objects for kind in kinds)
