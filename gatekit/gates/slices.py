"""Accuracy in the slices that the policy declares: columns of the holdout, and their crossings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.codes import Coded
from gatekit.gate import Ask
from gatekit.gates import pictures
from gatekit.stats import multiplicity, proportion
from gatekit.verdict import rows_that_decide

LINES = 20
STATES = ("FAILED", "INCONCLUSIVE", "clear", "shown")
Ints = NDArray[np.int64]
METHOD = "Clopper-Pearson of each slice (Bonferroni above)"


@dataclass(frozen=True, slots=True)
class SliceCounts:
    """Rows and rows labelled right, by slice, (S,). Slices overlap; one may be empty."""

    names: tuple[str, ...]
    right: NDArray[np.int64]
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Kind:
    """Which slices: the estimate's name, the policy's keys, and the support where none is set."""

    name: str
    bar: str
    support: str
    least: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows a slice needs to be judged, the bar it is held against, and the level."""

    support: int
    bar: float | None
    level: float


DECLARED = Kind("worst slice", "slice_floor", "slice_support", 30)


@dataclass(frozen=True, slots=True)
class Judged:
    """How one slice stands: its place in the order of the details, and its line."""

    state: str
    accuracy: float
    line: str
    place: int


def count_slices(right: NDArray[np.bool_], holdout: Holdout) -> SliceCounts:
    """Count every declared slice; a crossing has every combination of its columns' values."""
    names: list[str] = []
    counted: list[NDArray[np.int64]] = []
    for columns in holdout.spec.slices:
        labels, index = holdout.crossing(columns)
        size = len(labels)
        names += labels
        rows = np.bincount(index, minlength=size)
        counted.append(np.stack([np.bincount(index[right], minlength=size), rows]))
    both = np.concatenate(counted, axis=1)
    return SliceCounts(tuple(names), both[0], both[1])


def slices_of(counted: Iterable[dict[str, Coded]], tables: Iterable[Ints]) -> SliceCounts:
    """From counts by key: of each crossing its columns, coded as its K keys are, and (K, 2) rows.

    Those that matter and all; a combination without a key has none.
    """
    names: list[str] = []
    found: list[Ints] = []
    for columns, counts in zip(counted, tables, strict=True):
        labels, index = [""], np.zeros(len(counts), dtype=np.int64)
        for column, (values, codes) in columns.items():
            index = index * len(values) + codes
            labels = [f"{name} {column}={value}".strip() for name in labels for value in values]
        made = np.zeros((len(labels), 2), dtype=np.int64)
        made[index] = counts
        names += labels
        found.append(made)
    both = np.concatenate(found)
    return SliceCounts(tuple(names), both[:, 0], both[:, 1])


def none_declared(level: float) -> Estimate:
    """No slices, no worst one: not a number, which passes no bar."""
    return _nothing(DECLARED.name, level, "no slices declared")


def not_looked_for(name: str, level: float) -> Estimate:
    """No search for weak segments was asked for: not a number, which passes no bar."""
    return _nothing(name, level, "not looked for: weak_segments is false")


def _nothing(name: str, level: float, why: str) -> Estimate:
    return Estimate(name, math.nan, math.nan, math.nan, level, 0, why)


def worst(counts: SliceCounts, rows: int, ask: Ask, kind: Kind = DECLARED) -> Estimate:
    """The accuracy of the worst slice, as one estimate that answers for all of them.

    The value is the lowest accuracy of a slice with support. `low` is the lowest of the slices'
    own lower bounds, so it clears a bar only if each slice does: every one is tested at the full
    level, for all must pass. `high` is the lowest of their upper bounds, each at its share of the
    error, so it misses a bar only if one slice is shown to miss it among so many looked at; which
    ones is said by Holm's tests, against the policy's bar. A slice with fewer rows than its
    support cannot fail, and makes `low` infinite: nothing is proved while it is unknown.
    """
    support = getattr(ask.settings, kind.support, kind.least)
    bar: float | None = getattr(ask.settings, kind.bar, None)
    judged = counts.rows >= support
    k, n = counts.right[judged], counts.rows[judged]
    value, low, high = multiplicity.smallest(k, n, ask.level)
    short = counts.rows[~judged]
    needed = None
    if short.size:
        low = -math.inf
        needed = math.ceil(rows * support / short.min()) if short.min() else None
    if not judged.any():
        some = counts.rows > 0
        value = float((counts.right[some] / counts.rows[some]).min())
    method = "point decision" if ask.level == proportion.POINT else METHOD
    asked = Asked(support, bar, ask.level)
    found = _judged(counts, judged, rows, asked)
    drawn = [each.place for each in found]
    bounds = proportion.bounds(counts.right[drawn], counts.rows[drawn], ask.level)
    shares = counts.right[drawn] / np.maximum(counts.rows[drawn], 1)
    what = f"accuracy by {kind.name.rpartition(' ')[2]}"
    names = [f"{counts.names[i]}, n {counts.rows[i]:,}" for i in drawn]
    return Estimate(
        kind.name,
        value,
        low,
        high,
        ask.level,
        rows,
        method,
        rows_for_bound=needed,
        detail=_lines(found),
        pictures=pictures.rows(what, names, shares, bounds),
    )


def _judged(
    counts: SliceCounts, judged: NDArray[np.bool_], rows: int, asked: Asked
) -> list[Judged]:
    """The slices, worst first: failed, undecided, clear; within these the least accurate first."""
    bar = asked.bar
    failed = np.zeros(judged.size, dtype=bool)
    if bar is not None:
        failed[judged] = multiplicity.shown_below(
            counts.right[judged], counts.rows[judged], bar, asked.level
        )
    low, high = proportion.bounds(counts.right, counts.rows, asked.level)
    found = []
    for i, name in enumerate(counts.names):
        k, n = int(counts.right[i]), int(counts.rows[i])
        if not judged[i]:
            words = f"{n:,} rows, {asked.support:,} are needed to judge it"
            found.append(Judged("INCONCLUSIVE", k / n if n else 1.0, f"{name}: {words}", i))
            continue
        state = _state(float(low[i]), bar, failed=bool(failed[i]))
        line = f"{name}: {k / n:.3f} [{low[i]:.3f}, {high[i]:.3f}], n {n:,}"
        if state == "INCONCLUSIVE" and bar is not None:
            each = Estimate(name, k / n, float(low[i]), float(high[i]), asked.level, n, "")
            line += _forecast(each, bar, rows)
        found.append(Judged(state, k / n, line, i))
    found.sort(key=lambda each: (STATES.index(each.state), each.accuracy))
    return found


def _lines(found: list[Judged]) -> tuple[str, ...]:
    lines = [f"{each.state:<12} {each.line}" for each in found[: LINES - 1]]
    if more := found[LINES - 1 :]:
        held = [each.state for each in more]
        kinds = ", ".join(f"{held.count(state)} {state}" for state in STATES if state in held)
        lines.append(f"and {len(more):,} slices more: {kinds}")
    return tuple(lines)


def _state(low: float, bar: float | None, *, failed: bool) -> str:
    if bar is None:
        return "shown"
    if failed:
        return "FAILED"
    return "clear" if low >= bar else "INCONCLUSIVE"


def _forecast(each: Estimate, bar: float, rows: int) -> str:
    """How many rows of the holdout would decide the slice, if it keeps its share of them."""
    needed: Any = rows_that_decide(each, each.low, bar)
    return (
        f", about {math.ceil(needed / each.n * rows):,} rows in all would decide" if needed else ""
    )
