r"""A compiled model at rest: parts in words and numbers, in one file that holds no code.

    4 bytes   magic            b"gkc1"
    4 bytes   length of head   little-endian
    head      JSON: the parts, where an array is a number and a type
    arrays    one after the other, each beginning at a multiple of 8

The same parts give the same bytes, so a digest names them.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatekit.errors import CandidateError
from gatekit.scoring.signature import Signature

MAGIC = b"gkc1"
PREFIX = struct.Struct("<4sI")
ALIGNED = 8
PLAIN = (str, bool, int, float, type(None))
NUMBERS = "biuf"

Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """What `gatekit.scoring.compiled` makes functions of.

    `steps` come before `head`; each is a part: `{"do": NAME, ...}`. `asked` is the method that
    answers, `classes` the model's own labels in order, empty where it has none.
    """

    signature: Signature
    steps: tuple[Part, ...]
    head: Part
    by_columns: bool
    asked: str = "predict"
    classes: tuple[Any, ...] = ()

    def pack(self) -> bytes:
        """The file's bytes.

        Raises:
            CandidateError: a part holds something that is neither number nor word.
        """
        arrays: list[np.ndarray[Any, Any]] = []
        head = {
            "signature": self.signature.as_dict(),
            "steps": [_out(step, arrays) for step in self.steps],
            "head": _out(self.head, arrays),
            "by_columns": self.by_columns,
            "asked": self.asked,
            "classes": _out(list(self.classes), arrays),
        }
        text = json.dumps(head, separators=(",", ":"), sort_keys=True).encode()
        text += b" " * (-(PREFIX.size + len(text)) % ALIGNED)
        pieces = [PREFIX.pack(MAGIC, len(text)), text]
        for array in arrays:
            raw = array.tobytes()
            pieces += [raw, bytes(-len(raw) % ALIGNED)]
        return b"".join(pieces)

    @classmethod
    def unpack(cls, raw: bytes) -> Form:
        """The form that `pack` wrote.

        Raises:
            CandidateError: it is none.
        """
        try:
            magic, length = PREFIX.unpack_from(raw)
            if magic != MAGIC:
                raise CandidateError("not a compiled model: it does not begin like one")
            start = PREFIX.size + length
            head = json.loads(raw[PREFIX.size : start])
            arrays = _Arrays(memoryview(raw), start)
            steps = tuple(_in(step, arrays) for step in head["steps"])
            return cls(
                signature=Signature.from_dict(head["signature"]),
                steps=steps,
                head=_in(head["head"], arrays),
                by_columns=bool(head["by_columns"]),
                asked=str(head["asked"]),
                classes=tuple(_in(head["classes"], arrays)),
            )
        except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CandidateError(
                f"a compiled model that is broken: {type(error).__name__}"
            ) from error


class _Arrays:
    """Reads one array after the other."""

    def __init__(self, raw: memoryview, start: int) -> None:
        self._raw, self._at = raw, start

    def next(self, kind: str, shape: list[int], *, by_columns: bool) -> np.ndarray[Any, Any]:
        dtype = np.dtype(kind)
        if dtype.kind not in NUMBERS:
            raise ValueError("an array of something else than numbers")
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(self._raw, dtype, count, self._at)
        size = count * dtype.itemsize
        self._at += size + (-size % ALIGNED)
        return array.reshape(shape, order="F" if by_columns else "C")


def _out(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        return _array_out(value, arrays)
    if isinstance(value, bytes):
        arrays.append(np.frombuffer(value, np.uint8))
        return {"bytes": len(value)}
    if isinstance(value, Mapping):
        pairs = [[_out(key, arrays), _out(each, arrays)] for key, each in value.items()]
        return {"table": pairs}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_out(each, arrays) for each in value]
    if type(value) not in PLAIN:
        raise CandidateError(f"a part of the model holds a {type(value).__name__}")
    return value


def _array_out(value: np.ndarray[Any, Any], arrays: list[np.ndarray[Any, Any]]) -> Any:
    if value.dtype.kind not in NUMBERS:
        return {"words": [_out(each, arrays) for each in value.tolist()]}
    # how cells lie decides the order of sums, and so their last digit
    by_columns = bool(value.flags.f_contiguous and not value.flags.c_contiguous)
    arrays.append(value.ravel(order="F" if by_columns else "C"))
    return {"array": [value.dtype.str, list(value.shape), by_columns]}


def _in(value: Any, arrays: _Arrays) -> Any:
    if isinstance(value, list):
        return [_in(each, arrays) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "array":
        return arrays.next(held[0], held[1], by_columns=held[2])
    if kind == "bytes":
        return arrays.next("|u1", [held], by_columns=False).tobytes()
    if kind == "words":
        return np.array([_in(each, arrays) for each in held], dtype=object)
    if kind != "table":
        raise ValueError(f"a part of kind {kind!r}")
    return {_in(key, arrays): _in(each, arrays) for key, each in held}
