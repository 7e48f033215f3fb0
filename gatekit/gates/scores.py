"""How good a model's scores are: as probabilities, as a ranking, and against the champion's.

A score is a number of the positive class, or a row of numbers of all classes. Log loss, Brier and
calibration ask for probabilities; a ranking takes any numbers, as long as there are more than two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.confusion import ConfusionTable
from gatekit.evidence.counts import is_label, right
from gatekit.evidence.scores import ScoreTable
from gatekit.gate import Ask, measure, streams
from gatekit.gates import applies, pictures, streamed
from gatekit.gates.applies import named
from gatekit.gates.numbers import against, fewest
from gatekit.ledger import no_champion
from gatekit.stats import auc as areas
from gatekit.stats import average_precision as precisions
from gatekit.stats import calibration as calibrations
from gatekit.stats import mean, probabilities, regression
from gatekit.stats.regression import Bounded
from gatekit.streaming.names import BRIER, LOG_LOSS
from gatekit.subject import NoChampion, Subject

ROW_SUM = 1e-6  # how far from 1 the probabilities of a row may sum
TWO = 2
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


Losses = Callable[[Floats, NDArray[Any]], tuple[Floats, float]]


@measure
@streams
@applies.of("scores", "log loss")
def log_loss(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Mean of -log of the probability given to what came true, in nats."""
    return _mean_of("log loss", probabilities.log_losses, candidate, holdout, ask)


