"""A pass over the parts of data that streams: made once for all who ask, and kept if it may be.

Its evidence lies in the run's scratch folder, so that test processes of pytest-xdist share it;
where the policy allows, a copy is kept for later runs on the same bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gatekit.data import Holdout
from gatekit.errors import GatekitError, UsageProblem
from gatekit.evidence.whole import Evidence
from gatekit.policy import Policy
from gatekit.progress import Progress, unheard
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.streaming.question import Question
from gatekit.streaming.spread import SampleQuestion
from gatekit.streaming.task import Counted, Model, Task
from gatekit.subject import Subject

FRESH = "counted in this run"
SOURCE = ".source"
COUNTED = "rows counted"
KEPT = "kept from an earlier run on the same bytes"


@dataclass(slots=True)
class Counting:
    """What the passes of a run have in common: who counts, where, and who is told.

    `limits` tells those of a role's process; `learn` is told which walls held elsewhere.
    """

    policy: Policy
    engine: str
    limits: Callable[[str], Limits]
    scratch: Path
    learn: Callable[[Sequence[str]], None]
    progress: Progress = unheard


@dataclass(slots=True)
class Pass(ABC):
    """Data that streams, and the models that are asked about it by role."""

    data: Holdout
    counting: Counting
    subjects: Mapping[str, Subject]
    _evidence: Evidence | None = None
    _failed: GatekitError | None = None
    _lent: dict[str, object] = field(default_factory=dict)

    @abstractmethod
    def question(self) -> Question | SampleQuestion:
        """What is asked of every block."""

    @abstractmethod
    def depends_on(self) -> dict[str, Any]:
        """What the answer depends on beside data, models and versions: JSON values."""

    @abstractmethod
    def check(self, found: Evidence) -> None:
        """Refuse evidence that shows more than is judged; raises DataError."""

    def evidence(self) -> Evidence:
        """What the pass found; it is made when this is asked for the first time.

        Raises:
            DataError, ModelMisbehaved: see `Subject.predictions`.
            UsageProblem: the engine is not there.
        """
        if self._failed is not None:
            raise self._failed  # one pass, also when it fails: every gate hears the same
        if self._evidence is None:
            file = self._file
            with file.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # xdist workers wait for the one that counts
                try:
                    self._evidence = self._made(file)
                except GatekitError as error:
                    self._failed = error
                    raise
        return self._evidence

    def as_dict(self) -> dict[str, Any]:
        """For the report: how the data was read, and the digest of the evidence if any was."""
        file = self._file
        found = self._evidence or read_evidence(file)
        said = file.with_suffix(SOURCE)
        return {
            "engine": self.counting.engine or "local",
            "parts": len(self.data.parts),
            "pilot_rows": self.data.pilot.rows,
            "evidence": found.sha256 if found else "",
            "source": said.read_text("ascii") if said.exists() else "",
        }

    def _made(self, file: Path) -> Evidence:
        kept = kept_folder() / file.name if self.counting.policy.streaming.cache else None
        if (found := read_evidence(file)) is not None:
            return found
        source, found = KEPT, None if kept is None else read_evidence(kept)
        if found is None:
            source, found = FRESH, self._counted()
            if kept is not None:
                with suppress(OSError):  # a cache that cannot be written is no reason to fail
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    write_evidence(kept, found)
        file.with_suffix(SOURCE).write_text(source, "ascii")
        write_evidence(file, found)
        return found

    @property
    def _file(self) -> Path:
        return self.counting.scratch / f"{self._key()[:32]}.evidence"

    def _counted(self) -> Evidence:
        from gatekit.streaming.engines import open_engine  # with scipy, which most runs need later
        from gatekit.streaming.reconciling import reconciled

        task = Task(self.question(), tuple(self._model(role) for role in self.subjects))
        many = self.counting.policy.streaming.processes
        engine = open_engine(self.counting.engine, self._open, many)
        parts = self.data.parts
        found = reconciled(parts, self._listened(engine.run(task, parts)))
        self.check(found)
        return found

    def _listened(self, counted: Iterator[Counted]) -> Iterator[Counted]:
        done, whole = 0, self.data.rows
        self.counting.progress(COUNTED, done, whole)
        for each in counted:
            if self.subjects:
                self.counting.learn(each.walls)
            done += sum(rows for _, rows in each.parts)
            self.counting.progress(COUNTED, done, whole)
            yield each

    def _model(self, role: str) -> Model:
        subject = self.subjects[role]
        engine = self.counting.engine
        if engine not in ("", "local") and subject.environment.is_declared:
            raise UsageProblem(
                f"--model-env declared is for this machine, and the engine is {engine}",
                "Leave one of the two out",
            )
        model = subject.candidate
        inputs = tuple(self.data.inputs(model.signature))
        return Model(
            role,
            str(model.folder),
            model.digest,
            inputs,
            subject.engine,
            subject.score,
            subject.reading,
            self.counting.limits(role),
            subject.trusted,
        )

    def _open(self, model: Model) -> AbstractContextManager[Runner]:
        """The process that the subject has anyway; for a further lane one more."""
        subject = self.subjects[model.role]
        mine = object()
        is_first = self._lent.setdefault(model.role, mine) is mine  # lanes open at once
        return subject.lent() if is_first else subject.another()

    def _key(self) -> str:
        """Of everything that the evidence depends on."""
        policy, subjects = self.counting.policy, self.subjects
        asked = {
            "version": version("pytest-gatekit"),
            "numpy": version("numpy"),
            "data": self.data.sha256,
            "task": [policy.task, repr(policy.positive), policy.score, policy.threshold],
            "engine": self.counting.engine.partition("://")[0] or "local",
            "models": [[role, s.candidate.digest, s.engine] for role, s in subjects.items()],
            **self.depends_on(),
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def kept_folder() -> Path:
    """Where evidence is kept for later runs: $GATEKIT_EVIDENCE, else in the user's cache."""
    if named := os.environ.get("GATEKIT_EVIDENCE"):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "gatekit" / "evidence"


def write_evidence(file: Path, evidence: Evidence) -> None:
    """Write evidence with its digest, whole or not at all."""
    raw = evidence.to_bytes()
    made = file.with_suffix(f".{os.getpid()}.tmp")
    made.write_bytes(hashlib.sha256(raw).digest() + zlib.compress(raw, 1))
    made.replace(file)


def read_evidence(file: Path) -> Evidence | None:
    """The evidence of a file; None where there is none, or other bytes than were written."""
    try:
        content = file.read_bytes()
        raw = zlib.decompress(content[32:])
        if hashlib.sha256(raw).digest() != content[:32]:
            return None
        return Evidence.from_bytes(raw)
    except (OSError, ValueError, zlib.error):
        return None
