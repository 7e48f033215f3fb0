r"""Frames between gatekit and a candidate's process, over two pipes of their own.

    4 bytes   magic            b"gk1\n"
    4 bytes   length of header big-endian
    8 bytes   length of body   big-endian
    header    a JSON object
    body      an Arrow IPC stream, or the raw bytes of one array, as the header says

Neither side ever unpickles what the other sent. The other side is not trusted: lengths are
bounded before a byte is kept, and memory grows only as bytes arrive.
"""

from __future__ import annotations

import json
import os
import re
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from gatekit.runner.shared import SharedRows, keep_freed_memory, shared_table

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = struct.Struct(">4sIQ")
MAGIC = b"gk1\n"
SHORT = 1 << 14
# A side that sleeps is woken in 35 microseconds, one that looks again in two. So each looks for
# as long as a small question takes, and sleeps only then.
AWAKE_SECONDS = 0.0003
# Giving the core away at every look costs as much as the look: after some of them is enough, should
# both sides share a core.
LOOKS = 8
MAX_HEADER = 1 << 20
MAX_BODY = 1 << 32
MANY_LARGE = 2


class Garbage(Exception):
    """What came over the pipe is no frame; the message says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: a JSON header and, where the header says so, a body."""

    header: dict[str, Any]
    body: bytes | bytearray | memoryview = b""


@dataclass(slots=True)
class Assembly:
    """Puts a frame together from pieces; `wanted` is how many bytes are still needed for sure."""

    buffer: bytearray = field(default_factory=bytearray)

    @property
    def wanted(self) -> int:
        """Bytes to read before a frame can be complete; 0 when it is."""
        if len(self.buffer) < PREFIX.size:
            return PREFIX.size - len(self.buffer)
        header, body = self._lengths()
        return max(0, PREFIX.size + header + body - len(self.buffer))

    def frame(self) -> Frame:
        """The complete frame; what came after it stays for the next.

        Raises:
            Garbage: the header is not a JSON object.
        """
        header, body = self._lengths()
        start = PREFIX.size + header
        end = start + body
        rest = self.buffer[end:]
        content, self.buffer = memoryview(self.buffer)[:end], rest
        try:
            values = json.loads(bytes(content[PREFIX.size : start]))
        except (ValueError, RecursionError) as error:
            raise Garbage("its header is not JSON") from error
        if not isinstance(values, dict):
            raise Garbage("its header is not a JSON object")
        return Frame(values, content[start:])

    def _lengths(self) -> tuple[int, int]:
        magic, header, body = PREFIX.unpack_from(self.buffer)
        if magic != MAGIC:
            raise Garbage("it does not begin like a frame")
        if header > MAX_HEADER or body > MAX_BODY:
            raise Garbage(f"it announces {header + body} bytes")
        return header, body


def encode(frame: Frame) -> Iterator[memoryview]:
    """The bytes of `frame`, in pieces that are not copied together."""
    header = json.dumps(frame.header, separators=(",", ":")).encode()
    yield memoryview(PREFIX.pack(MAGIC, len(header), len(frame.body)) + header)
    if frame.body:
        yield memoryview(frame.body).cast("B")


def encode_small(frame: Frame) -> Iterator[memoryview]:
    """As `encode`, a short frame in one piece: copying it is cheaper than a second write."""
    if len(frame.body) > SHORT:
        yield from encode(frame)
    else:
        yield memoryview(b"".join(encode(frame)))


def soon(source: int, most: int) -> bytes | None:
    """What a descriptor that does not block gives within a moment; None when it gives nothing yet.

    Empty at its end. The core is given away between some looks and the next.
    """
    end = perf_counter() + AWAKE_SECONDS
    while True:
        for _ in range(LOOKS):
            with suppress(BlockingIOError):
                return os.read(source, most)
        if perf_counter() > end:
            return None
        os.sched_yield()


