"""The reference and the current rows of the drift gate: opened, and counted where one streams."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from gatekit.data import Holdout, NoSample, Streams, open_sample
from gatekit.evidence.pairs import is_number
from gatekit.evidence.seen import Wanted
from gatekit.evidence.spread import ByValue, Ruler, Scale, Spread
from gatekit.evidence.whole import Evidence
from gatekit.one_pass import OnePass
from gatekit.parts import BLOCK
from gatekit.passes import Counting, Pass
from gatekit.plan import Plan
from gatekit.policy import SampleSpec
from gatekit.streaming.compared import Compared, Found
from gatekit.streaming.question import CANDIDATE, Said
from gatekit.streaming.sampling import spread_said
from gatekit.streaming.spread import SampleQuestion, Sought, seek, seek_rows
from gatekit.subject import Subject


def open_reference(plan: Plan, streams: Streams) -> Holdout | NoSample:
    """What the model was trained on, or that the policy names none; raises as `open_sample`."""
    spec, target = plan.policy.reference, plan.policy.holdout.target
    if spec is None:
        return NoSample("the policy names no [data.reference]")
    return open_sample(spec, "reference", target, plan.policy_file.parent, streams)


def open_current(plan: Plan, streams: Streams, holdout: Holdout) -> Holdout:
    """The rows it meets: --current, else the policy's, else the holdout; raises likewise."""
    given, spec = plan.request.current, plan.policy.current
    target = plan.policy.holdout.target
    if given is not None:
        asked = SampleSpec(path=given)
        return open_sample(asked, "current", target, plan.project.root, streams)
    if spec is None:
        return holdout
    return open_sample(spec, "current", target, plan.policy_file.parent, streams)


@dataclass
class SamplePass(Pass):
    """A pass over a reference or current rows alone: no model, unless what it says is compared."""

    asked: Callable[[], SampleQuestion] = field(kw_only=True)
    hangs_on: Callable[[], dict[str, Any]] = field(kw_only=True)

    def question(self) -> SampleQuestion:
        """As it was chosen for both samples."""
        return self.asked()

    def check(self, found: Evidence) -> None:
        """Whatever is found of a sample is judged."""

    def depends_on(self) -> dict[str, Any]:
        """What was chosen hangs on both samples and the holdout."""
        return {"sample": self.data.what, "target": self.data.spec.target, **self.hangs_on()}


@dataclass
class Samples:
    """Both samples of a run, and the holdout. `one_pass` is the pass that every gate asks."""

    reference: Holdout
    current: Holdout
    holdout: Holdout
    candidate: Subject
    counting: Counting
    one_pass: Callable[[], OnePass]

    def seek(self) -> Sought | None:
        """What the pass over the holdout counts for drift; None where that looks elsewhere."""
        return self.sought if self.current is self.holdout else None

    def hangs_on(self) -> dict[str, Any] | None:
        """By which digests that is chosen: JSON values; None likewise."""
        return self._digests() if self.current is self.holdout else None

    def _digests(self) -> dict[str, Any]:
        return {
            "reference": [self.reference.sha256, self.reference.spec.target],
            "current": [self.current.sha256, self.current.spec.target],
            "rows sought": self.holdout.sha256,
            "label": self.holdout.spec.target,
            "candidate": self.candidate.candidate.digest,
            "scored by": self.candidate.engine,
            "asks the model": self._asks_model,
        }

    def compared(self) -> Compared:
        """Reference and current, counted.

        Raises:
            DataError, ModelMisbehaved: see `Subject.predictions`.
            UsageProblem: the engine is not there.
        """
        return self._compared

    @cached_property
    def _compared(self) -> Compared:
        return Compared(self.sought, *(self._spread(s) for s in (self.reference, self.current)))

    def found(self) -> Found:
        """The pilot of the holdout among the rows of a reference that streams; raises likewise."""
        return Found(self._wanted, self.passes[self.reference.what].evidence().seen)

    @cached_property
    def passes(self) -> dict[str, SamplePass]:
        """The passes over samples of their own that stream, by what these are called."""
        subjects = {CANDIDATE: self.candidate} if self._asks_model else {}
        return {
            each.what: SamplePass(
                each,
                self.counting,
                subjects,
                asked=functools.partial(self._question, each),
                hangs_on=self._digests,
            )
            for each in (self.reference, self.current)
            if each.is_streamed and each is not self.holdout
        }

    @property
    def _asks_model(self) -> bool:
        return self.counting.policy.gates.drift.prediction_drift is not None

    @cached_property
    def sought(self) -> Sought:
        """How columns are counted, by the pilots of both samples."""
        said = None
        policy = self.counting.policy
        by_score = bool(policy.score) and policy.task == "binary"
        if self._asks_model:
            pilot = self.reference.pilot
            said = _ruler(self.candidate.says(pilot), policy.task, by_score=by_score)
        return seek(
            (self.reference, self.current),
            self.candidate.candidate.signature,
            by_number=policy.task == "regression",
            said=said,
            by_score=by_score,
        )

    def _question(self, sample: Holdout) -> SampleQuestion:
        wanted = self._wanted if sample is self.reference else None
        return SampleQuestion(self.sought.of(sample.spec.target), wanted)

    @cached_property
    def _wanted(self) -> Wanted:
        """The rows of the holdout's pilot, by the columns that the reference has as well."""
        signature = self.candidate.candidate.signature
        return seek_rows(self.reference, self.holdout.pilot, signature)

    def _spread(self, sample: Holdout) -> Mapping[str, Spread]:
        if sample is self.holdout and sample.is_streamed:
            return self.one_pass().evidence().spread
        if sample.is_streamed:
            return self.passes[sample.what].evidence().spread
        sought = self.sought.of(sample.spec.target)
        answers = {CANDIDATE: self.candidate.says(sample)} if self._asks_model else {}
        found = (
            Evidence.of_sample(table.num_rows, spread_said(sought, table, said), {})
            for table, said in _blocks(sample.table.select(sought.columns), answers)
        )
        return functools.reduce(Evidence.merge, found).spread


def _ruler(said: Said, task: str, *, by_score: bool) -> Ruler:
    given = np.asarray(said.scores if by_score else said.labels)
    column = pa.chunked_array([given])
    if (by_score or task == "regression") and is_number(column.type):
        numbers = given.astype(float)
        return Scale.of(numbers[np.isfinite(numbers)])
    return ByValue(as_numbers=is_number(column.type))


def _blocks(
    table: pa.Table, answers: Mapping[str, Said]
) -> Iterator[tuple[pa.Table, dict[str, Said]]]:
    for start in range(0, table.num_rows, BLOCK):
        rows = slice(start, start + BLOCK)
        yield table.slice(start, BLOCK), {role: _cut(each, rows) for role, each in answers.items()}


def _cut(said: Said, rows: slice) -> Said:
    scores, whole = (None if each is None else each[rows] for each in (said.scores, said.whole))
    return Said(said.labels[rows], scores, whole, said.classes)
