"""Weak segments nobody declared: looked for on one half of the holdout, judged on the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.bands import Banded, banded
from gatekit.evidence.counts import right
from gatekit.gate import Ask
from gatekit.gates import slices
from gatekit.gates.slices import Kind, SliceCounts
from gatekit.stats.weakest import Coded, Segment, weakest
from gatekit.subject import Subject

SEGMENTS = Kind("weakest segment", "segment_floor", "segment_support", 100)


def wanted(ask: Ask) -> bool:
    """Whether the policy asks for a search: it takes seconds on a wide table."""
    settings = ask.settings
    bar = getattr(settings, SEGMENTS.bar, None)
    return bar is not None or bool(getattr(settings, "weak_segments", False))


def judged(candidate: Subject, holdout: Holdout, ask: Ask) -> Estimate:
    """Accuracy in the weakest of the segments found; see `slices.worst` for its bounds.

    The rows are halved at random, seeded by the holdout's digest: the same file is always halved
    the same. Columns are the model's inputs, the sensitive ones and those sliced by, never the
    label. What is found on one half is judged on the other, whose rows had no part in the choice.
    """
    correct = right(holdout.y, candidate.predictions(holdout))
    searched = _half(holdout)
    columns, left_out = _columns(candidate, holdout, searched)
    coded = [Coded(column.codes[searched], len(column.values)) for column in columns]
    support = getattr(ask.settings, SEGMENTS.support, SEGMENTS.least)
    found = weakest(coded, correct[searched], support, ask.level)
    counts = _count(found, columns, correct, ~searched)
    estimate = slices.worst(counts, correct.size, ask, SEGMENTS)
    words = (
        f"looked for on {int(searched.sum()):,} rows by {len(columns)} columns and their pairs, "
        f"judged on {int((~searched).sum()):,} others"
    )
    if not found:
        words += f"; no segment of {support:,} rows was worse than the whole"
    notes = (words, f"not looked at: {', '.join(left_out)}") if left_out else (words,)
    return replace(estimate, detail=(*notes, *estimate.detail))


def _half(holdout: Holdout) -> NDArray[np.bool_]:
    random = np.random.default_rng(int(holdout.sha256[:16], 16))
    half = np.zeros(holdout.rows, dtype=bool)
    half[random.permutation(holdout.rows)[: holdout.rows // 2]] = True
    return half


def _columns(
    candidate: Subject, holdout: Holdout, searched: NDArray[np.bool_]
) -> tuple[list[Banded], list[str]]:
    inputs = [column.name for column in candidate.candidate.signature.inputs]
    declared = [name for each in (*holdout.spec.sensitive, *holdout.spec.slices) for name in each]
    columns, left_out = [], []
    for name in dict.fromkeys([*inputs, *declared]):
        if name == holdout.spec.target or name not in holdout.columns:
            continue
        made = banded(name, holdout.table[name], searched)
        if made is None:
            left_out.append(name)
        else:
            columns.append(made)
    return columns, left_out


def _count(
    found: list[Segment],
    columns: list[Banded],
    correct: NDArray[np.bool_],
    among: NDArray[np.bool_],
) -> SliceCounts:
    """Rows and rows labelled right of each segment; of all rows where none was found."""
    names, counted = [], []
    for segment in found:
        inside = among.copy()
        for column, value in segment.where:
            inside &= columns[column].codes == value
        names.append(", ".join(columns[column].values[value] for column, value in segment.where))
        counted.append((int(correct[inside].sum()), int(inside.sum())))
    if not found:
        names, counted = ["all rows"], [(int(correct[among].sum()), int(among.sum()))]
    k, n = np.array(counted, dtype=np.int64).T
    return SliceCounts(tuple(names), k, n)
