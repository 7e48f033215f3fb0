"""How good a model's scores are: as probabilities, as a ranking, and against the champion's.

A score is a number of the positive class, or a row of numbers of all classes. Log loss, Brier and
calibration ask for probabilities; a ranking takes any numbers, as long as there are more than two.
"""

from __future__ import annotations

import numpy as np

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.counts import right
from gatekit.evidence.scores import ScoreTable
from gatekit.gate import Ask, measure, streams
from gatekit.gates import applies, pictures, stated, streamed
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

TWO = 2


@measure
@streams
@applies.of("scores", "log loss")
def log_loss(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Mean of -log of the probability given to what came true, in nats."""
    return _mean_of("log loss", LOG_LOSS, candidate, holdout, ask)


@measure
@streams
@applies.of("scores", "Brier score")
def brier(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Mean square of probability less what came true; multiclass: summed over the classes."""
    return _mean_of("Brier score", BRIER, candidate, holdout, ask)


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
    if why := stated.no_probabilities(candidate, holdout):
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
        positive = candidate.positives(holdout)
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
        if why := stated.no_probabilities(model, holdout):
            return applies.undefined(name, why, holdout.rows, ask)
    told = candidate.told(holdout)
    found = streamed.rise(told, ask.level) if told else _rise(candidate, champion, holdout, ask)
    return against(name, found, holdout.rows, champion, ask)


def _rise(candidate: Subject, champion: Subject, holdout: Holdout, ask: Ask) -> Bounded:
    new, old = stated.usable(candidate, holdout), stated.usable(champion, holdout)
    mine, theirs = (probabilities.log_losses(each.said, each.true)[0] for each in (new, old))
    classes = [model.scored(holdout).classes for model in (candidate, champion)]
    ends = probabilities.ends_of_rise(*probabilities.side_by_side(new.said, old.said, *classes))
    return regression.mean_rise(mine, theirs, ask.level, ends)


def _mean_of(name: str, key: str, candidate: Subject, holdout: Holdout, ask: Ask) -> Estimate:
    if why := stated.no_probabilities(candidate, holdout):
        return applies.undefined(name, why, holdout.rows, ask)
    if told := candidate.told(holdout):
        value, low, high = streamed.mean_loss(told, key, ask.level)
    else:
        lost = stated.losses(candidate, holdout)[key]
        value, low, high = regression.of_mean_of(lost.moments, ask.level, lost.most)
    method, n = named(mean.METHOD, ask.level), holdout.rows
    return Estimate(name, value, low, high, ask.level, n, method, rows_for_bound=fewest(n))


def _stated_against_true(candidate: Subject, holdout: Holdout) -> ScoreTable:
    """Rows by the probability stated, and come true: of the positive label, or of the one said."""
    told = candidate.told(holdout)
    if candidate.task == "binary":
        return candidate.score_table(holdout)
    if told:
        return told.confidences()
    hit = right(holdout.y, candidate.predictions(holdout))
    said = stated.usable(candidate, holdout).said.max(axis=1)
    scores, first, rows = np.unique(said, return_inverse=True, return_counts=True)
    true = np.bincount(first, hit).astype(np.int64)
    return ScoreTable(scores, true, rows - true)


def _no_ranking(name: str, model: Subject, holdout: Holdout, ask: Ask) -> Estimate | None:
    """The refusal where a ranking by scores means nothing, else None."""
    why = stated.why_stray(model, holdout)
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
