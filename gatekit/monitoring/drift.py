"""Have the rows that were asked about moved away from those the model learnt from?"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from gatekit.data import open_sample
from gatekit.gate import NOT_APPLICABLE, Ask
from gatekit.gates import drift
from gatekit.monitoring.judged import SEED, Answers, Judged
from gatekit.monitoring.logged import Logged
from gatekit.policy import Policy, SampleSpec
from gatekit.verdict import decide

# column by column; the other bars need the model itself, or labels
MEASURES: dict[str, Any] = {
    "psi": drift.psi,
    "ks": drift.ks,
    "wasserstein": drift.wasserstein,
    "cramers_v": drift.cramers_v,
}


def judge_drift(logged: Logged, policy: Policy, folder: Path) -> tuple[list[Judged], list[str]]:
    """Every bar of [gates.drift] on columns, and the keys of those that a log cannot decide.

    The rows to compare with are [data.reference]; a relative path starts at `folder`. Without them
    there is nothing to judge.

    Raises:
        DataError: the reference cannot be read, or lacks a column of the log.
    """
    table, bars = policy.gates.drift, policy.gates.drift.bars()
    if policy.reference is None:
        return [], [f"drift.{key}" for key in bars]
    from pyarrow import parquet

    target = policy.holdout.target
    judged, left = [], [f"drift.{key}" for key in bars if key not in MEASURES]
    with tempfile.TemporaryDirectory(prefix="gatekit-monitor-") as scratch:
        path = Path(scratch, "asked.parquet")
        parquet.write_table(logged.table, path)
        reference = open_sample(policy.reference, "reference", target, folder)
        current = open_sample(SampleSpec(path=path.name), "current", target, Path(scratch))
        subject = Answers(logged, logged.table, policy)
        ask = Ask(table.level, SEED, table)
        for key, measure in MEASURES.items():
            if key not in bars:
                continue
            estimate = measure(subject, reference, current, ask=ask)
            if estimate.method == NOT_APPLICABLE:
                left.append(f"drift.{key}")
                continue
            verdict = decide(estimate, "<=", bars[key])
            judged.append(Judged(f"drift.{key}", "<=", bars[key], estimate, verdict))
    return judged, left
