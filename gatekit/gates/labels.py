"""From a confusion table to estimates: exact where the measure is one rate, else by resampling."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.confusion import MOST_LABELS, ConfusionTable, PositiveCounts
from gatekit.gate import Ask
from gatekit.stats import confusion, proportion
from gatekit.subject import Subject

Rate = Callable[[PositiveCounts], tuple[int, int]]  # k of n
LINES = 20
TWO = 2


def of_positive(
    name: str, rate: Rate, candidate: Subject, holdout: Holdout, ask: Ask, *, f1: bool = False
) -> Estimate:
    """A rate about the positive label, with exact (Clopper-Pearson) bounds given its rows.

    `f1` says that the rate is TP / (TP + FP + FN), of which F1 is a rising function: so exact
    bounds on the one are exact bounds on the other. A rate of no rows is 0, as scikit-learn has
    it, and its bounds are infinite.
    """
    table = candidate.confusion(holdout)
    if table is None or _stray_truth(table, candidate):
        return _unknown(name, table, holdout, ask)
    counts = table.of(candidate.positive)
    k, n = rate(counts)
    value = k / n if n else 0.0
    low, high = (float(bound) for bound in proportion.bounds(k, n, ask.level))
    method = "Clopper-Pearson"
    if f1:
        value, low, high = (confusion.f1_of_share(share) for share in (value, low, high))
        method = "Clopper-Pearson of TP / (TP + FP + FN)"
    if ask.level == proportion.POINT:
        method = "point decision"
    if not n or not counts.true:
        low, high, method = -math.inf, math.inf, "no bound without rows"
    detail = _positive_words(counts, candidate)
    return Estimate(name, value, low, high, ask.level, table.rows(), method, detail=detail)


def _positive_words(counts: PositiveCounts, candidate: Subject) -> tuple[str, ...]:
    words = (
        f"positive label {candidate.positive}: {counts.true:,} rows have it, "
        f"{counts.said:,} were said to, {counts.hit:,} rightly"
    )
    if counts.true:
        return (words,)
    return ("no row of the holdout has the positive label: say which it is, positive = ...", words)


def of_table(
    name: str,
    function: confusion.TableMeasure,
    candidate: Subject,
    holdout: Holdout,
    ask: Ask,
) -> Estimate:
    """A measure of the whole confusion table, with resampled bounds."""
    table = candidate.confusion(holdout)
    if table is None or _stray_truth(table, candidate):
        return _unknown(name, table, holdout, ask)
    value, low, high = confusion.bounds(function, table.counts, ask.level, ask.seed, candidate.kept)
    method = f"leaning Dirichlet bootstrap, {confusion.draws_for(ask.level):,} draws"
    if math.isinf(low):
        method = "no bound: a label is never true or predicted, or the level is too high"
    elif ask.level == proportion.POINT:
        method = "point decision"
    lines = _by_label(table)
    return Estimate(name, value, low, high, ask.level, table.rows(), method, detail=lines)


def _stray_truth(table: ConfusionTable, candidate: Subject) -> bool:
    return candidate.task == "binary" and int((table.true() > 0).sum()) > TWO


def _unknown(name: str, table: ConfusionTable | None, holdout: Holdout, ask: Ask) -> Estimate:
    """Not a number, which passes no bar, and why."""
    if table is None:
        why = f"labels and predictions have more than {MOST_LABELS} different values"
    else:
        truths = int((table.true() > 0).sum())
        why = f'the holdout has {truths} labels and the task is binary: say task = "multiclass"'
    nan = math.nan
    return Estimate(name, nan, nan, nan, ask.level, holdout.rows, "undefined", detail=(why,))


def _by_label(table: ConfusionTable) -> tuple[str, ...]:
    """Recall and precision of each label, lowest recall first; labels without rows before all."""
    hit, true, said = table.hit(), table.true(), table.said()
    recall = np.where(true > 0, hit / np.maximum(true, 1), -1.0)
    lines = [
        f"label {table.labels[i]}: recall {_rate(hit[i], true[i])}, "
        f"precision {_rate(hit[i], said[i])}, n {true[i]:,}"
        for i in np.argsort(recall, kind="stable")
    ]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 1], f"and {len(lines) - LINES + 1} labels more"]
    return tuple(lines)


def _rate(k: int, n: int) -> str:
    return f"{k / n:.3f}" if n else "unknown"
