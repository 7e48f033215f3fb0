"""One pass: what is counted, by which models; and what an engine hands back of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from gatekit.evidence.whole import Evidence
from gatekit.parts import Part
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scoring.reading import Reading
from gatekit.streaming.question import Question
from gatekit.streaming.spread import SampleQuestion


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a pass: its files by digest, and how it is asked and read."""

    role: str
    folder: str  # where its files lie in the gate's process
    digest: str
    inputs: tuple[str, ...]  # the columns it takes
    engine: str
    score: str
    reading: Reading
    limits: Limits
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What is asked of every part."""

    question: Question | SampleQuestion
    models: tuple[Model, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        taken = (name for model in self.models for name in model.inputs)
        return tuple(dict.fromkeys((*taken, *self.question.held)))

    @property
    def words(self) -> frozenset[str]:
        """Columns to tell rows apart by that no model takes: they may be read as codes."""
        if isinstance(self.question, SampleQuestion):
            return frozenset()
        taken = {name for model in self.models for name in model.inputs}
        return frozenset({*self.question.told_apart} - taken - {self.question.target})


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The evidence of some parts: which, by id, and how many rows each had.

    `walls` are those that held around every process of a model that was asked.
    """

    parts: tuple[tuple[str, int], ...]
    evidence: Evidence
    walls: tuple[str, ...] = ()


OpenRunner = Callable[[Model], AbstractContextManager[Runner]]  # loaded; a Runner is one


class Engine(Protocol):
    """Who carries a pass out. Each part is in one `Counted`, in any order."""

    def run(self, task: Task, parts: Sequence[Part]) -> Iterator[Counted]:
        """Count all parts.

        Raises:
            DataError, ModelMisbehaved: as the rows and the models give cause.
            UsageProblem: the engine is not there.
        """
