"""One piece of work of bench/scale.py in a process of its own; it prints JSON.

Time is counted from when the models are loaded, on every side: imports are the matter of another
bench.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psutil
from scale_data import FEATURES

OTHERS = ["label", "group", "region"]


def clock():
    """Seconds on the wall, and of processor time here and in the models' processes."""
    here = psutil.Process()
    times = [each.cpu_times() for each in (here, *here.children(recursive=True))]
    return time.perf_counter(), sum(each.user + each.system for each in times)


def taken(start):
    return dict(
        zip(("seconds", "cpu"), (b - a for a, b in zip(start, clock(), strict=True)), strict=True)
    )


def opened(root, policy, model, champion, engine):
    from gatekit.plan import RunRequest, make_plan
    from gatekit.run import open_run
    from gatekit.runner.forkserver import ForkServer

    request = RunRequest(
        uri=str(root / model),
        gates=str(policy),
        champion=str(root / champion) if champion else None,
        engine=engine or None,
    )
    run, _ = open_run(make_plan(request, root), server=ForkServer.begin())  # as pytest does
    run.candidate.load()
    if champion:
        run.champion.load()
    return run


def measures(run):
    """Every measure of accuracy and fairness on all rows, with bounds."""
    from gatekit.gate import Ask
    from gatekit.gates import accuracy, fairness, group_calibration, scores, slice_gains
    from gatekit.policy_gates import AccuracyGate, FairnessGate

    alone = [
        accuracy.overall, accuracy.balanced_accuracy, accuracy.precision, accuracy.recall,
        accuracy.specificity, accuracy.f1, accuracy.mcc, accuracy.worst_slice, scores.log_loss,
        scores.brier, scores.auc, scores.average_precision, scores.calibration_error,
    ]  # fmt: skip
    gaps = [
        fairness.demographic_parity_difference, fairness.selection_rate_ratio,
        fairness.equal_opportunity_difference, fairness.equal_opportunity_ratio,
        fairness.equalized_odds_difference, fairness.equalized_odds_ratio,
        fairness.predictive_parity_difference, fairness.predictive_parity_ratio,
        group_calibration.calibration_difference,
    ]  # fmt: skip
    beside = [
        accuracy.paired_gain, slice_gains.worst_slice_gain, scores.auc_gain, scores.log_loss_rise,
    ]  # fmt: skip
    asked, groups = Ask(0.95, 1, AccuracyGate()), Ask(0.95, 1, FairnessGate())
    found = [each(run.candidate, run.holdout, ask=asked) for each in alone]
    found += [each(run.candidate, run.holdout, ask=groups) for each in gaps]
    found += [each(run.candidate, run.champion, run.holdout, ask=asked) for each in beside]
    return found


def gates(root, policy, model, champion, engine):
    """The pass and every measure."""
    run = opened(root, policy, model, champion, engine)
    try:
        start = clock()
        measures(run)
        found = taken(start)
        told = run.one_pass.told().evidence
        return found | {"sha256": told.sha256, "rows": told.rows}
    finally:
        run.close(remove=True)


def behind_walls(root, policy, model):
    """Reading and predicting as a pass does, in the model's own process, and nothing counted."""
    from concurrent.futures import ThreadPoolExecutor

    from gatekit.parts import blocks

    run = opened(root, policy, model, "", "local")
    try:
        with run.candidate.lent() as runner, ThreadPoolExecutor(1) as thread:
            start, waiting, rows = clock(), [], 0
            for part in run.holdout.parts:
                for table in blocks(part, [*FEATURES, *OTHERS]):
                    waiting.append(
                        thread.submit(runner.answer, table.select(list(FEATURES)), "predict_proba")
                    )
                    if len(waiting) > 8:
                        rows += len(waiting.pop(0).result().scores)
            rows += sum(len(each.result().scores) for each in waiting)
            return taken(start) | {"rows": rows}
    finally:
        run.close(remove=True)


def plain(root, data, model):
    """Reading and predicting in this process: pyarrow and scikit-learn, no walls."""
    import mlflow
    import numpy as np
    from pyarrow import parquet

    loaded = mlflow.sklearn.load_model(root / model)
    start, rows = clock(), 0
    with parquet.ParquetFile(root / data, pre_buffer=False) as file:
        for batch in file.iter_batches(1 << 16, columns=[*FEATURES, *OTHERS]):
            x = np.empty((batch.num_rows, len(FEATURES)), order="F")
            for at in range(len(FEATURES)):
                x[:, at] = batch.column(at).to_numpy()
            rows += len(loaded.predict_proba(x))
    return taken(start) | {"rows": rows}


def drift(root, policy, model):
    """Counting reference and current, and every effect in columns that the policy bars."""
    from gatekit.gate import Ask
    from gatekit.gates import drift, drift_leak

    run = opened(root, policy, model, "", "")
    try:
        start, settings = clock(), run.plan.policy.gates.drift
        asked = Ask(0.95, 1, settings)
        samples = run.candidate, run.reference, run.current
        measures = [drift.psi, drift.ks, drift.wasserstein, drift.cramers_v]
        if settings.prediction_drift is not None:
            measures.append(drift.of_predictions)
            drift_leak.inputs(run.candidate, run.reference, run.holdout, ask=asked)
        found = [each(*samples, ask=asked) for each in measures]
        told = taken(start)
        widths = {each.name: each.high - each.value for each in found}
        hashes = [each.evidence().sha256 for each in run.samples.passes.values()]
        return told | {"sha256": hashes, "widths": widths}
    finally:
        run.close(remove=True)


def read(root, *data):
    """Reading the columns of both samples in this process, in blocks, and nothing else."""
    from pyarrow import parquet

    columns, rows = [*FEATURES, "region", "label"], 0
    start = clock()
    for name in data:
        with parquet.ParquetFile(root / name, pre_buffer=False) as file:
            for batch in file.iter_batches(1 << 16, columns=columns):
                rows += batch.num_rows
    return taken(start) | {"rows": rows}


WORK = {
    "gates": gates,
    "behind walls": behind_walls,
    "plain": plain,
    "drift": drift,
    "read": read,
}


if __name__ == "__main__":
    work, root, *rest = sys.argv[1:]
    found = WORK[work](Path(root), *rest)
    status = Path("/proc/self/status").read_text("ascii")
    found["peak_mb"] = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    print(json.dumps(found))
