"""Columns of two samples side by side, and the worst of them as one estimate for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.pairs import Numbers, Values, paired
from gatekit.gate import Ask
from gatekit.gates import pictures
from gatekit.gates.applies import named
from gatekit.gates.slices import STATES
from gatekit.picture import Curve
from gatekit.stats import multiplicity
from gatekit.stats.drift import Effect
from gatekit.stats.drift_bins import Unknown
from gatekit.stats.proportion import POINT
from gatekit.subject import Subject
from gatekit.verdict import rows_that_decide

LINES = 20
Kind = TypeVar("Kind", Numbers, Values)


@dataclass(frozen=True, slots=True)
class Found:
    """The effect in one column."""

    column: str
    effect: Effect


def columns_of(
    candidate: Subject, reference: Holdout, current: Holdout
) -> Iterator[Numbers | Values]:
    """Each column that the model takes, of both samples.

    Raises:
        DataError: a sample lacks a column that the model needs.
    """
    signature = candidate.candidate.signature
    sides = [sample.features(signature) for sample in (reference, current)]
    for name in sides[0].column_names:
        if name in sides[1].column_names:
            both = paired(name, sides[0][name], sides[1][name])
            if both is not None:
                yield both


def worst(name: str, found: list[Found], sizes: tuple[int, int], method: str, ask: Ask) -> Estimate:
    """The largest effect, as one estimate that answers for every column.

    `high` is the largest of the columns' own upper bounds, each at the full level: it clears a bar
    only if every column does. `low` is the largest of their lower bounds, each at its share of the
    error; which columns are named as failed is said by Holm's tests. A column with too few rows
    makes `high` infinite: nothing is proved while it is unknown.
    """
    bar: float | None = getattr(ask.settings, name_of_bar(name), None)
    share = ask.level if ask.level == POINT else 1 - (1 - ask.level) / len(found)
    low = max(each.effect.bounds(share)[0] for each in found)
    high = max(each.effect.bounds(ask.level)[1] for each in found)
    needed = max((each.effect.rows_short or 0 for each in found), default=0) or None
    value = max(each.effect.value for each in found)
    words = (f"reference {sizes[0]:,} rows, current {sizes[1]:,}; rows needed are of the smaller",)
    return Estimate(
        name,
        value,
        min(low, value),
        max(high, value),
        ask.level,
        min(sizes),
        named(method, ask.level),
        rows_for_bound=needed,
        detail=(*words, *_lines(found, min(sizes), bar, ask.level)),
        pictures=_drawn(name, found, ask.level),
    )


def _drawn(name: str, found: list[Found], level: float) -> tuple[Curve, ...]:
    farthest = sorted(found, key=lambda each: -each.effect.value)
    low, high = zip(*(each.effect.bounds(level) for each in farthest), strict=True)
    return pictures.rows(
        f"{name.removeprefix('worst ')} by column",
        [each.column for each in farthest],
        [each.effect.value for each in farthest],
        (low, high),
    )


def name_of_bar(name: str) -> str:
    """'worst PSI' is held against the policy's `psi`."""
    return BARS.get(name, name.replace(" ", "_"))


BARS = {
    "worst PSI": "psi",
    "worst KS distance": "ks",
    "worst Wasserstein": "wasserstein",
    "worst Cramer's V": "cramers_v",
}


def _lines(found: list[Found], rows: int, bar: float | None, level: float) -> list[str]:
    """The columns, worst first: failed, undecided, clear; within these the largest effect first."""
    failed = [False] * len(found)
    if bar is not None and level == POINT:
        failed = [each.effect.bounds(level)[0] > bar for each in found]
    elif bar is not None:
        p_values = [each.effect.p_above(bar) for each in found]
        failed = [bool(f) for f in multiplicity.holm(p_values, 1 - level)]
    told = []
    for each, is_failed in zip(found, failed, strict=True):
        low, high = each.effect.bounds(level)
        line = f"{each.column}: {each.effect.value:.3f} [{low:.3f}, {high:.3f}]"
        state = "shown"
        if bar is not None:
            state = "FAILED" if is_failed else "clear" if high <= bar else "INCONCLUSIVE"
        if isinstance(each.effect, Unknown):
            line = f"{each.column}: {each.effect.why}"
        elif (short := each.effect.rows_short) is not None:
            line = f"{each.column}: {each.effect.value:.3f}, {short:,} rows of either are needed"
        elif state == "INCONCLUSIVE" and bar is not None:
            alone = Estimate(each.column, each.effect.value, low, high, level, rows, "")
            needed = rows_that_decide(alone, high if alone.value <= bar else low, bar)
            line += f", about {needed:,} rows would decide" if needed else ""
        told.append((STATES.index(state), -each.effect.value, f"{state:<12} {line}"))
    told.sort()
    lines = [line for _, _, line in told[: LINES - 1]]
    if len(told) > len(lines):
        lines.append(f"and {len(told) - len(lines):,} columns more, all less far")
    return lines