@measure
@streams
@applies.of("scores", "Brier score")
def brier(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Mean square of probability less what came true; multiclass: summed over the classes."""
    return _mean_of("Brier score", probabilities.square_losses, candidate, holdout, ask)


@measure
@streams
@applies.of("scores of two classes", "AUC")
def auc(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Chance that a positive row scores above another one; ties count half."""
    if refused := _no_ranking("AUC", candidate, holdout, ask):
        return refused
    table = candidate.score_table(holdout)
    found = areas.area(table.positive, table.other)
    low, high = areas.bounds(found, ask.level)
    scarce = min(table.positives, table.others)
    return Estimate(
        "AUC",
        found.value,
        low,
        high,
        ask.level,
        holdout.rows,
        named(areas.method(found), ask.level),
        rows_for_bound=_for_scarce(scarce, areas.FEWEST_ROWS, holdout.rows),
        detail=(_of_either(candidate, holdout),),
        pictures=pictures.roc(table),
    )


@measure
@streams
@applies.of("scores of two classes", "average precision")
def average_precision(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Precision averaged over the positive rows, each taken as the threshold."""
    if refused := _no_ranking("average precision", candidate, holdout, ask):
        return refused
    table = candidate.score_table(holdout)
    value, low, high = precisions.bounds(table.positive, table.other, ask.level)
    scarce = min(table.positives, table.others)
    return Estimate(
        "average precision",
        value,
        low,
        high,
        ask.level,
        holdout.rows,
        named(precisions.METHOD, ask.level),
        rows_for_bound=_for_scarce(scarce, precisions.FEWEST_ROWS, holdout.rows),
        detail=(_of_either(candidate, holdout),),
    )


@measure
@streams
@applies.of("scores", "calibration error")
def calibration_error(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Root mean square gap between stated probability and share come true, in quantile bins.

    Multiclass: of the probability of the label said, and how often that label is true.
    """
    name = "calibration error"
    if why := no_probabilities(candidate, holdout):
        return applies.undefined(name, why, holdout.rows, ask)
    table = _stated_against_true(candidate, holdout)
    rows = (table.positive + table.other).astype(float)
    found = calibrations.bins(table.scores, table.positive.astype(float), rows)
    value, low, high = calibrations.bounds(found, ask.level)
    least = calibrations.ROWS_OF_A_BIN if holdout.rows < calibrations.ROWS_OF_A_BIN else None
    return Estimate(
        name,
        value,
        low,
        high,
        ask.level,
        holdout.rows,
        named(calibrations.METHOD, ask.level),
        rows_for_bound=least,
        detail=_reliability(found),
        pictures=pictures.reliability(found, ask.level),
    )


@measure
@streams
@applies.of("scores of two classes", "AUC gain")
def auc_gain(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """AUC of the candidate less that of the champion, on the same rows (paired DeLong)."""
    if isinstance(champion, NoChampion):
        return no_champion("AUC gain", ask.level, champion.reason)
    for model in (candidate, champion):
        if refused := _no_ranking("AUC gain", model, holdout, ask):
            return refused
    table = candidate.score_table(holdout)
    scarce = min(table.positives, table.others)
    if told := candidate.told(holdout):
        moments = told.differences()
        found = areas.difference_of(moments, table.positives, table.others, ask.level)
    else:
        positive = is_label(holdout.y, candidate.positive)
        new, old = candidate.scores(holdout), champion.scores(holdout)
        found = areas.difference(new, old, positive, ask.level)
    value, low, high = found
    return Estimate(
        "AUC gain",
        value,
        low,
        high,
        ask.level,
        holdout.rows,
        named("paired DeLong", ask.level),
        rows_for_bound=_for_scarce(scarce, areas.FEWEST_ROWS, holdout.rows),
        detail=(f"against {champion.title}",),
    )


@measure
@streams
@applies.of("scores", "log loss rise")
def log_loss_rise(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """Log loss of the candidate less that of the champion, on the same rows."""
    name = "log loss rise"
    if isinstance(champion, NoChampion):
        return no_champion(name, ask.level, champion.reason)
    for model in (candidate, champion):
        if why := no_probabilities(model, holdout):
            return applies.undefined(name, why, holdout.rows, ask)
    told = candidate.told(holdout)
    found = streamed.rise(told, ask.level) if told else _rise(candidate, champion, holdout, ask)
    return against(name, found, holdout.rows, champion, ask)


def _rise(candidate: Subject, champion: Subject, holdout: Holdout, ask: Ask) -> Bounded:
    new, old = _usable(candidate, holdout), _usable(champion, holdout)
    mine, theirs = (probabilities.log_losses(each.said, each.true)[0] for each in (new, old))
    classes = [model.scored(holdout).classes for model in (candidate, champion)]
    ends = probabilities.ends_of_rise(*probabilities.side_by_side(new.said, old.said, *classes))
    return regression.mean_rise(mine, theirs, ask.level, ends)


def _mean_of(name: str, losses: Losses, candidate: Subject, holdout: Holdout, ask: Ask) -> Estimate:
    if why := no_probabilities(candidate, holdout):
        return applies.undefined(name, why, holdout.rows, ask)
    if told := candidate.told(holdout):
        key = LOG_LOSS if losses is probabilities.log_losses else BRIER
        value, low, high = streamed.mean_loss(told, key, ask.level)
    else:
        stated = _usable(candidate, holdout)
        of_rows, worst = losses(stated.said, stated.true)
        value, low, high = regression.of_mean(of_rows, ask.level, worst)
    method, n = named(mean.METHOD, ask.level), holdout.rows
    return Estimate(name, value, low, high, ask.level, n, method, rows_for_bound=fewest(n))


def no_probabilities(model: Subject, holdout: Holdout) -> str:
    """Why the scores are no probabilities; empty where they are."""
    if told := model.told(holdout):
        if stray := _stray(model, holdout):
            return stray
        if not told.has_probabilities:
            return f"{model.title} gives one score a row, and the task is {model.task}"
        return told.why_no_probabilities(model.role, model.title)
    said = _stated(model, holdout)
    return said.why if isinstance(said, Unusable) else ""


def _usable(model: Subject, holdout: Holdout) -> Stated:
    """What `_stated` gives where `no_probabilities` has found nothing."""
    said = _stated(model, holdout)
    assert isinstance(said, Stated)  # noqa: S101 - asked only then
    return said


def _stated_against_true(candidate: Subject, holdout: Holdout) -> ScoreTable:
    """Rows by the probability stated, and come true: of the positive label, or of the one said."""
    told = candidate.told(holdout)
    if candidate.task == "binary":
        return candidate.score_table(holdout)
    if told:
        return told.confidences()
    hit = right(holdout.y, candidate.predictions(holdout))
    said = _usable(candidate, holdout).said.max(axis=1)
    scores, first, rows = np.unique(said, return_inverse=True, return_counts=True)
    true = np.bincount(first, hit).astype(np.int64)
    return ScoreTable(scores, true, rows - true)


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
        return Stated(said, is_label(holdout.y, model.positive))
    place = _places(model, holdout)
    return place if isinstance(place, Unusable) else Stated(said, place)


def _probabilities(model: Subject, holdout: Holdout) -> Floats | Unusable:
    """Probabilities, (n,) or (n, K); else why they are none."""
    if stray := _stray(model, holdout):
        return Unusable(stray)
    whole = model.scored(holdout).scores
    if whole.size and (whole.min() < 0 or whole.max() > 1):
        outside = (whole < 0) | (whole > 1)
        where = np.argwhere(outside)[0]
        return Unusable(
            f"{model.title} scores {int(outside.sum()):,} times outside 0 to 1, first "
            f"{whole[tuple(where)]:.4g} at row {where[0]}: these are no probabilities"
        )
    if whole.ndim == TWO:
        total = whole[:, 0].copy()
        for column in range(1, whole.shape[1]):
            total += whole[:, column]
        if total.min() < 1 - ROW_SUM or total.max() > 1 + ROW_SUM:
            off = np.abs(total - 1) > ROW_SUM
            row = int(np.argmax(off))
            return Unusable(
                f"the scores of {model.title} sum to {total[row]:.4g} at row {row}, not to "
                f"1, and so in {int(off.sum()):,} rows: these are no probabilities"
            )
    elif model.task != "binary":
        return Unusable(f"{model.title} gives one score a row, and the task is {model.task}")
    return model.scores(holdout)


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


def _stray(model: Subject, holdout: Holdout) -> str:
    if model.task != "binary":
        return ""
    if told := model.told(holdout):
        return _stray_labels(told.confusion(), model)
    mine = is_label(holdout.y, model.positive)
    positive = int(np.count_nonzero(mine))
    if not positive:
        return NO_POSITIVE
    other = holdout.y[int(np.argmin(mine))]  # the first that is not positive, if there is one
    if positive < mine.size and positive + np.count_nonzero(holdout.y == other) < mine.size:
        return MANY_LABELS
    return ""


def _stray_labels(table: ConfusionTable | None, model: Subject) -> str:
    if table is None or int((table.true() > 0).sum()) > TWO:
        return MANY_LABELS
    return "" if table.of(model.positive).true else NO_POSITIVE


def _no_ranking(name: str, model: Subject, holdout: Holdout, ask: Ask) -> Estimate | None:
    """The refusal where a ranking by scores means nothing, else None."""
    key = ("stray", holdout.sha256)
    if key not in model.kept:
        model.kept[key] = _stray(model, holdout)
    why: str = model.kept[key]
    if not why:
        table = model.score_table(holdout)
        if not table.others:
            why = "every row of the holdout has the positive label: there is nothing to rank"
        elif table.scores.size <= TWO:
            why = (
                f"{model.title} gives {table.scores.size} different scores on {holdout.rows:,} "
                "rows: these are labels, and labels do not rank"
            )
    return applies.undefined(name, why, holdout.rows, ask) if why else None


def _of_either(model: Subject, holdout: Holdout) -> str:
    table = model.score_table(holdout)
    return f"positive label {model.positive}: {table.positives:,} rows, others {table.others:,}"


def _for_scarce(scarce: int, least: int, rows: int) -> int | None:
    """How many rows would hold enough of the scarcer label; None where these do."""
    return int(np.ceil(rows * least / scarce)) if 0 < scarce < least else None


def _reliability(found: calibrations.Bins) -> tuple[str, ...]:
    share = found.true / found.rows
    return tuple(
        f"said {p:.3f}, came true {s:.3f}, n {int(n):,}"
        for p, s, n in zip(found.said, share, found.rows, strict=True)
    )
