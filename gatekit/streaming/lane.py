"""One lane of a pass: a process for each model, asked block by block while the next is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Self

import pyarrow as pa

from gatekit.errors import DataError, ModelMisbehaved
from gatekit.evidence.weighed import Place
from gatekit.evidence.whole import Evidence
from gatekit.parts import Part, blocks
from gatekit.runner.process import Runner
from gatekit.streaming.filling import fill
from gatekit.streaming.question import Said
from gatekit.streaming.task import Counted, Model, OpenRunner, Task

UNCOUNTED = 6  # blocks whose counts are waited for while further ones are read
UNANSWERED = 2  # blocks read before a slow model needs them: a part of another lane's, maybe


@dataclass(frozen=True, slots=True, eq=False)
class _Begun:
    """The blocks of a part up to one that is being counted; `rows` are the part's at its end."""

    part: Part
    evidence: Future[Evidence]
    rows: int = 0


class Lane:
    """The models of a task, each in a process and on a thread of its own, side by side.

    One more thread counts, so that rows are read, predicted and counted at once.
    """

    def __init__(self, task: Task, open_runner: OpenRunner) -> None:
        self._task = task
        self._held = list(task.question.held)
        self._stack = ExitStack()
        self._threads: list[ThreadPoolExecutor] = []
        self._runners: list[Runner] = []
        self._unanswered: deque[Collection[Future[Said]]] = deque()
        try:
            self._counter = self._thread()
            for model in task.models:
                self._runners.append(self._stack.enter_context(open_runner(model)))
                self._threads.append(self._thread())
        except BaseException:
            self.close()
            raise

    def _thread(self) -> ThreadPoolExecutor:
        thread = ThreadPoolExecutor(1)
        self._stack.callback(thread.shutdown, cancel_futures=True)
        return thread

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads, and the processes that nobody has lent."""
        self._stack.close()

    def count(self, parts: Iterable[Part]) -> Counted:
        """The evidence of some parts, merged; raises as `each`."""
        return reduce(_together, self.each(parts))

    def each(self, parts: Iterable[Part]) -> Iterator[Counted]:
        """The evidence of each part, in their order; the next is read while one is counted.

        Raises:
            DataError: a label or group is missing; the part is named.
            ModelMisbehaved: a model died, hung, or answered something that is no prediction.
        """
        for begun in _ahead(self._begun(parts), UNCOUNTED):
            with _named(begun.part):
                found = begun.evidence.result()
            if begun.rows:
                walls = [set(runner.walls) for runner in self._runners]
                held = sorted(set.intersection(*walls)) if walls else ()
                yield Counted(((begun.part.id, begun.rows),), found, tuple(held))

    def _begun(self, parts: Iterable[Part]) -> Iterator[_Begun]:
        """The blocks of all parts, on their way to be predicted and counted."""
        for part in parts:
            rows, counting = 0, None
            with _named(part):
                for table in blocks(part, self._task.columns, self._task.words):
                    if counting is not None:
                        yield _Begun(part, counting)
                    held, asked = table.select(self._held), self._asked(table)
                    place = (part.id, rows)
                    counting = self._counter.submit(self._counted, counting, held, asked, place)
                    rows += table.num_rows
                if counting is None:
                    raise DataError(
                        "it has no rows, and its metadata tell of some", "Write it anew"
                    )
            yield _Begun(part, counting, rows)

    def _asked(self, table: pa.Table) -> dict[str, Future[Said]]:
        futures = {
            model.role: thread.submit(said, runner, model, table.select(list(model.inputs)))
            for model, runner, thread in zip(
                self._task.models, self._runners, self._threads, strict=True
            )
        }
        self._unanswered.append(futures.values())
        if len(self._unanswered) > UNANSWERED:
            wait(self._unanswered.popleft())
        return futures

    def _counted(
        self,
        before: Future[Evidence] | None,
        held: pa.Table,
        asked: Mapping[str, Future[Said]],
        place: Place,
    ) -> Evidence:
        answers = {role: future.result() for role, future in asked.items()}
        found = fill(self._task.question, held, answers, place)
        return found if before is None else before.result().merge(found)


def _ahead(begun: Iterable[_Begun], many: int) -> Iterator[_Begun]:
    """The same, each when `many` more have been begun."""
    waiting: deque[_Begun] = deque()
    for each in begun:
        waiting.append(each)
        if len(waiting) > many:
            yield waiting.popleft()
    yield from waiting


@contextmanager
def _named(part: Part) -> Iterator[None]:
    try:
        yield
    except (DataError, ModelMisbehaved) as error:
        raise type(error)(f"{part.id}: {error.message}", error.hint) from error


def _together(one: Counted, other: Counted) -> Counted:
    walls = set(one.walls).intersection(other.walls)
    evidence = one.evidence.merge(other.evidence)
    return Counted((*one.parts, *other.parts), evidence, tuple(sorted(walls)))


def said(runner: Runner, model: Model, table: pa.Table) -> Said:
    """What a model says of some rows, read as the policy reads it."""
    if not model.score:
        return Said(runner.predict(table))
    answer = runner.answer(table, model.score)
    reading = model.reading
    return Said(reading.labels(answer), reading.scores(answer), answer.scores, answer.classes)
