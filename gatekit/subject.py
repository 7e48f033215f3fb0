"""A model under test, as a suite holds it: `candidate` and `champion`.

It predicts in a process of its own (`gatekit.runner`), with the engine that will serve. What it
said about the holdout is spooled under the digests of model and data, so that every test, every
xdist worker and every own metric reads the same predictions and nothing is predicted twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.ahead import Ahead
from gatekit.data import Holdout
from gatekit.environments.model import ModelEnvironment
from gatekit.errors import GatekitError, UsageProblem
from gatekit.evidence.confusion import ConfusionTable, confusion_table
from gatekit.evidence.counts import is_label
from gatekit.evidence.groupings import JointCounts, count_jointly
from gatekit.evidence.scores import ScoreTable, score_table
from gatekit.processes import Processes
from gatekit.progress import Progress, unheard
from gatekit.runner.process import Runner
from gatekit.runner.scored import scored_to_table, table_to_scored
from gatekit.runner.watching import Memory, load_seconds, watched
from gatekit.scanning.finding import Finding
from gatekit.scoring.answers import LABEL, Scored
from gatekit.scoring.linear import LinearForm
from gatekit.scoring.reading import Answer, Reading
from gatekit.scoring.tables import spread_rows
from gatekit.spool import spooled
from gatekit.streaming.compared import Comparing
from gatekit.streaming.question import CANDIDATE, Said
from gatekit.streaming.told import Told
from gatekit.subject_spec import SubjectSpec

WARM_UP_CALLS = 20


@dataclass(frozen=True, slots=True)
class NoChampion:
    """Nobody to compare with, and why; recorded, not guessed."""

    reason: str


class Subject:
    """One model in its own process. Predictions are labels or numbers, (n,)."""

    task = "binary"
    score = ""
    role = CANDIDATE
    tell: Callable[[], Told] | None = None  # what a pass over a holdout that streams tells
    samples: Callable[[], Comparing | None] | None = None  # who counts those that stream
    rival: Subject | None = None  # who predicts the holdout while this one does
    retell: Callable[[], object] = staticmethod(lambda: None)  # how far it is that is ahead

    def __init__(self, spec: SubjectSpec, spool: Path, start: Callable[[], Runner]) -> None:
        self.candidate, self.engine = spec.candidate, spec.engine
        self.positive = spec.positive
        self.task = spec.task
        self.score = spec.score
        self._spec = spec
        self.trusted = spec.trusted
        self._spool = spool
        self._start = start
        self.progress: Progress = unheard
        self._processes = Processes(spec, start)
        self._timings: dict[tuple[str, int, int], NDArray[np.float64]] = {}
        self._memory: dict[tuple[str, int], Memory] = {}
        self._tables: dict[str, ConfusionTable | None] = {}
        self._joint: dict[str, JointCounts] = {}
        self._scored: dict[tuple[str, str], Scored] = {}
        self._score_tables: dict[str, ScoreTable] = {}
        self._form: LinearForm | str | None = None
        self._ahead = Ahead()
        self.kept: dict[tuple[Any, ...], Any] = {}  # what one measure leaves for the next

    @property
    def title(self) -> str:
        """'churn-model version 2'."""
        return self.candidate.title

    @property
    def environment(self) -> ModelEnvironment:
        """What it declares, and where it runs."""
        return self._spec.environment or ModelEnvironment(self.candidate.folder)

    @property
    def reading(self) -> Reading:
        """How its answers are read, by the policy."""
        spec = self._spec
        return Reading(self.title, self.task, self.positive, spec.negative, spec.threshold)

    def reasons_to_refuse(self) -> tuple[Finding, ...]:
        """What the scan finds against loading its files; empty when nothing."""
        return self._spec.scan(self.candidate.folder, self.trusted)

    def predict(self, table: pa.Table, *, engine: str | None = None) -> NDArray[Any]:
        """Labels for any rows, straight from the model.

        Raises:
            ModelMisbehaved: it crashed, hung, or answered something that is no prediction.
        """
        if self.score:
            return self.reading.labels(self._answer(table, engine))
        return self._living(engine).predict(table, engine=engine)

    def serving_answers(self, table: pa.Table) -> NDArray[Any]:
        """What the service will answer to these rows: the engine's own labels or scores, (n,).

        Raises:
            ModelMisbehaved: see `predict`, or its answer is more than one value a row.
        """
        return self._living().predict(table)

    def form(self) -> bytes:
        """The compiled model at rest, as the service loads it; empty for another engine.

        Raises:
            ModelMisbehaved: its process died, or gave none.
        """
        return self._living().form() if self.engine == "compiled" else b""

    def score_rows(self, table: pa.Table) -> NDArray[np.float64]:
        """Scores for any rows, straight from the model; shaped as `scores` gives them.

        Raises:
            ModelMisbehaved: see `predict`.
        """
        return self.reading.scores(self._answer(table, None))

    def _answer(self, table: pa.Table, engine: str | None) -> Scored:
        return self._living(engine).answer(table, self.score, engine=engine)

    def lent(self) -> AbstractContextManager[Runner]:
        """Its living process with the model loaded, which stays; raises as `predict`."""
        self._wait_for_rival()
        return nullcontext(self._living())

    def another(self) -> AbstractContextManager[Runner]:
        """One more process with the model, which ends when given back; raises as `lent`."""
        self._wait_for_rival()
        with ExitStack() as ended:
            runner = ended.enter_context(self._start())
            runner.load(self.candidate.folder, self.engine)
            ended.pop_all()
        return runner

    def says(self, holdout: Holdout) -> Said:
        """All that it says of rows that are held, predicted once; raises as `predictions`."""
        if not self.score:
            return Said(self.predictions(holdout))
        answer, reading = self.scored(holdout), self.reading
        return Said(reading.labels(answer), reading.scores(answer), answer.scores, answer.classes)

    def linear_form(self) -> LinearForm | str:
        """Its linear form, or why it has none, to be held against its answers; raises as `lent`."""
        if self._form is None:
            self._form = self._living().linear_form()
        return self._form

    def predictions(self, holdout: Holdout, *, engine: str | None = None) -> NDArray[Any]:
        """Labels for every row of the holdout, predicted once.

        Raises:
            ModelMisbehaved: see `predict`.
            DataError: the holdout lacks a column the model needs.
        """
        if self.score:
            return self.reading.labels(self.scored(holdout, engine=engine))
        table = self._spooled(holdout, engine or self.engine)
        return np.asarray(table[LABEL].to_numpy())

    def scored(self, holdout: Holdout, *, engine: str | None = None) -> Scored:
        """Scores for every row of the holdout, and the model's labels, predicted once.

        Raises:
            ModelMisbehaved, DataError: see `predictions`.
        """
        engine = engine or self.engine
        key = (holdout.sha256, engine)
        if key not in self._scored:
            table = self._spooled(holdout, engine)
            classes = json.loads(table.schema.metadata[b"classes"])
            self._scored[key] = table_to_scored(table, classes, table.num_rows)
        return self._scored[key]

    def scores(self, holdout: Holdout) -> NDArray[np.float64]:
        """Of the positive class, (n,); for a multiclass task of each, (n, K), as `classes` lie.

        Raises:
            ModelMisbehaved, DataError: see `predictions`.
        """
        return self.reading.scores(self.scored(holdout))

    def told(self, holdout: Holdout) -> Told | None:
        """What a pass told of a holdout that streams; None of one whose rows are held.

        Raises:
            ModelMisbehaved, DataError: see `predictions`.
        """
        if not holdout.is_streamed:
            return None
        if self.tell is None:
            raise UsageProblem(
                f"{holdout.path.name} streams, and {self.title} was opened for no pass",
                "Ask holdout.pilot",
            )
        return self.tell()

    def positives(self, holdout: Holdout) -> NDArray[np.bool_]:
        """Which rows of a holdout that is held have the positive label, (n,), looked up once."""
        key = ("positives", holdout.sha256)
        if key not in self.kept:
            self.kept[key] = is_label(holdout.y, self.positive)
        return np.asarray(self.kept[key])

    def score_table(self, holdout: Holdout) -> ScoreTable:
        """Rows of the holdout by score and by whether they are positive, counted once."""
        if told := self.told(holdout):
            return told.score_table(self.role)
        if holdout.sha256 not in self._score_tables:
            scores, positive = self.scores(holdout), self.positives(holdout)
            self._score_tables[holdout.sha256] = score_table(scores, positive)
        return self._score_tables[holdout.sha256]

    def begin(self, holdout: Holdout) -> None:
        """Predict the rows of a holdout in a thread; what goes wrong there, who asks will meet."""
        self._ahead.begin(lambda: self._spooled(holdout, self.engine))

    def _wait_for_rival(self) -> None:
        """What is timed or weighed has the machine to itself."""
        self._processes.wait()
        if self.rival is not None:
            self.rival._ahead.wait(self.rival.retell)  # noqa: SLF001 - one of its own kind

    def _spooled(self, holdout: Holdout, engine: str) -> pa.Table:
        if self.rival is not None and engine == self.engine:
            self.rival.begin(holdout)
        file = self._spool / f"{self.candidate.digest[:16]}-{holdout.sha256[:16]}-{engine}.arrow"
        return spooled(file, lambda: self._said(holdout.features(self.candidate.signature), engine))

    def _said(self, rows: pa.Table, engine: str) -> pa.Table:
        if not self.score:
            return pa.table({LABEL: pa.array(self.predict(rows, engine=engine))})
        table, classes = scored_to_table(self._answer(rows, engine))
        return table.replace_schema_metadata({"classes": json.dumps(classes)})

    def confusion(self, holdout: Holdout) -> ConfusionTable | None:
        """True against predicted labels of the holdout, counted once; None over 100 labels.

        Raises:
            ModelMisbehaved, DataError: see `predictions`.
        """
        if told := self.told(holdout):
            return told.confusion()
        if holdout.sha256 not in self._tables:
            said = self.predictions(holdout)
            self._tables[holdout.sha256] = confusion_table(holdout.y, said)
        return self._tables[holdout.sha256]

    def joint_counts(self, holdout: Holdout) -> JointCounts:
        """Rows by all sensitive columns, true and predicted label at once, counted once.

        A predicted or true label counts as the positive one or not.

        Raises:
            ModelMisbehaved, DataError: see `predictions`.
        """
        if told := self.told(holdout):
            return told.joint_counts()
        if holdout.sha256 not in self._joint:
            names = dict.fromkeys(name for each in holdout.spec.sensitive for name in each)
            self._joint[holdout.sha256] = count_jointly(
                {name: holdout.groups(name) for name in names},
                holdout.spec.sensitive,
                self.positives(holdout),
                is_label(self.predictions(holdout), self.positive),
            )
        return self._joint[holdout.sha256]

    def said(self, table: pa.Table) -> Answer:
        """Labels for any rows, (n,), and the scores behind them, (n,) or (n, K), if it gives any.

        Raises:
            ModelMisbehaved: see `predict`.
        """
        if not self.score:
            return (self.predict(table),)
        return self.reading.answer(self._answer(table, None))

    def said_each(
        self, tables: Sequence[pa.Table], *, by_one: bool = False
    ) -> list[Answer | GatekitError]:
        """As `said` of each of many small tables, or what it raises; asked without a pause between.

        `by_one` process, not by a second one as well. Fewer when the process ends: the last one is
        a ModelGone.

        Raises:
            ModelMisbehaved: it cannot be loaded, or is not asked again.
        """
        self._ahead.wait(self.retell)
        said = self._processes.answers(tables, self.score, self.progress, by_one=by_one)
        return [self.reading.answer_or_error(each) for each in said]

    def disturbed(self, table: pa.Table) -> str:
        """What it changed in the rows that it was handed to answer, in words; "" if nothing.

        Raises:
            ModelMisbehaved: see `predict`.
        """
        return self._living().disturbed(table, self.score)

    def timings(self, holdout: Holdout, calls: int, each: int = 1) -> NDArray[np.float64]:
        """Milliseconds for `calls` predictions of `each` rows, in the model's process, (calls,).

        Rows from all over the holdout, as many different ones as there are, in turn.
        """
        key = (holdout.sha256, calls, each)
        if key not in self._timings:
            self._wait_for_rival()
            rows = spread_rows(holdout.features(self.candidate.signature), calls * each, each)
            self._timings[key] = self._living().time_rows(rows, calls, WARM_UP_CALLS, each=each)
        return self._timings[key]

    def time_block(self, rows: pa.Table) -> NDArray[np.float64]:
        """Milliseconds for each of some rows by itself, after one call to wake up, (n,)."""
        self._wait_for_rival()
        # the call to wake up took the first row, so that the first one timed is the second
        return np.roll(self._living().time_rows(rows, rows.num_rows, 1), 1)

    def load_seconds(self, times: int) -> NDArray[np.float64]:
        """Seconds from no process at all to a loaded model, each in a process of its own, (times,).

        Raises:
            ModelMisbehaved: see `predict`.
        """
        self._wait_for_rival()
        self._living()  # what ran before the model was known, and its environment, are had by now
        return load_seconds(self._start, self.candidate.folder, self.engine, times)

    def load(self) -> None:
        """Load it into its process, unless that has been done; raises as `predict`."""
        self._living()

    def memory_at_load_mb(self) -> float:
        """The most megabytes its process held until the model was loaded."""
        self._living()
        return self._processes.load_mb

    def memory(self, holdout: Holdout, calls: int) -> Memory:
        """What its process holds while it predicts the holdout at once, then `calls` single rows.

        In a process of its own: what other gates asked before leaves no trace in it.

        Raises:
            ModelMisbehaved, DataError: see `predictions`.
            UsageProblem: the system does not say what another process holds.
        """
        key = (holdout.sha256, calls)
        if key not in self._memory:
            self._wait_for_rival()
            with self._start() as runner:
                runner.load(self.candidate.folder, self.engine)
                rows = holdout.features(self.candidate.signature)
                self._memory[key] = watched(runner, rows, calls)
        return self._memory[key]

    @property
    def is_alive(self) -> bool:
        """Whether its process still answers."""
        return self._processes.is_alive

    def close(self) -> None:
        """End the process, and with it what it predicts ahead."""
        self._processes.close()
        self._ahead.wait()
        self._processes.close()  # what was predicted ahead may have started one

    def _living(self, engine: str | None = None) -> Runner:
        self._ahead.wait(self.retell)
        return self._processes.first(engine)
