"""The inference log: what was asked and answered, as Parquet, off the way of the answer.

    <folder>/<model>/<version>/20261125T101500000000Z-<mark>-<number>.parquet

A file is written once, whole, and never changed. It holds the columns of the signature, and beside
them `gatekit_request`, `gatekit_row`, `gatekit_at`, `gatekit_version` and `gatekit_prediction`.
Answers go into a queue that holds so many and no more; what finds it full is counted as dropped.
When the folder is larger than it may be, its oldest files go.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

if TYPE_CHECKING:
    import pyarrow as pa

    from gatekit_service.state import Answered, Served

LOG = logging.getLogger("gatekit_service")
QUEUE = 2000  # answers
ROWS = 5000  # of one file
SECONDS = 30.0  # after which a file is written, however few rows there are
CLOSING_SECONDS = 15.0
SUFFIX = ".parquet"


class InferenceLog:
    """Writes a share of the answers; `counts` says what became of their rows."""

    def __init__(self, folder: Path, share: float, most_mb: float, counts: Counter[str]) -> None:
        self._folder = folder
        self._share = share
        self._most_bytes = int(most_mb * 2**20)
        self._counts = counts
        self._queue: queue.Queue[tuple[Answered, datetime] | None] = queue.Queue(QUEUE)
        self._dice = random.Random()  # noqa: S311 - a sample, no secret
        self._thread = threading.Thread(target=self._run, name="gatekit-inferences", daemon=True)
        self._written = 0
        self._mark = uuid4().hex[:8]  # two logs in one second must not have one name

    def start(self) -> None:
        """Begin to write, in a thread of its own."""
        self._thread.start()

    def offer(self, answered: Answered) -> None:
        """Take an answer, or leave it; never waits."""
        if not answered.predictions:
            return  # a refusal
        if self._share < 1 and self._dice.random() >= self._share:
            return
        try:
            self._queue.put_nowait((answered, datetime.now(UTC)))
        except queue.Full:
            self._counts["dropped"] += len(answered.predictions)

    def stop(self) -> None:
        """Write what is there and end."""
        try:
            self._queue.put(None, timeout=1.0)
        except queue.Full:
            return
        self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        ended = False
        while not ended:
            taken, ended = self._gather()
            versions: dict[tuple[str, str], list[tuple[Answered, datetime]]] = {}
            for answered, at in taken:
                key = (answered.served.version, answered.served.digest)
                versions.setdefault(key, []).append((answered, at))
            for group in versions.values():
                self._write(group)

    def _gather(self) -> tuple[list[tuple[Answered, datetime]], bool]:
        """What one file holds, and whether it is the last."""
        taken: list[tuple[Answered, datetime]] = []
        rows, until = 0, time.monotonic() + SECONDS
        while rows < ROWS and (left := until - time.monotonic()) > 0:
            try:
                item = self._queue.get(timeout=left)
            except queue.Empty:
                break
            if item is None:
                return taken, True
            taken.append(item)
            rows += len(item[0].predictions)
        return taken, False

    def _write(self, group: list[tuple[Answered, datetime]]) -> None:
        rows = sum(len(answered.predictions) for answered, _ in group)
        try:
            self._put(table_of(group), group[0][0].served)
            self._counts["written"] += rows
        except Exception as error:  # noqa: BLE001 - whatever it is, the service serves on
            # no message: one of pyarrow's may quote values
            LOG.warning("%d rows were not logged: %s", rows, type(error).__name__)
            self._counts["failed"] += rows

    def _put(self, table: pa.Table, served: Served) -> None:
        from pyarrow import parquet

        folder = self._folder / quote(served.model, safe="") / quote(served.version, safe="")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._written += 1
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{self._mark}-{self._written:06d}"
        scratch = folder / f".{name}"
        try:
            parquet.write_table(table, scratch, compression="zstd")
            scratch.rename(folder / (name + SUFFIX))
        finally:
            scratch.unlink(missing_ok=True)
        self._prune()

    def _prune(self) -> None:
        """Remove the oldest files while all together are larger than they may be."""
        # a name begins with its moment
        found = sorted(self._folder.glob(f"*/*/*{SUFFIX}"), key=lambda path: path.name)
        sizes = [path.stat().st_size for path in found]
        total = sum(sizes)
        for path, size in zip(found[:-1], sizes, strict=False):  # the newest stays, however large
            if total <= self._most_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size
            self._counts["files removed"] += 1


def table_of(group: list[tuple[Answered, datetime]]) -> pa.Table:
    """Answers of one version as an Arrow table, a row for each row."""
    import pyarrow as pa

    served = group[0][0].served
    decoder = served.decoder
    tables = [
        answered.rows
        if isinstance(answered.rows, pa.Table)
        else decoder.decode({"features": [list(row) for row in answered.rows]})
        for answered, _ in group
    ]
    # an optional column that a caller left out is empty in those rows
    table = pa.concat_tables([decoder.schema.empty_table(), *tables], promote_options="default")
    sizes = [len(answered.predictions) for answered, _ in group]
    ids = [a.request_id for (a, _), n in zip(group, sizes, strict=True) for _ in range(n)]
    moments = [at for (_, at), n in zip(group, sizes, strict=True) for _ in range(n)]
    said = [value for answered, _ in group for value in answered.predictions]
    beside = {
        "gatekit_request": pa.array(ids, pa.string()),
        "gatekit_row": pa.array([i for n in sizes for i in range(n)], pa.int64()),
        "gatekit_at": pa.array(moments, pa.timestamp("us", tz="UTC")),
        "gatekit_version": pa.array([served.version] * len(said), pa.string()),
        "gatekit_prediction": pa.array(said),
    }
    for name, column in beside.items():
        table = table.append_column(name, column)
    return table
