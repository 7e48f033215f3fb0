"""One lane of a pass: a process for each model, asked block by block while the next is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

import pyarrow as pa

from gatekit.errors import DataError, ModelMisbehaved
from gatekit.evidence.whole import Evidence
from gatekit.parts import Part, blocks
from gatekit.runner.process import Runner
from gatekit.streaming.filling import fill
from gatekit.streaming.question import Said
from gatekit.streaming.task import Counted, Model, OpenRunner, Task

AHEAD = 2  # blocks that wait for their predictions while the next is read


class Lane:
    """The models of a task, each in a process and on a thread of its own, side by side."""

    def __init__(self, task: Task, open_runner: OpenRunner) -> None:
        self._task = task
        self._stack = ExitStack()
        self._threads: list[ThreadPoolExecutor] = []
        self._runners: list[Runner] = []
        try:
            for model in task.models:
                self._runners.append(self._stack.enter_context(open_runner(model)))
                thread = ThreadPoolExecutor(1)
                self._stack.callback(thread.shutdown, cancel_futures=True)
                self._threads.append(thread)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads, and the processes that nobody has lent."""
        self._stack.close()

    def count(self, parts: Sequence[Part]) -> Counted:
        """The evidence of some parts, merged.

        Raises:
            DataError: a label or group is missing; the part is named.
            ModelMisbehaved: a model died, hung, or answered something that is no prediction.
        """
        found: Evidence | None = None
        seen = []
        for part in parts:
            try:
                rows, evidence = self._part(part)
            except (DataError, ModelMisbehaved) as error:
                raise type(error)(f"{part.id}: {error.message}", error.hint) from error
            seen.append((part.id, rows))
            found = evidence if found is None else found.merge(evidence)
        assert found is not None  # noqa: S101 - nobody counts no parts
        held = set.intersection(*(set(runner.walls) for runner in self._runners))
        return Counted(tuple(seen), found, tuple(sorted(held)))

    def _part(self, part: Part) -> tuple[int, Evidence]:
        found: Evidence | None = None
        waiting: deque[tuple[pa.Table, dict[str, Future[Said]]]] = deque()
        rows = 0
        for table in blocks(part, self._task.columns):
            rows += table.num_rows
            waiting.append((table, self._asked(table)))
            if len(waiting) > AHEAD:
                found = self._add(found, *waiting.popleft())
        while waiting:
            found = self._add(found, *waiting.popleft())
        if found is None:
            raise DataError("it has no rows, and its metadata tell of some", "Write it anew")
        return rows, found

    def _asked(self, table: pa.Table) -> dict[str, Future[Said]]:
        return {
            model.role: thread.submit(said, runner, model, table.select(list(model.inputs)))
            for model, runner, thread in zip(
                self._task.models, self._runners, self._threads, strict=True
            )
        }

    def _add(
        self, found: Evidence | None, table: pa.Table, asked: dict[str, Future[Said]]
    ) -> Evidence:
        answers = {role: future.result() for role, future in asked.items()}
        made = fill(self._task.question, table, answers)
        return made if found is None else found.merge(made)


def said(runner: Runner, model: Model, table: pa.Table) -> Said:
    """What a model says of some rows, read as the policy reads it."""
    if not model.score:
        return Said(runner.predict(table))
    answer = runner.answer(table, model.score)
    reading = model.reading
    return Said(reading.labels(answer), reading.scores(answer), answer.scores, answer.classes)
