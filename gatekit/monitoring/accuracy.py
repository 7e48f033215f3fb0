"""Is what serves still as accurate as the policy asks? By the gates' own measures and bounds."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.candidate import Candidate
from gatekit.data import Holdout, open_holdout
from gatekit.estimate import Estimate
from gatekit.gate import Ask
from gatekit.gates import accuracy, numbers
from gatekit.monitoring.logged import OWN, PREDICTION, Logged
from gatekit.policy import DataSpec, Policy
from gatekit.scoring.signature import Column, Signature
from gatekit.subject import Subject, SubjectSpec
from gatekit.verdict import Op, Verdict, decide

SEED = 20261125
# bars on labels and numbers; those on scores, slices and a champion need what is not logged
MEASURES: dict[str, tuple[Any, Op]] = {
    "floor": (accuracy.overall, ">="),
    "balanced_accuracy": (accuracy.balanced_accuracy, ">="),
    "precision": (accuracy.precision, ">="),
    "recall": (accuracy.recall, ">="),
    "specificity": (accuracy.specificity, ">="),
    "f1": (accuracy.f1, ">="),
    "mcc": (accuracy.mcc, ">="),
    "mae": (numbers.mae, "<="),
    "rmse": (numbers.rmse, "<="),
    "r2": (numbers.r2, ">="),
    "quantile_loss": (numbers.quantile_loss, "<="),
    "bias": (numbers.bias, "<="),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One bar of the policy against what came of the predictions."""

    key: str
    op: Op
    bar: float
    estimate: Estimate
    verdict: Verdict


class Answers(Subject):
    """A subject that has answered already: no process, only what was logged."""

    def __init__(self, spec: SubjectSpec, said: NDArray[Any]) -> None:
        super().__init__(spec, spec.candidate.folder, _never)
        self._said_then = said

    def predictions(self, holdout: Holdout, *, engine: str | None = None) -> NDArray[Any]:
        """What the service answered, (n,)."""
        del holdout, engine
        return self._said_then


def judge_accuracy(
    logged: Logged, rows: pa.Table, policy: Policy
) -> tuple[list[Judged], list[str]]:
    """Every bar of [gates.accuracy] that labels decide, and the keys of those they cannot.

    `rows` are logged rows with the column of the label.
    """
    table = policy.gates.accuracy
    bars = table.bars()
    judged = []
    with tempfile.TemporaryDirectory(prefix="gatekit-monitor-") as scratch:
        holdout = _as_holdout(rows, policy, Path(scratch))
        subject = Answers(_spec(logged, rows, policy), _predictions(rows))
        ask = Ask(table.level, SEED, table)
        for key, bar in bars.items():
            if key in MEASURES:
                measure, op = MEASURES[key]
                estimate: Estimate = measure(subject, holdout, ask=ask)
                judged.append(Judged(key, op, bar, estimate, decide(estimate, op, bar)))
    return judged, [key for key in bars if key not in MEASURES]


def _as_holdout(rows: pa.Table, policy: Policy, folder: Path) -> Holdout:
    from pyarrow import parquet

    path = folder / "labelled.parquet"
    parquet.write_table(rows, path)
    return open_holdout(DataSpec(path=path.name, target=policy.holdout.target), folder)


def _predictions(rows: pa.Table) -> NDArray[Any]:
    return np.asarray(rows[PREDICTION].to_numpy())


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
