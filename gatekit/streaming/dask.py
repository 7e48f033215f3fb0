"""The engine of a Dask cluster, by the address of its scheduler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import distributed

from gatekit.errors import UsageProblem
from gatekit.parts import Part
from gatekit.streaming.share import Failure, count_share, pack, shares
from gatekit.streaming.task import Counted, Task

RETRIES = 2  # of a share whose worker was lost
SECONDS_TO_CONNECT = 20


@dataclass(frozen=True, slots=True)
class DaskEngine:
    """`address` is HOST:PORT. The workers have gatekit installed and reach the data by its path."""

    address: str

    def run(self, task: Task, parts: Sequence[Part]) -> Iterator[Counted]:
        """Count all parts; see `Engine`."""
        with self._client() as client:
            slots = sum(client.nthreads().values())
            if not slots:
                raise UsageProblem(
                    f"the Dask scheduler at {self.address} has no workers", "Start one at least"
                )
            # every worker is sent the models once, by their digests; under a key of this run, which
            # no other run that asks the same takes away as it ends
            given = client.scatter((task, pack(task)), broadcast=True, hash=False)
            futures = [
                client.submit(_count, share, given, pure=False, retries=RETRIES)
                for share in shares(parts, slots)
            ]
            for done in distributed.as_completed(futures):
                counted = done.result()
                done.release()
                if isinstance(counted, Failure):
                    raise counted.error()
                yield counted

    def _client(self) -> Any:
        try:
            return distributed.Client(f"tcp://{self.address}", timeout=SECONDS_TO_CONNECT)
        except (OSError, ValueError) as error:
            raise UsageProblem(
                f"no Dask scheduler answers at {self.address}",
                "Start one (dask scheduler), or correct --engine dask://HOST:PORT",
            ) from error


def _count(share: Sequence[Part], given: tuple[Task, dict[str, bytes]]) -> Counted | Failure:
    return count_share(share, *given)
