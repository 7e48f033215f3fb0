"""Many rows on their way to a model's process: in memory that both map, and it may only read.

It is a file without a name (memfd). The gate maps it and then seals it: from then on nobody can map
it for writing, write to it, change its size or take a seal off. The gate never reads what lies
there, so that nothing hangs on it; the walls stand as they do.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
from contextlib import suppress
from typing import Self

import numpy as np
import pyarrow as pa

FUTURE_WRITE = 0x10  # F_SEAL_FUTURE_WRITE of linux/fcntl.h, since Linux 5.1
ROOM = 1 << 26  # bytes; what was written to once stays memory until the process ends
FEW_ROWS = 1 << 10  # cross the pipe
FEW_BYTES = 1 << 16
# Parameters of malloc.h: how much freed memory is given back, and from what size on it is mapped.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
KEPT = 1 << 25


class SharedRows:
    """The gate's side. `descriptor` is for the model's process, and closed here once it has it."""

    def __init__(self, descriptor: int) -> None:
        os.ftruncate(descriptor, ROOM)
        self._room: mmap.mmap | None = mmap.mmap(descriptor, ROOM)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL | FUTURE_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        self.descriptor = descriptor

    @classmethod
    def opened(cls) -> Self | None:
        """None where the system has no such memory; rows then cross the pipe."""
        with suppress(AttributeError, OSError):
            made = os.memfd_create("gatekit-rows", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            try:
                return cls(made)
            except OSError:
                os.close(made)
        return None

    def put(self, table: pa.Table) -> int:
        """Lay a table there, over the last one, as an Arrow IPC stream of so many bytes.

        0 for a table that is too small to be worth it or too large, and after `close`.
        """
        if self._room is None or table.num_rows < FEW_ROWS or table.nbytes < FEW_BYTES:
            return 0
        sink = pa.FixedSizeBufferWriter(pa.py_buffer(self._room))
        try:
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
        except (pa.ArrowException, OSError):
            return 0
        return int(sink.tell())

    def close(self) -> None:
        """Give the memory back; the other side keeps what it maps."""
        self._room = None


def shared_table(descriptor: int, size: int) -> pa.Table:
    """The other side: the table that lies there, as a copy that later ones do not change."""
    held = np.empty(size, np.uint8)
    at = 0
    while at < size:
        at += os.preadv(descriptor, [held[at:].data], at)
    with pa.ipc.open_stream(pa.py_buffer(held)) as reader:
        return reader.read_all()


def keep_freed_memory() -> None:
    """Megabytes that come and go with each of many tables stay with this process, 32 MB at most.

    To be given the same pages anew, zeroed, costs half as much as a linear model's predictions.
    """
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):  # another C library, which has ways of its own
        for parameter in (TRIM_THRESHOLD, MMAP_THRESHOLD):
            libc.mallopt(parameter, KEPT)
