"""The engine of one machine: parts one after the other, or over several lanes at once."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
        dealt = _Dealt(parts)
        found: queue.SimpleQueue[Counted | Future[None]] = queue.SimpleQueue()
        with ExitStack() as stack:
            many = min(self.processes, len(parts))
            pool = stack.enter_context(ThreadPoolExecutor(many))
            stack.callback(dealt.stop)

            def count() -> None:
                with Lane(task, self.open_runner) as lane:
                    for counted in lane.each(dealt):
                        found.put(counted)

            for _ in range(many):  # nobody waits for a process that is starting yet
                pool.submit(count).add_done_callback(found.put)
            while many:
                if isinstance(each := found.get(), Counted):
                    yield each
                else:
                    each.result()
                    many -= 1


class _Dealt:
    """Parts dealt out to whoever is next, until stopped. For several threads."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._left = deque(parts)

    def __iter__(self) -> Iterator[Part]:
        while True:
            try:
                yield self._left.popleft()
            except IndexError:
                return

    def stop(self) -> None:
        """Deal out no more."""
        self._left.clear()
