"""ONNX files, read field by field: no data outside of the folder, no operators of somebody's own.

The layout is protobuf's: a key (field number and wire type) before each value. Only the fields
that can lead elsewhere are followed; numbers as in onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekit.scanning.finding import Finding

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training", "ai.onnx.training")
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
DEPTH = 32
# message -> field -> message or what the bytes mean
FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "opset": {1: "=domain"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 10: "=domain"},
    "node": {5: "attribute", 7: "=domain"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
    "entry": {1: "=key", 2: "=value"},
}


class _Damaged(Exception):
    pass


def judge_onnx(data: bytes, file: str) -> Iterator[Finding]:
    """Domains that are not ONNX's own, and data files outside of the model."""
    try:
        found = set(_follow(memoryview(data), "model", 0))
    except (_Damaged, IndexError):
        yield Finding(file, "", "as an ONNX model it is damaged")
        return
    for what, text in sorted(found):
        if what == "domain" and text not in DOMAINS:
            yield Finding(file, text, f"it uses operators of the domain {text!r}")
        if what == "location":
            parts = PurePosixPath(text.replace("\\", "/"))
            if parts.is_absolute() or ".." in parts.parts:
                yield Finding(file, text, f"it reads {text!r}, outside of the model")


def _follow(data: memoryview, message: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEPTH:
        raise _Damaged
    words: dict[str, str] = {}
    for number, value in _fields(data):
        means = FIELDS[message].get(number, "")
        if means.startswith("="):
            words[means[1:]] = bytes(value).decode("utf-8", "replace")
        elif means:
            yield from _follow(value, means, depth + 1)
    if "domain" in words:
        yield "domain", words["domain"]
    if words.get("key") == "location":
        yield "location", words.get("value", "")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind, number = key & 7, key >> 3
        if kind == VARINT:
            _, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        elif kind == BYTES:
            size, at = _varint(data, at)
            if at + size > len(data):
                raise _Damaged
            yield number, data[at : at + size]
            at += size
        else:
            raise _Damaged
    if at != len(data):
        raise _Damaged


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:  # noqa: PLR2004 - the high bit says that another byte follows
            return value, at
        if shift > 63:  # noqa: PLR2004 - ten bytes at most
            raise _Damaged
