"""The engine of a Spark cluster, by the URL of its master, or of a session that is there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark.sql import SparkSession

from gatekit.errors import UsageProblem
from gatekit.parts import Part
from gatekit.streaming.share import Failure, count_share, pack, shares
from gatekit.streaming.task import Counted, Task


@dataclass(frozen=True, slots=True)
class SparkEngine:
    """`master` is HOST:PORT or local[N]; a session that runs in this process is taken in any case.

    The executors have gatekit installed and reach the data by its path.
    """

    master: str

    def run(self, task: Task, parts: Sequence[Part]) -> Iterator[Counted]:
        """Count all parts; see `Engine`."""
        with self._session() as session:
            context = session.sparkContext
            # every executor is sent the models once, by their digests
            given = context.broadcast((task, pack(task)))
            divided = shares(parts, context.defaultParallelism)
            rows = context.parallelize(divided, len(divided))
            for counted in rows.map(lambda share: count_share(share, *given.value)).collect():
                if isinstance(counted, Failure):
                    raise counted.error()
                yield counted

    @contextmanager
    def _session(self) -> Iterator[Any]:
        if (running := SparkSession.getActiveSession()) is not None:
            yield running
            return
        url = self.master if self.master.startswith("local") else f"spark://{self.master}"
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        try:
            session = SparkSession.builder.master(url).appName("gatekit").getOrCreate()
        except Exception as error:  # py4j and Java have errors of many kinds
            raise UsageProblem(
                f"no Spark session at {url}: {str(error).splitlines()[0][:200]}",
                "Spark needs Java and a master that answers",
            ) from error
        try:
            yield session
        finally:
            session.stop()
