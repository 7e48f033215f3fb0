"""Is what serves still as accurate as the policy asks? By the gates' own measures and bounds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from gatekit.data import Holdout, open_holdout
from gatekit.estimate import Estimate
from gatekit.gate import Ask
from gatekit.gates import accuracy, numbers
from gatekit.monitoring.judged import SEED, Answers, Judged
from gatekit.monitoring.logged import Logged
from gatekit.policy import DataSpec, Policy
from gatekit.verdict import Op, decide

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
        subject = Answers(logged, rows, policy)
        ask = Ask(table.level, SEED, table)
        for key, bar in bars.items():
            if key in MEASURES:
                measure, op = MEASURES[key]
                estimate: Estimate = measure(subject, holdout, ask=ask)
                verdict = decide(estimate, op, bar)
                judged.append(Judged(f"accuracy.{key}", op, bar, estimate, verdict))
    return judged, [f"accuracy.{key}" for key in bars if key not in MEASURES]


def _as_holdout(rows: pa.Table, policy: Policy, folder: Path) -> Holdout:
    from pyarrow import parquet

    path = folder / "labelled.parquet"
    parquet.write_table(rows, path)
    return open_holdout(DataSpec(path=path.name, target=policy.holdout.target), folder)
