"""Whether stated probabilities come true as often in one group as in another."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.scores import ScoreTable, score_table
from gatekit.gate import Ask, measure, streams
from gatekit.gates import applies, groups, stated
from gatekit.gates.applies import named
from gatekit.gates.fairness import check_groups
from gatekit.stats import calibration, gaps
from gatekit.stats.gaps import Gaps
from gatekit.stats.proportion import POINT
from gatekit.subject import Subject

NAME = "calibration gap"
METHOD = "joint bounds on each group's calibration error (Bonferroni)"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Errors:
    """Calibration error of each group of one grouping with joint bounds, and its rows, (G,)."""

    grouping: str
    groups: tuple[str, ...]
    value: Floats  # NaN of a group without rows
    low: Floats
    high: Floats
    rows: NDArray[np.int64]


@measure
@streams
@applies.of("scores of two classes", NAME)
def calibration_difference(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Largest gap between two groups in calibration error, over every column and crossing.

    Each group's error is bounded by itself, in bins of its own, at a level that makes all bounds
    hold at once; a group of fewer rows than one bin needs has any error from 0 to 1.
    """
    check_groups(candidate, holdout)
    if why := stated.no_probabilities(candidate, holdout):
        return applies.undefined(NAME, why, holdout.rows, ask)
    found = _errors(candidate, holdout, ask.level)
    between = [gaps.between_intervals(each.low, each.high) for each in found]
    values = tuple(_gap(each.value) for each in found)
    low, high = zip(*between, strict=True)
    together = Gaps("difference", values, low, high, METHOD)
    worst = groups.worst(together)
    bar: float | None = getattr(ask.settings, "calibration_difference", None)
    lines = [line for f, each in enumerate(found) for line in _lines(each, together, f, bar)]
    least, most = together.bounds()
    return Estimate(
        NAME,
        values[worst],
        least,
        most,
        ask.level,
        holdout.rows,
        named(METHOD, ask.level),
        detail=(f"worst: calibration error by {found[worst].grouping}", *lines),
    )


def _errors(candidate: Subject, holdout: Holdout, level: float) -> list[Errors]:
    told = candidate.told(holdout)
    tables = told.group_tables() if told else _tables(candidate, holdout)
    sides = 2 * sum(map(len, tables))
    share = level if level == POINT else 1 - (1 - level) / sides
    made = []
    for columns, held in zip(holdout.spec.sensitive, tables, strict=True):
        bounds = np.array([_error_of(table, share) for table in held.values()])
        value, low, high = bounds.T
        rows = np.array([table.positives + table.others for table in held.values()])
        made.append(Errors(" x ".join(columns), tuple(held), value, low, high, rows))
    return made


def _tables(candidate: Subject, holdout: Holdout) -> list[dict[str, ScoreTable]]:
    """For each sensitive grouping the rows of each group by score."""
    said, true = candidate.scores(holdout), candidate.positives(holdout)
    made = []
    for columns in holdout.spec.sensitive:
        names, index = holdout.crossing(columns)
        order = np.argsort(index, kind="stable")
        rows = np.bincount(index, minlength=len(names))
        parts = np.split(order, np.cumsum(rows)[:-1])
        tables = (score_table(said[part], true[part]) for part in parts)
        made.append(dict(zip(names, tables, strict=True)))
    return made


def error_of_group(
    said: Floats, true: NDArray[np.bool_], level: float
) -> tuple[float, float, float]:
    """Calibration error of one group's rows and its bounds, from 0 to 1; NaN without rows."""
    return _error_of(score_table(said, true), level)


def _error_of(table: ScoreTable, level: float) -> tuple[float, float, float]:
    if not table.scores.size:
        return math.nan, 0.0, 1.0
    rows = (table.positive + table.other).astype(float)
    bins = calibration.bins(table.scores, table.positive.astype(float), rows)
    value, low, high = calibration.bounds(bins, level)
    return value, max(0.0, low), min(1.0, high)


def _gap(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.max() - known.min()) if known.size else math.nan


def _lines(each: Errors, found: Gaps, family: int, bar: float | None) -> Iterator[str]:
    """Every group, the largest error first; one that may or may not be too far off says so."""
    undecided = groups.undecided(found, [family], len(each.groups), bar)
    order = np.argsort(-np.nan_to_num(each.value, nan=np.inf), kind="stable")
    for g in order[: groups.LINES]:
        value = "unknown" if np.isnan(each.value[g]) else f"{each.value[g]:.3f}"
        mark = ", INCONCLUSIVE" if undecided[g] else ""
        bounds = f"[{each.low[g]:.3f}, {each.high[g]:.3f}]"
        yield f"{each.groups[g]}: calibration error {value} {bounds}, n {each.rows[g]:,}{mark}"
    if len(order) > groups.LINES:
        left = int(undecided[order[groups.LINES :]].sum())
        more = len(order) - groups.LINES
        yield f"and {more:,} groups more of {each.grouping}, {left:,} INCONCLUSIVE"
