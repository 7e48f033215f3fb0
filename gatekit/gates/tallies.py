"""How many rows are labelled right, in all, by slice, and beside the champion.

Of a holdout whose rows are held they are counted here; of one that streams a pass has counted them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.evidence.counts import right
from gatekit.gates.slices import SliceCounts, count_slices, slices_of
from gatekit.streaming.names import ALL, slice_name
from gatekit.streaming.told import Told
from gatekit.subject import Subject

# places of the flags: 2 * right by the candidate + right by the champion
LOST, WON, BOTH = 1, 2, 3


def hits(candidate: Subject, holdout: Holdout) -> tuple[int, int]:
    """Rows labelled right, and all.

    Raises:
        ModelMisbehaved, DataError: see `Subject.predictions`.
    """
    if told := candidate.told(holdout):
        counts = told.evidence.counts[ALL].total()
        return int(counts[WON] + counts[BOTH]), int(counts.sum())
    if (table := candidate.confusion(holdout)) is not None:
        return int(table.hit().sum()), table.rows()
    correct = right(holdout.y, candidate.predictions(holdout))
    return int(correct.sum()), correct.size


def beside(candidate: Subject, champion: Subject, holdout: Holdout) -> tuple[int, int, int]:
    """Rows only the candidate labels right, only the champion, and all; raises as `hits`."""
    if told := candidate.told(holdout):
        counts = told.evidence.counts[ALL].total()
        return int(counts[WON]), int(counts[LOST]), int(counts.sum())
    new, old = _both(candidate, champion, holdout)
    return int(np.sum(new & ~old)), int(np.sum(~new & old)), new.size


def slice_counts(candidate: Subject, holdout: Holdout) -> SliceCounts:
    """Rows labelled right in each declared slice; raises as `hits`."""
    if told := candidate.told(holdout):
        return _told(told, holdout, (WON, BOTH))
    return count_slices(right(holdout.y, candidate.predictions(holdout)), holdout)


def slice_gains(
    candidate: Subject, champion: Subject, holdout: Holdout
) -> tuple[SliceCounts, SliceCounts]:
    """In each declared slice the rows won from the champion, and those lost; raises as `hits`."""
    if told := candidate.told(holdout):
        return _told(told, holdout, (WON,)), _told(told, holdout, (LOST,))
    new, old = _both(candidate, champion, holdout)
    return count_slices(new & ~old, holdout), count_slices(~new & old, holdout)


def _both(
    candidate: Subject, champion: Subject, holdout: Holdout
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    new = right(holdout.y, candidate.predictions(holdout))
    return new, right(holdout.y, champion.predictions(holdout))


def _told(told: Told, holdout: Holdout, flags: tuple[int, ...]) -> SliceCounts:
    counted = [told.evidence.counts[slice_name(place)] for place in range(len(holdout.spec.slices))]
    tables = [
        np.stack([each.counts[:, list(flags)].sum(axis=1), each.counts.sum(axis=1)], axis=1)
        for each in counted
    ]
    return slices_of((each.coded(told.numeric(each)) for each in counted), tables)
