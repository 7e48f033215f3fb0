"""Bytes to look into, of known length: a file, or what it expands to, within bounds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Protocol, Self, cast

MIB = 1024 * 1024
CHUNK = MIB
LINE_BYTES = MIB  # no pickle has a longer line
SPOOLED_IN_MEMORY = 16 * MIB


class TooMuch(Exception):
    """More was found than is looked into: a bomb, or built like one."""


@dataclass(slots=True)
class Budget:
    """What one scan may expand and follow; counts down."""

    expanded_bytes: int = 8 * 1024 * MIB
    members: int = 20_000
    depth: int = 4
    ratio: int = 200  # above `free_bytes`, expanded to packed
    free_bytes: int = 64 * MIB

    def member(self) -> None:
        """Count one member of an archive."""
        self.members -= 1
        if self.members < 0:
            raise TooMuch("it holds more files than are looked into")

    def spend(self, size: int, expanded: int, packed: int) -> None:
        """Count `size` more bytes of a stream that is `expanded` long by now."""
        self.expanded_bytes -= size
        if self.expanded_bytes < 0:
            raise TooMuch("it expands to more bytes than are looked into")
        if expanded > self.free_bytes and expanded > self.ratio * max(packed, 1):
            raise TooMuch(f"it expands to more than {self.ratio} times its size")


class Source:
    """A seekable stream that never reads past its end nor makes room for more than there is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.size = stream.seek(0, os.SEEK_END)
        stream.seek(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def read(self, count: int) -> bytes:
        """At most `count` bytes."""
        return self.stream.read(max(0, min(count, self.size - self.stream.tell())))

    def readline(self) -> bytes:
        """A line, or as much of it as any pickle could mean."""
        return self.stream.readline(LINE_BYTES)

    def tell(self) -> int:
        """Where the next byte is read."""
        return self.stream.tell()

    def seek(self, position: int) -> None:
        """Go on reading at `position`."""
        self.stream.seek(position)

    def head(self, count: int = 512) -> bytes:
        """The first bytes; the position is the start afterwards."""
        self.seek(0)
        found = self.read(count)
        self.seek(0)
        return found


class _Readable(Protocol):
    """All that is asked of what expands a stream."""

    def read(self, count: int, /) -> bytes:
        """At most `count` bytes; none at the end."""


class _Inflated:
    """A zlib stream as a file; the standard library has none."""

    def __init__(self, source: Source) -> None:
        self._source, self._inflate = source, zlib.decompressobj()

    def read(self, count: int) -> bytes:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._source.read(CHUNK)
            found = self._inflate.decompress(packed, count)
            if found:
                return found
            if not packed:
                raise EOFError("the stream is cut off")
        return b""


_Opener = Callable[[Source], _Readable]
PACKED: tuple[tuple[bytes, str, _Opener], ...] = (
    (b"\x1f\x8b", "gzip", lambda source: gzip.GzipFile(fileobj=source.stream, mode="rb")),
    (b"BZh", "bz2", lambda source: bz2.BZ2File(source.stream)),
    (b"\xfd7zXZ\x00", "xz", lambda source: lzma.open(source.stream)),  # noqa: SIM115
    (b"\x5d\x00\x00", "lzma", lambda source: lzma.open(source.stream)),  # noqa: SIM115
    (b"x", "zlib", _Inflated),
)
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)


def unpacked(source: Source, budget: Budget) -> tuple[str, Source, str] | None:
    """The kind of compression, what is inside, and how it broke off ("" if it did not).

    None if `source` is not compressed in a way that Python or joblib undoes. What came before a
    break is given back too: a reader would have met it first.

    Raises:
        TooMuch: it expands beyond the budget.
    """
    head = source.head()
    found = [(kind, opener) for magic, kind, opener in PACKED if head.startswith(magic)]
    if not found:
        return None
    kind, opener = found[0]
    inside, broke = copied(opener(source), source.size, budget)
    if broke and inside.size == 0:
        inside.stream.close()
        return None
    return kind, inside, broke


def copied(stream: _Readable, packed: int, budget: Budget) -> tuple[Source, str]:
    """What `stream` gives, as a source of its own to be closed, and how it broke off."""
    spool = cast("IO[bytes]", tempfile.SpooledTemporaryFile(SPOOLED_IN_MEMORY))  # noqa: SIM115
    broke, size = "", 0
    try:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            budget.spend(len(chunk), size, packed)
            spool.write(chunk)
    except BROKEN as error:
        broke = type(error).__name__
    except BaseException:
        spool.close()
        raise
    return Source(spool), broke