def table_to_bytes(table: pa.Table) -> memoryview:
    """`table` as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


@dataclass(slots=True)
class TableSender:
    """Tables as bodies. The schema travels once, and again when it changes.

    A stream costs 75 microseconds to write and read, a batch alone 25: much for one row.
    """

    known: pa.Schema | None = None
    shared: SharedRows | None = None

    def learn(self, schema: pa.Schema) -> None:
        """The other side has read a table of `schema`; one with dictionaries travels each time."""
        if self.known is None and not any(map(pa.types.is_dictionary, schema.types)):
            self.known = schema

    def frame(self, header: dict[str, Any], table: pa.Table) -> Frame:
        """A question about a table: a `batch` of the known schema, a `stream`, or `shared`."""
        if self.shared is not None and (size := self.shared.put(table)):
            self.known = None
            return Frame({**header, "table": "shared", "size": size})
        if self.known is not None and table.schema.equals(self.known, check_metadata=True):
            batches = table.to_batches()
            if len(batches) == 1:
                body = memoryview(batches[0].serialize())
                return Frame({**header, "table": "batch"}, body)
        self.known = None  # until the other side has read it
        return Frame({**header, "table": "stream"}, table_to_bytes(table))


@dataclass(slots=True)
class TableReader:
    """The other side of `TableSender`, which is the gate: what comes from there is not doubted."""

    known: pa.Schema | None = None
    shared: int = -1  # a descriptor
    large: int = 0  # tables that came by it

    def table(self, frame: Frame) -> pa.Table | None:
        """The table of a question, if it has one; Garbage if it is none."""
        kind = frame.header.get("table")
        if kind is None:
            return None
        if kind != "batch":
            table = self._shared(frame) if kind == "shared" else bytes_to_table(frame.body)
            self.known = table.schema
            return table
        if self.known is None:
            raise Garbage("its table has no schema")
        batch = pa.ipc.read_record_batch(pa.py_buffer(frame.body), self.known)
        return pa.Table.from_batches([batch], self.known)

    def _shared(self, frame: Frame) -> pa.Table:
        self.large += 1
        if self.large == MANY_LARGE:
            keep_freed_memory()
        return shared_table(self.shared, frame.header["size"])


def bytes_to_table(body: bytes | bytearray | memoryview) -> pa.Table:
    """The table of an Arrow IPC stream; Garbage if it is none."""
    try:
        with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
            table = reader.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Garbage("its table cannot be read") from error
    return table


def array_to_frame(header: dict[str, Any], array: np.ndarray[Any, Any]) -> Frame:
    """A one-dimensional array of numbers, booleans or words as a frame.

    Numbers cross as raw bytes. Objects cross as an Arrow column, where an empty one is a null.

    Raises:
        TypeError: its values are of no type that a prediction may have.
    """
    if array.dtype.kind in "biuf":
        if not (array.dtype.isnative and array.flags.c_contiguous):
            array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        said = {**header, "array": array.dtype.str, "rows": len(array)}
        return Frame(said, array.tobytes())
    if array.dtype.kind not in "OUT":
        raise TypeError(f"predictions of type {array.dtype}")
    try:
        column = pa.array(array, from_pandas=True)
    except pa.ArrowException:
        raise TypeError("predictions of more than one type") from None
    return Frame({**header, "array": "arrow"}, table_to_bytes(pa.table({"prediction": column})))


def frame_to_column(frame: Frame) -> pa.ChunkedArray | np.ndarray[Any, Any]:
    """What `array_to_frame` packed: an array of numbers, or an Arrow column of anything else.

    Raises:
        Garbage: the body is not what the header says.
    """
    kind, rows = frame.header.get("array"), frame.header.get("rows")
    if kind == "arrow":
        table = bytes_to_table(frame.body)
        if table.column_names != ["prediction"]:
            raise Garbage("its table is not a column of predictions")
        return table.column(0)
    # The word comes from the other side: numpy's own parser is kept away from it.
    if not isinstance(kind, str) or not re.fullmatch(r"[<>|=]?[biuf][1248]", kind):
        raise Garbage("its array has no type")
    dtype = np.dtype(kind)
    if not isinstance(rows, int) or rows * dtype.itemsize != len(frame.body):
        raise Garbage("its array is not as long as its header says")
    # A copy, so that the array is writable and does not keep the frame.
    return np.frombuffer(frame.body, dtype).copy()
