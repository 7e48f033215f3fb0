"""How right the candidate stays when one column is damaged, and when rows come otherwise arranged.

Each damage is done to one column at a time, and the worst case speaks for all: its lower bound
clears a bar only if every case does. A case that the model refuses to answer counts as no row
right: one such row would refuse the whole batch. At most `corrupted_rows` rows are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.errors import ModelMisbehaved
from gatekit.estimate import Estimate, exact
from gatekit.evidence.counts import right
from gatekit.gate import Ask, label_free, measure
from gatekit.gates import damage
from gatekit.gates.applies import named
from gatekit.scoring.tables import conform
from gatekit.stats import proportion
from gatekit.subject import Subject

SEED = 20_240_229  # the same rows for all measures of a run
LINES = 12
AT_ONCE = 20_000


@measure
def accuracy_with_missing(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Accuracy with a column empty, of those that the signature lets be empty."""
    return _worst("accuracy, empty", damage.emptied, candidate, holdout, ask)


@measure
def accuracy_with_outliers(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Accuracy with a quantity far outside what was seen."""
    return _worst("accuracy, outliers", damage.outlying, candidate, holdout, ask)


@measure
def accuracy_with_unit_slips(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Accuracy with a quantity in a wrong unit."""
    return _worst("accuracy, wrong unit", damage.slipped, candidate, holdout, ask)


@measure
def accuracy_with_other_categories(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Accuracy with a category swapped for another, or for one never seen."""
    return _worst("accuracy, categories", damage.recategorised, candidate, holdout, ask)


@label_free
@measure
def rearranged(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows with another label once rows are shuffled or doubled, or columns come otherwise."""
    table, _ = _rows(candidate, holdout, ask)
    plain = candidate.predict(table)
    random = np.random.default_rng(SEED)
    order = random.permutation(table.num_rows)
    doubled = np.repeat(np.arange(table.num_rows), 2)
    cases = {
        "rows shuffled": (table.take(pa.array(order)), plain[order]),
        "rows doubled": (table.take(pa.array(doubled)), plain[doubled]),
        "columns turned round": (table.select(table.column_names[::-1]), plain),
    }
    changed = {
        name: int(np.sum(~right(wanted, candidate.predict(rows))))
        for name, (rows, wanted) in cases.items()
    }
    detail = tuple(f"{name}: {count:,} labels differ" for name, count in changed.items())
    method = "every row asked again"
    return exact(
        "order violations", sum(changed.values()), n=len(plain), method=method, detail=detail
    )


def _rows(candidate: Subject, holdout: Holdout, ask: Ask) -> tuple[pa.Table, NDArray[Any]]:
    """A fixed random part of the holdout: features and labels."""
    table = holdout.features(candidate.candidate.signature)
    most = ask.settings.corrupted_rows
    if table.num_rows <= most:
        return table, holdout.y
    picked = np.sort(np.random.default_rng(SEED).choice(table.num_rows, most, replace=False))
    return table.take(pa.array(picked)), holdout.y[picked]


def _worst(
    name: str, how: damage.Damage, candidate: Subject, holdout: Holdout, ask: Ask
) -> Estimate:
    table, y = _rows(candidate, holdout, ask)
    random = np.random.default_rng(SEED)
    plain = candidate.predict(table)
    hits, lines = [], []
    for case, said in _answered(candidate, how(table, candidate.candidate.signature, random)):
        if isinstance(said, str):
            hits.append(0)
            lines.append(f"{case}: refused, counted as wrong ({said})")
            continue
        hits.append(int(right(y, said).sum()))
        same = int(right(plain, said).sum())
        least = float(proportion.bounds(same, same_of := len(y), ask.level)[0])
        lines.append(
            f"{case}: accuracy {hits[-1] / same_of:.3f}, "
            f"unchanged labels {same / same_of:.3f} (at least {least:.3f})"
        )
    if not hits:
        why = "the signature has no column that this can be done to"
        return Estimate(name, *(math.nan,) * 3, ask.level, len(y), "not measured", detail=(why,))
    return _estimate(name, np.array(hits), lines, len(y), ask)


def _answered(
    candidate: Subject, variants: damage.Variants
) -> Iterator[tuple[str, NDArray[Any] | str]]:
    """What the model says of each variant; where it refuses, its words instead."""
    signature = candidate.candidate.signature
    fitting = ((case, conform(table, signature)) for case, table in variants)
    for cases in _together(fitting):
        try:
            all_said = candidate.predict(pa.concat_tables([table for _, table in cases]))
        except ModelMisbehaved as error:
            if not candidate.is_alive:
                raise
            if len(cases) == 1:
                yield cases[0][0], error.message
            else:  # which of them it refuses only each by itself can tell
                for case in cases:
                    yield from _answered(candidate, iter([case]))
            continue
        ends = np.cumsum([table.num_rows for _, table in cases])
        yield from zip((case for case, _ in cases), np.split(all_said, ends[:-1]), strict=True)


def _together(variants: damage.Variants) -> Iterator[list[tuple[str, pa.Table]]]:
    """Variants in their order, as many at once as have `AT_ONCE` rows: a call has its price."""
    held: list[tuple[str, pa.Table]] = []
    rows = 0
    for case, table in variants:
        if held and rows + table.num_rows > AT_ONCE:
            yield held
            held, rows = [], 0
        held.append((case, table))
        rows += table.num_rows
    if held:
        yield held


def _estimate(name: str, hits: NDArray[np.int64], lines: list[str], n: int, ask: Ask) -> Estimate:
    """The worst case: low at the full level, for all must pass; high at its share of the error."""
    low = float(proportion.bounds(hits, n, ask.level)[0].min())
    each = ask.level if ask.level == proportion.POINT else 1 - (1 - ask.level) / hits.size
    high = float(proportion.bounds(hits, n, each)[1].min())
    order = np.argsort(hits, kind="stable")
    shown = [lines[i] for i in order[:LINES]]
    if len(lines) > LINES:
        shown.append(f"and {len(lines) - LINES} cases that are no worse")
    method = named("Clopper-Pearson of each case (Bonferroni above)", ask.level)
    return Estimate(name, hits.min() / n, low, high, ask.level, n, method, detail=tuple(shown))
