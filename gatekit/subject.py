"""A model under test, as a suite holds it: `candidate` and `champion`.

It predicts in a process of its own (`gatekit.runner`), with the engine that will serve. What it
said about the holdout is spooled under the digests of model and data, so that every test, every
xdist worker and every own metric reads the same predictions and nothing is predicted twice.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.candidate import Candidate
from gatekit.data import Holdout
from gatekit.errors import ModelMisbehaved
from gatekit.evidence.confusion import ConfusionTable, confusion_table
from gatekit.runner.process import Runner

RESTARTS = 3  # a model that dies more often than this is not asked again
WARM_UP_CALLS = 20
WINDOWS = 20  # how often memory is read while rows are predicted


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Megabytes of a model's process: the most, and what it held after each window, (WINDOWS,)."""

    peak_mb: float
    held_mb: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NoChampion:
    """Nobody to compare with, and why; recorded, not guessed."""

    reason: str


@dataclass(frozen=True, slots=True)
class SubjectSpec:
    """Which model, by which engine, for which task, and which label is the positive one."""

    candidate: Candidate
    engine: str
    positive: Any = 1
    task: str = "binary"


class Subject:
    """One model in its own process. Predictions are labels, (n,)."""

    def __init__(self, spec: SubjectSpec, spool: Path, start: Callable[[], Runner]) -> None:
        self.candidate = spec.candidate
        self.engine = spec.engine
        self.positive = spec.positive
        self.task = spec.task
        self._spool = spool
        self._start = start
        self._runner: Runner | None = None
        self._starts = 0
        self._engines: set[str] = set()
        self._timings: dict[tuple[str, int], NDArray[np.float64]] = {}
        self._memory: dict[tuple[str, int], Memory] = {}
        self._load_mb = float("nan")
        self._tables: dict[str, ConfusionTable | None] = {}

    @property
    def title(self) -> str:
        """'churn-model version 2'."""
        return self.candidate.title

    def predict(self, table: pa.Table, *, engine: str | None = None) -> NDArray[Any]:
        """Labels for any rows, straight from the model.

        Raises:
            ModelMisbehaved: it crashed, hung, or answered something that is no prediction.
        """
        runner = self._living()
        if engine is not None and engine not in self._engines:
            runner.load(self.candidate.folder, engine)
            self._engines.add(engine)
        return runner.predict(table, engine=engine)

    def predictions(self, holdout: Holdout, *, engine: str | None = None) -> NDArray[Any]:
        """Labels for every row of the holdout, predicted once.

        Raises:
            ModelMisbehaved: see `predict`.
            DataError: the holdout lacks a column the model needs.
        """
        engine = engine or self.engine
        file = self._spool / f"{self.candidate.digest[:16]}-{holdout.sha256[:16]}-{engine}.arrow"
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # xdist workers wait for the one that predicts
            if not file.exists():
                said = self.predict(holdout.features(self.candidate.signature), engine=engine)
                written = file.with_suffix(".tmp")
                table = pa.table({"prediction": pa.array(said)})
                with pa.ipc.new_file(str(written), table.schema) as sink:
                    sink.write_table(table)
                written.rename(file)
        with pa.OSFile(str(file)) as source:
            column = pa.ipc.open_file(source).read_all()["prediction"]
        return np.asarray(column.to_numpy())

    def confusion(self, holdout: Holdout) -> ConfusionTable | None:
        """True against predicted labels of the holdout, counted once; None over 100 labels.

        Raises:
            ModelMisbehaved, DataError: see `predictions`.
        """
        if holdout.sha256 not in self._tables:
            said = self.predictions(holdout)
            self._tables[holdout.sha256] = confusion_table(holdout.y, said)
        return self._tables[holdout.sha256]

    def timings(self, holdout: Holdout, calls: int) -> NDArray[np.float64]:
        """Milliseconds for `calls` single rows, measured inside the model's process, (calls,)."""
        key = (holdout.sha256, calls)
        if key not in self._timings:
            rows = holdout.features(self.candidate.signature).slice(0, 256)
            self._timings[key] = self._living().time_rows(rows, calls, WARM_UP_CALLS)
        return self._timings[key]

    def memory_at_load_mb(self) -> float:
        """The most megabytes its process held until the model was loaded."""
        self._living()
        return self._load_mb

    def memory(self, holdout: Holdout, calls: int) -> Memory:
        """What its process holds while it predicts the holdout at once, then `calls` single rows.

        In a process of its own: what other gates asked before leaves no trace in it.

        Raises:
            ModelMisbehaved, DataError: see `predictions`.
            UsageProblem: the system does not say what another process holds.
        """
        key = (holdout.sha256, calls)
        if key not in self._memory:
            runner = self._start()
            try:
                runner.load(self.candidate.folder, self.engine)
                rows = holdout.features(self.candidate.signature)
                runner.predict(rows)
                first, each, held = rows.slice(0, 256), max(1, calls // WINDOWS), []
                for _ in range(WINDOWS):
                    runner.time_rows(first, each, 0)
                    held.append(runner.memory_mb("VmRSS"))
                self._memory[key] = Memory(runner.memory_mb("VmHWM"), np.array(held))
            finally:
                runner.close()
        return self._memory[key]

    @property
    def is_alive(self) -> bool:
        """Whether its process still answers."""
        return self._runner is None or self._runner.is_alive

    def close(self) -> None:
        """End the process."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _living(self) -> Runner:
        if self._runner is not None and self._runner.is_alive:
            return self._runner
        if self._starts > RESTARTS:
            raise ModelMisbehaved(f"{self.title} died {self._starts} times; it is not asked again")
        self.close()
        self._starts += 1
        self._runner = self._start()
        self._load_mb = self._runner.load(self.candidate.folder, self.engine).peak_mb
        self._engines = {self.engine}
        return self._runner
