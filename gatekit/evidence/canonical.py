"""Frozen values as bytes and back, without pickle: the same bytes for the same values.

8 bytes   length of the text, big-endian
text      JSON: dataclasses by name, numbers, text, and where each array lies
arrays    64-bit whole numbers, little-endian, one after the other
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

LENGTH = 8
_WORD = np.dtype("<i8")


def to_bytes(value: Any) -> bytes:
    """The bytes of nested dataclasses, mappings, tuples, text, numbers and arrays of int64."""
    arrays: list[bytes] = []
    text = json.dumps(_plain(value, arrays), separators=(",", ":")).encode()
    return b"".join([len(text).to_bytes(LENGTH, "big"), text, *arrays])


def from_bytes(raw: bytes, kinds: Mapping[str, type]) -> Any:
    """The inverse, for dataclasses of these kinds alone.

    Raises:
        ValueError: these are no such bytes.
    """
    try:
        end = LENGTH + int.from_bytes(raw[:LENGTH], "big")
        words = np.frombuffer(raw[end:], _WORD)
        return _made(json.loads(raw[LENGTH:end]), kinds, _Reader(words))
    except (KeyError, TypeError, IndexError, RecursionError) as error:
        raise ValueError("these bytes were not written so") from error


class _Reader:
    def __init__(self, words: np.ndarray[Any, Any]) -> None:
        self._words, self._at = words, 0

    def take(self, shape: list[int]) -> np.ndarray[Any, Any]:
        size = int(np.prod(shape, dtype=np.int64))
        part = self._words[self._at : self._at + size]
        self._at += size
        return part.reshape(shape).astype(np.int64)


def _plain(value: Any, arrays: list[bytes]) -> Any:
    if is_dataclass(value):
        held = [_plain(getattr(value, each.name), arrays) for each in fields(value)]
        return {"is": type(value).__name__, "of": held}
    if isinstance(value, np.ndarray):
        if value.dtype.kind != "i":
            raise TypeError(f"an array of {value.dtype} is not written")
        arrays.append(np.ascontiguousarray(value, _WORD).tobytes())
        return {"array": list(value.shape)}
    if isinstance(value, Mapping):
        return {"map": [[key, _plain(value[key], arrays)] for key in sorted(value)]}
    if isinstance(value, tuple):
        return [_plain(each, arrays) for each in value]
    if isinstance(value, float):
        return {"float": value.hex()}
    return value


def _made(value: Any, kinds: Mapping[str, type], words: _Reader) -> Any:
    if isinstance(value, list):
        return tuple(_made(each, kinds, words) for each in value)
    if not isinstance(value, dict):
        return value
    if "is" in value:
        return kinds[value["is"]](*(_made(each, kinds, words) for each in value["of"]))
    if "array" in value:
        return words.take(value["array"])
    if "map" in value:
        return {key: _made(each, kinds, words) for key, each in value["map"]}
    return float.fromhex(value["float"])
