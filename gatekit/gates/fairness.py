"""Gaps between groups, in fairlearn's vocabulary, with bounds that hold jointly.

Every sensitive column is looked at; the worst one is the estimate. The error is split over
the columns (and, for equalized odds, over its two rates), so the bound holds for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.errors import DataError
from gatekit.estimate import Estimate
from gatekit.evidence.counts import GroupTable, group_table, is_label
from gatekit.gate import Ask, measure
from gatekit.gates.applies import named
from gatekit.stats import proportion
from gatekit.subject import Subject

Bounds = tuple[float, float, float]
Counts = NDArray[np.int64]
Rate = tuple[str, Counts, Counts]  # its name, k per group, n per group
Rates = Callable[[GroupTable], list[Rate]]


@measure
def demographic_parity_difference(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Largest gap in selection rate between two groups."""
    return _gap("demographic parity", _selection, candidate, holdout, ask)


@measure
def equal_opportunity_difference(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Largest gap in true positive rate between two groups."""
    return _gap("equal opportunity", _true_positives, candidate, holdout, ask)


@measure
def equalized_odds_difference(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Largest gap in true or false positive rate between two groups."""
    return _gap("equalized odds", _odds, candidate, holdout, ask)


@measure
def selection_rate_ratio(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Smallest ratio of selection rates between two groups (four-fifths rule: at least 0.8)."""
    tables = list(_tables(candidate, holdout))
    found = [(name, table, proportion.smallest_ratio) for name, table in tables]
    parts = _parts(found, _selection, ask.level)
    value, low, high = (min(part[i] for _, part in parts) for i in range(3))
    worst = min(parts, key=lambda part: part[1][0])[0]
    return _estimate("selection rate ratio", (value, low, high), worst, tables, ask)


def _gap(name: str, rates: Rates, candidate: Subject, holdout: Holdout, ask: Ask) -> Estimate:
    tables = list(_tables(candidate, holdout))
    found = [(column, table, proportion.largest_gap) for column, table in tables]
    parts = _parts(found, rates, ask.level)
    value, low, high = (max(part[i] for _, part in parts) for i in range(3))
    worst = max(parts, key=lambda part: part[1][0])[0]
    return _estimate(name, (value, low, high), worst, tables, ask)


def _parts(
    found: list[tuple[str, GroupTable, Callable[..., Bounds]]], rates: Rates, level: float
) -> list[tuple[str, Bounds]]:
    """One (label, bounds) per column and rate, each at its share of the error."""
    count = sum(len(rates(table)) for _, table, _ in found)
    each = level if level == proportion.POINT else 1 - (1 - level) / count
    return [
        (f"{rate} by {column}", bounds(k, n, each))
        for column, table, bounds in found
        for rate, k, n in rates(table)
    ]


def _estimate(
    name: str, bounds: Bounds, worst: str, tables: list[tuple[str, GroupTable]], ask: Ask
) -> Estimate:
    detail = [f"worst: {worst}"]
    for column, table in tables:
        detail += _rows(column, table)
    rows = int(tables[0][1].counts.sum())
    method = named("joint Clopper-Pearson (Bonferroni)", ask.level)
    return Estimate(name, *bounds, ask.level, rows, method, detail=tuple(detail))


def _tables(candidate: Subject, holdout: Holdout) -> Iterator[tuple[str, GroupTable]]:
    if not holdout.spec.sensitive:
        raise DataError(
            "the fairness gate has no groups: data.holdout.sensitive is empty",
            "Name the sensitive columns, or take fairness out of the policy",
        )
    truth = is_label(holdout.y, candidate.positive)
    if not truth.any():  # else nobody is ever selected, and no gap is ever found
        raise DataError(
            f"{holdout.path.name}: no row of {holdout.spec.target!r} is the positive label "
            f"{candidate.positive!r}",
            "Say in the policy which label is meant: positive = ...",
        )
    said = is_label(candidate.predictions(holdout), candidate.positive)
    for column in holdout.spec.sensitive:
        names, index = holdout.groups(column)
        yield column, group_table(names, index, truth, said)


def _selection(table: GroupTable) -> list[Rate]:
    return [("selection rate", table.selected(), table.rows())]


def _true_positives(table: GroupTable) -> list[Rate]:
    return [("true positive rate", table.selected_of(1), table.labelled(1))]


def _odds(table: GroupTable) -> list[Rate]:
    false = ("false positive rate", table.selected_of(0), table.labelled(0))
    return [*_true_positives(table), false]


def _rows(column: str, table: GroupTable) -> list[str]:
    """The groups of one column, lowest selection rate first."""
    rows, chosen = table.rows(), table.selected()
    order = np.argsort(chosen / np.maximum(1, rows), kind="stable")
    lines = []
    for g in order:
        hit = _rate(table.selected_of(1)[g], table.labelled(1)[g])
        miss = _rate(table.selected_of(0)[g], table.labelled(0)[g])
        picked = _rate(chosen[g], rows[g])
        lines.append(
            f"{column}={table.names[g]}: selected {picked}, tpr {hit}, fpr {miss}, n {rows[g]:,}"
        )
    return lines


def _rate(k: int, n: int) -> str:
    return f"{k / n:.3f}" if n else "unknown"
