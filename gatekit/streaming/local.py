"""The engine of one machine: parts one after the other, or over several lanes at once."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from gatekit.parts import Part
from gatekit.streaming.lane import Lane
from gatekit.streaming.task import Counted, OpenRunner, Task


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """`processes` are how many of each model predict at once, each on parts of its own."""

    open_runner: OpenRunner
    processes: int = 1

    def run(self, task: Task, parts: Sequence[Part]) -> Iterator[Counted]:
        """Count all parts; see `Engine`."""
        with ExitStack() as stack:
            lanes = min(self.processes, len(parts))
            idle: queue.SimpleQueue[Lane] = queue.SimpleQueue()
            for _ in range(lanes):
                idle.put(stack.enter_context(Lane(task, self.open_runner)))
            pool = ThreadPoolExecutor(lanes)
            stack.callback(pool.shutdown, cancel_futures=True)  # before the lanes are closed

            def count(part: Part) -> Counted:
                lane = idle.get()
                try:
                    return lane.count([part])
                finally:
                    idle.put(lane)

            yield from pool.map(count, parts)
