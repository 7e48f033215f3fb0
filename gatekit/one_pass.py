"""The one pass over a holdout that streams: asked for by the first gate, told to all others.

Its evidence lies in the run's scratch folder, so that test processes of pytest-xdist share it;
where the policy allows, a copy is kept for later runs on the same bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gatekit.data import Holdout, check_grouping, check_slice
from gatekit.errors import GatekitError, UsageProblem
from gatekit.evidence.whole import Evidence
from gatekit.policy import Policy
from gatekit.progress import Progress, unheard
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.streaming import question as questions
from gatekit.streaming.names import GROUPS, slice_name
from gatekit.streaming.own import Own
from gatekit.streaming.question import NO_OWN
from gatekit.streaming.task import Counted, Model, Task
from gatekit.streaming.told import Told
from gatekit.subject import Subject

FRESH = "counted in this run"
SOURCE = ".source"
COUNTED = "rows counted"
KEPT = "kept from an earlier run on the same bytes"


@dataclass(slots=True)
class OnePass:
    """A holdout, the models that are asked about it by role, and by whom.

    `limits` are those of each role's process; `learn` is told which walls held elsewhere; `own` are
    a team's measures that are counted, too.
    """

    holdout: Holdout
    policy: Policy
    engine: str
    subjects: Mapping[str, Subject]
    limits: Mapping[str, Limits]
    scratch: Path
    learn: Callable[[Sequence[str]], None]
    progress: Progress = unheard
    own: Own = NO_OWN
    _told: Told | None = None
    _failed: GatekitError | None = None
    _lent: dict[str, object] = field(default_factory=dict)

    def told(self) -> Told:
        """What the pass tells; it is made when this is asked for the first time.

        Raises:
            DataError, ModelMisbehaved: see `Subject.predictions`.
            UsageProblem: the engine is not there.
        """
        if self._failed is not None:
            raise self._failed  # one pass, also when it fails: every gate hears the same
        if self._told is None:
            file = self._file
            with file.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # xdist workers wait for the one that counts
                try:
                    self._told = self._made(file)
                except GatekitError as error:
                    self._failed = error
                    raise
        return self._told

    def as_dict(self) -> dict[str, Any]:
        """For the report: how the holdout was read, and the digest of the evidence if any was."""
        file = self._file
        found = self._told.evidence if self._told else read_evidence(file)
        said = file.with_suffix(SOURCE)
        return {
            "engine": self.engine or "local",
            "parts": len(self.holdout.parts),
            "pilot_rows": self.holdout.pilot.rows,
            "evidence": found.sha256 if found else "",
            "source": said.read_text("ascii") if said.exists() else "",
            "own": {each.said: each.sha256 for each in self.own.measures},
        }

    def _made(self, file: Path) -> Told:
        asked = self._question()
        kept = kept_folder() / file.name if self.policy.streaming.cache else None
        if (found := read_evidence(file)) is not None:
            return Told(asked, found)
        source, found = KEPT, None if kept is None else read_evidence(kept)
        if found is None:
            source, found = FRESH, self._counted(asked)
            if kept is not None:
                with suppress(OSError):  # a cache that cannot be written is no reason to fail
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    write_evidence(kept, found)
        file.with_suffix(SOURCE).write_text(source, "ascii")
        write_evidence(file, found)
        return Told(asked, found)

    @property
    def _file(self) -> Path:
        return self.scratch / f"{self._key()[:32]}.evidence"

    def _question(self) -> questions.Question:
        policy = self.policy
        said = {role: each.says(self.holdout.pilot) for role, each in self.subjects.items()}
        quantile = policy.gates.accuracy.quantile
        return questions.ask(self.holdout, policy.task, policy.positive, quantile, said, self.own)

    def _counted(self, asked: questions.Question) -> Evidence:
        from gatekit.streaming.engines import open_engine  # with scipy, which most runs need later
        from gatekit.streaming.reconciling import reconciled

        task = Task(asked, tuple(self._model(role) for role in self.subjects))
        engine = open_engine(self.engine, self._open, self.policy.streaming.processes)
        parts = self.holdout.parts
        found = reconciled(parts, self._listened(engine.run(task, parts)))
        self._check(asked, found)
        return found

    def _check(self, asked: questions.Question, found: Evidence) -> None:
        """Refuse more slices or groups than are judged: the pilot need not have shown them all."""
        file = self.holdout.path.name
        for place, columns in enumerate(asked.slices):
            if (counted := found.counts.get(slice_name(place))) is not None:
                check_slice(file, columns, [len(counted.values(name)) for name in columns])
        for columns in asked.sensitive:
            counted = found.counts[GROUPS]
            check_grouping(file, columns, [len(counted.values(name)) for name in columns])

    def _listened(self, counted: Iterator[Counted]) -> Iterator[Counted]:
        done, whole = 0, self.holdout.rows
        self.progress(COUNTED, done, whole)
        for each in counted:
            self.learn(each.walls)
            done += sum(rows for _, rows in each.parts)
            self.progress(COUNTED, done, whole)
            yield each

    def _model(self, role: str) -> Model:
        subject = self.subjects[role]
        if self.engine not in ("", "local") and subject.environment.is_declared:
            raise UsageProblem(
                f"--model-env declared is for this machine, and the engine is {self.engine}",
                "Leave one of the two out",
            )
        model = subject.candidate
        inputs = tuple(self.holdout.inputs(model.signature))
        return Model(
            role,
            str(model.folder),
            model.digest,
            inputs,
            subject.engine,
            subject.score,
            subject.reading,
            self.limits[role],
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
        policy, subjects = self.policy, self.subjects
        asked = {
            "version": version("pytest-gatekit"),
            "numpy": version("numpy"),
            "holdout": self.holdout.sha256,
            "data": asdict(replace(policy.holdout, path="", uses=None)),
            "task": [policy.task, repr(policy.positive), policy.score, policy.threshold],
            "quantile": policy.gates.accuracy.quantile,
            "engine": self.engine.partition("://")[0] or "local",
            "own": [[each.said, each.sha256] for each in self.own.measures],
            "replicates": self.own.replicates,
            "models": [[role, s.candidate.digest, s.engine] for role, s in subjects.items()],
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
