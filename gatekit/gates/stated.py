"""What a model said of the holdout, looked at before any number is made of it.

Log loss, Brier and calibration ask for probabilities: from 0 to 1, and of all classes 1 in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.evidence.confusion import MOST_LABELS
from gatekit.evidence.counts import is_label
from gatekit.stats import probabilities
from gatekit.stats.probabilities import Lost
from gatekit.streaming.names import BRIER, LOG_LOSS
from gatekit.subject import Subject

ROW_SUM = 1e-6  # how far from 1 the probabilities of a row may sum
TWO = 2
ROWS_AT_ONCE = 1 << 15  # so that what is made of them stays in the cache
NO_POSITIVE = "no row of the holdout has the positive label: say which it is, positive = ..."
MANY_LABELS = 'the holdout has more than two labels and the task is binary: say task = "multiclass"'


Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why no number can be made of the scores."""

    why: str


@dataclass(frozen=True, slots=True)
class Stated:
    """Probabilities, (n,) or (n, K), and what came true; see `gatekit.stats.probabilities`."""

    said: Floats
    true: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Ends:
    """The smallest and largest of scores, and of their sums over a row."""

    least: float
    most: float
    least_sum: float
    most_sum: float


def no_probabilities(model: Subject, holdout: Holdout) -> str:
    """Why the scores are no probabilities; empty where they are."""
    if told := model.told(holdout):
        if stray := why_stray(model, holdout):
            return stray
        if not told.has_probabilities:
            return f"{model.title} gives one score a row, and the task is {model.task}"
        return told.why_no_probabilities(model.role, model.title)
    said = _stated(model, holdout)
    return said.why if isinstance(said, Unusable) else ""


def usable(model: Subject, holdout: Holdout) -> Stated:
    """What `_stated` gives where `no_probabilities` has found nothing."""
    said = _stated(model, holdout)
    assert isinstance(said, Stated)  # noqa: S101 - asked only then
    return said


def losses(model: Subject, holdout: Holdout) -> dict[str, Lost]:
    """Log losses and square losses of its probabilities, which there must be, by LOG_LOSS, BRIER.

    Of a holdout that is held.
    """
    key = ("losses", holdout.sha256)
    if key not in model.kept:
        said = usable(model, holdout)
        both = probabilities.losses(said.said, said.true)
        model.kept[key] = dict(zip((LOG_LOSS, BRIER), both, strict=True))
    found: dict[str, Lost] = model.kept[key]
    return found


def _stated(model: Subject, holdout: Holdout) -> Stated | Unusable:
    """What the model said of the holdout's rows; looked at once for all measures."""
    key = ("stated", holdout.sha256)
    if key not in model.kept:
        model.kept[key] = _looked_at(model, holdout)
    found: Stated | Unusable = model.kept[key]
    return found


def _looked_at(model: Subject, holdout: Holdout) -> Stated | Unusable:
    said = _probabilities(model, holdout)
    if isinstance(said, Unusable):
        return said
    if said.ndim == 1:
        return Stated(said, model.positives(holdout))
    place = _places(model, holdout)
    return place if isinstance(place, Unusable) else Stated(said, place)


def _probabilities(model: Subject, holdout: Holdout) -> Floats | Unusable:
    """Probabilities, (n,) or (n, K); else why they are none."""
    if stray := why_stray(model, holdout):
        return Unusable(stray)
    whole = model.scored(holdout).scores
    ends = _ends(whole)
    if ends.least < 0 or ends.most > 1:
        outside = (whole < 0) | (whole > 1)
        where = np.argwhere(outside)[0]
        return Unusable(
            f"{model.title} scores {int(outside.sum()):,} times outside 0 to 1, first "
            f"{whole[tuple(where)]:.4g} at row {where[0]}: these are no probabilities"
        )
    if whole.ndim == TWO:
        if ends.least_sum < 1 - ROW_SUM or ends.most_sum > 1 + ROW_SUM:
            total = whole.sum(axis=1)
            off = np.abs(total - 1) > ROW_SUM
            row = int(np.argmax(off))
            return Unusable(
                f"the scores of {model.title} sum to {total[row]:.4g} at row {row}, not to "
                f"1, and so in {int(off.sum()):,} rows: these are no probabilities"
            )
    elif model.task != "binary":
        return Unusable(f"{model.title} gives one score a row, and the task is {model.task}")
    return model.scores(holdout)


def _ends(whole: Floats) -> Ends:
    """Of scores, (n,) or (n, K); a part of the rows at a time."""
    columns = whole.reshape(len(whole), -1).T
    found = []
    for start in range(0, len(whole), ROWS_AT_ONCE):
        part = columns[:, start : start + ROWS_AT_ONCE]
        total = part[0].copy()
        for column in part[1:]:
            total += column
        least = min(column.min() for column in part)
        most = max(column.max() for column in part)
        found.append((least, most, total.min(), total.max()))
    lows, highs, low_sums, high_sums = map(np.array, zip(*found, strict=True))
    return Ends(lows.min(), highs.max(), low_sums.min(), high_sums.max())


def _places(model: Subject, holdout: Holdout) -> NDArray[np.int64] | Unusable:
    """The column of the true label of each row, (n,)."""
    place = np.full(holdout.rows, -1)
    for column, label in enumerate(model.scored(holdout).classes):
        place[is_label(holdout.y, label)] = column
    if (place < 0).any():
        stray = holdout.y[int(np.argmin(place))]
        return Unusable(
            f"{model.title} has no score for the label {stray}, which {int((place < 0).sum()):,} "
            "rows have"
        )
    return place


def why_stray(model: Subject, holdout: Holdout) -> str:
    """What of the labels of the holdout does not fit a binary task; empty where all does."""
    if model.task != "binary":
        return ""
    told = model.told(holdout)
    table = told.confusion() if told else model.confusion(holdout)
    if table is None:
        return f"labels and predictions have more than {MOST_LABELS} different values"
    if int((table.true() > 0).sum()) > TWO:
        return MANY_LABELS
    return "" if table.of(model.positive).true else NO_POSITIVE
