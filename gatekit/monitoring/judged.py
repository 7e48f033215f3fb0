"""One bar of the policy against what a service has answered, and the answers as a subject."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.candidate import Candidate
from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.monitoring.logged import OWN, PREDICTION, Logged
from gatekit.policy import Policy
from gatekit.scoring.signature import Column, Signature
from gatekit.subject import Subject
from gatekit.subject_spec import SubjectSpec
from gatekit.verdict import Op, Verdict

SEED = 20261125


@dataclass(frozen=True, slots=True)
class Judged:
    """A bar by its full key, such as accuracy.floor, and what came of it."""

    key: str
    op: Op
    bar: float
    estimate: Estimate
    verdict: Verdict


class Answers(Subject):
    """A subject that has answered already: no process, only what was logged."""

    def __init__(self, logged: Logged, rows: pa.Table, policy: Policy) -> None:
        spec = _spec(logged, rows, policy)
        super().__init__(spec, spec.candidate.folder, _never)
        self._answers = np.asarray(rows[PREDICTION].to_numpy())

    def predictions(self, holdout: Holdout, *, engine: str | None = None) -> NDArray[Any]:
        """What the service answered, (n,)."""
        del holdout, engine
        return self._answers


def _spec(logged: Logged, rows: pa.Table, policy: Policy) -> SubjectSpec:
    names = [n for n in rows.column_names if n not in (*OWN, policy.holdout.target)]
    signature = Signature(tuple(Column(name, "string", required=False) for name in names))
    uri = f"models:/{logged.model}/{logged.version}"
    candidate = Candidate(
        uri, logged.model, logged.version, None, "", Path(), (), "logged", signature
    )
    return SubjectSpec(candidate, "logged", policy.positive, policy.task)


def _never() -> NoReturn:
    raise AssertionError("what was logged is never predicted again")
