"""A table that is made once for all processes of a run."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa


def spooled(file: Path, make: Callable[[], pa.Table]) -> pa.Table:
    """The table in an Arrow file; the first process that asks makes it, and the others wait."""
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            table = make()
            written = file.with_suffix(".tmp")
            with pa.ipc.new_file(str(written), table.schema) as sink:
                sink.write_table(table)
            written.rename(file)
    with pa.OSFile(str(file)) as source:
        return pa.ipc.open_file(source).read_all()
