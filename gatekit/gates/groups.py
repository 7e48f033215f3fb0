"""From joint counts to the rates of every group, to their resamples, and to lines for people."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.evidence.groupings import Ints, JointCounts
from gatekit.stats.gaps import Gaps, Rates

CELLS_AT_ONCE = 4_000_000  # 32 MB
LINES = 200  # groups listed of one sensitive column or crossing


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of a group: its name, and how it is read off tables (..., G, 2, 2)."""

    name: str
    read: Callable[[Ints], Rates]


@dataclass(frozen=True, slots=True)
class Family:
    """One rate over the groups of one grouping; `grouping` is its place in the joint counts."""

    name: str
    grouping: int
    rates: Rates


def selected(tables: Ints) -> Rates:
    """Rows predicted positive, of all rows."""
    return Rates(tables[..., 1].sum(axis=-1), tables.sum(axis=(-1, -2)))


def true_positive(tables: Ints) -> Rates:
    """Rows predicted positive, of those that are."""
    return Rates(tables[..., 1, 1], tables[..., 1, :].sum(axis=-1))


def false_positive(tables: Ints) -> Rates:
    """Rows predicted positive, of those that are not."""
    return Rates(tables[..., 0, 1], tables[..., 0, :].sum(axis=-1))


def precise(tables: Ints) -> Rates:
    """Rows that are positive, of those predicted so."""
    return Rates(tables[..., 1, 1], tables[..., 1].sum(axis=-1))


def families(counts: JointCounts, rates: Sequence[Rate]) -> list[Family]:
    """Every rate over every grouping, in that order of groupings."""
    return [
        Family(f"{rate.name} by {grouping.name}", place, rate.read(grouping.tables(counts.counts)))
        for place, grouping in enumerate(counts.groupings)
        for rate in rates
    ]


def resampler(
    counts: JointCounts, rates: Sequence[Rate], kept: dict[tuple[Any, ...], Any]
) -> Callable[[int], Iterator[list[Rates]]]:
    """Resamples of the joint table, multinomial: in law the same as resampling the rows.

    Seeded by the counts, so that every measure of one model and holdout sees the same resamples;
    where they fit into one block they are `kept` for the next measure.
    """

    def draw(total: int) -> Iterator[list[Rates]]:
        seed = zlib.crc32(counts.counts.tobytes())
        key = ("resamples", seed, counts.rows(), total)
        if total * counts.counts.size > CELLS_AT_ONCE:
            for tables in _blocks(counts, total, seed):
                yield [rate.read(table) for table in tables for rate in rates]
            return
        if key not in kept:
            kept[key] = next(_blocks(counts, total, seed))
        for rate in rates:
            if (*key, rate.name) not in kept:
                kept[*key, rate.name] = [rate.read(table) for table in kept[key]]
        read = [kept[*key, rate.name] for rate in rates]
        yield [each for of_grouping in zip(*read, strict=True) for each in of_grouping]

    return draw


def _blocks(counts: JointCounts, total: int, seed: int) -> Iterator[list[Ints]]:
    random = np.random.default_rng(seed)
    shares = counts.counts / counts.rows()
    at_once = max(1, CELLS_AT_ONCE // shares.size)
    for start in range(0, total, at_once):
        drawn = random.multinomial(counts.rows(), shares, min(at_once, total - start))
        yield [grouping.tables(drawn) for grouping in counts.groupings]


def worst(found: Gaps) -> int:
    """Which family has the largest gap; one without a gap that is known keeps the bounds open."""
    sign = 1 if found.scale == "difference" else -1
    values = [-math.inf if math.isnan(value) else sign * value for value in found.values]
    return int(np.argmax(values))


def lines(
    counts: JointCounts, looked_at: Sequence[Family], found: Gaps, bar: float | None
) -> Iterator[str]:
    """Every group of every grouping, lowest selection rate first; open ones say so."""
    for place, grouping in enumerate(counts.groupings):
        tables = grouping.tables(counts.counts)
        shown = [f(tables) for f in (selected, true_positive, false_positive, precise)]
        mine = [f for f, family in enumerate(looked_at) if family.grouping == place]
        open_ones = undecided(found, mine, len(grouping.groups), bar)
        order = np.argsort(shown[0].k / np.maximum(1, shown[0].n), kind="stable")
        for g in order[:LINES]:
            words = ("selected", "tpr", "fpr", "precision")
            rates = ", ".join(
                f"{word} {_rate(rate.k[g], rate.n[g])}"
                for word, rate in zip(words, shown, strict=True)
            )
            mark = ", INCONCLUSIVE" if open_ones[g] else ""
            yield f"{grouping.groups[g]}: {rates}, n {shown[0].n[g]:,}{mark}"
        if len(order) > LINES:
            more, left = len(order) - LINES, int(open_ones[order[LINES:]].sum())
            yield f"and {more:,} groups more of {grouping.name}, {left:,} INCONCLUSIVE"


def undecided(found: Gaps, mine: Sequence[int], size: int, bar: float | None) -> NDArray[np.bool_]:
    """Which groups may or may not be further from another than the bar allows, (G,)."""
    if bar is None:
        return np.zeros(size, dtype=bool)
    bounds = [[found.of_group(family, g) for family in mine] for g in range(size)]
    return np.array([any(low < bar < high for low, high in each) for each in bounds])


def _rate(k: int, n: int) -> str:
    return f"{k / n:.3f}" if n else "unknown"
