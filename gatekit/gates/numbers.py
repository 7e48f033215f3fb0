"""How far a regression's numbers are from the truth, in the unit of the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.gate import Ask, measure, streams
from gatekit.gates import applies, streamed, weighed
from gatekit.gates.applies import named
from gatekit.ledger import no_champion
from gatekit.stats import mean, regression
from gatekit.stats.regression import Bounded, Floats
from gatekit.streaming.told import Told
from gatekit.subject import NoChampion, Subject

NO_NUMBERS = "the target or a model has values that are no numbers, and a regression is of numbers"


@measure
@streams
@applies.of("numbers", "MAE")
def mae(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Mean absolute error."""
    return _of(
        "MAE",
        lambda y, said: regression.of_mean(np.abs(said - y), ask.level),
        candidate,
        holdout,
        ask,
        streamed.absolute,
    )


@measure
@streams
@applies.of("numbers", "RMSE")
def rmse(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Root of the mean square error."""
    found = _of(
        "RMSE",
        lambda y, said: regression.root_mean_square(y, said, ask.level),
        candidate,
        holdout,
        ask,
        streamed.root,
    )
    return replace(found, rows_for_bound=fewest(found.n, mean.FEWEST_SQUARES))


@measure
@streams
@applies.of("numbers", "R2")
def r2(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of the variance of the target that is explained; 0 for a model that says its mean."""
    told = candidate.told(holdout)
    if weighed.is_flat(told) if told else np.all(holdout.y == holdout.y[0]):
        return applies.undefined("R2", "the target has one value in all rows", holdout.rows, ask)
    found = _of(
        "R2",
        lambda y, said: regression.determination(y, said, ask.level),
        candidate,
        holdout,
        ask,
        weighed.determination,
    )
    return replace(found, rows_for_bound=fewest(found.n, mean.FEWEST_SQUARES))


@measure
@streams
@applies.of("numbers", "|bias|")
def bias(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Size of the mean error, whatever its sign; the sign is in the details."""
    return _of(
        "|bias|",
        lambda y, said: regression.size_of_bias(y, said, ask.level),
        candidate,
        holdout,
        ask,
        streamed.size_of_bias,
    )


@measure
@streams
@applies.of("numbers", "quantile loss")
def quantile_loss(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Mean pinball loss at the policy's `quantile`; half the mean absolute error at 0.5."""
    quantile = float(getattr(ask.settings, "quantile", 0.5))
    return _of(
        f"quantile loss {quantile:g}",
        lambda y, said: regression.of_mean(regression.pinball(y, said, quantile), ask.level),
        candidate,
        holdout,
        ask,
        streamed.pinball,
    )


@measure
@streams
@applies.of("numbers", "RMSE rise")
def rmse_rise(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """RMSE of the candidate less that of the champion, on the same rows."""
    if isinstance(champion, NoChampion):
        return no_champion("RMSE rise", ask.level, champion.reason)
    if told := candidate.told(holdout):
        if not told.question.is_numeric:
            return applies.undefined("RMSE rise", NO_NUMBERS, holdout.rows, ask)
        found = weighed.root_rise(told, ask.level)
    else:
        new, old = errors(candidate, holdout), errors(champion, holdout)
        found = regression.root_rise(new, old, ask.level)
    made = against("RMSE rise", found, holdout.rows, champion, ask)
    return replace(made, rows_for_bound=fewest(holdout.rows, mean.FEWEST_SQUARES))


def mae_fall(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, ask: Ask
) -> Estimate:
    """Mean absolute error of the champion less that of the candidate, on the same rows."""
    if isinstance(champion, NoChampion):
        return no_champion("MAE gain", ask.level, champion.reason)
    if told := candidate.told(holdout):
        if not told.question.is_numeric:
            return applies.undefined("MAE gain", NO_NUMBERS, holdout.rows, ask)
        found = streamed.fall(told, ask.level)
    else:
        new, old = (np.abs(errors(model, holdout)) for model in (candidate, champion))
        found = regression.mean_fall(new, old, ask.level)
    return against("MAE gain", found, holdout.rows, champion, ask)


def errors(model: Subject, holdout: Holdout) -> NDArray[np.float64]:
    """Prediction less truth, (n,).

    Raises:
        ValueError: labels or predictions are no numbers.
    """
    return np.asarray(model.predictions(holdout).astype(float) - holdout.y.astype(float))


def against(name: str, found: Bounded, n: int, champion: Subject, ask: Ask) -> Estimate:
    """A paired difference of mean losses as an estimate."""
    value, low, high = found
    method = named(f"paired {mean.METHOD}", ask.level)
    return Estimate(
        name,
        value,
        low,
        high,
        ask.level,
        n,
        method,
        rows_for_bound=fewest(n),
        detail=(f"against {champion.title}",),
    )


def fewest(n: int, least: int = mean.FEWEST_ROWS) -> int | None:
    """How many rows would give a bound on a mean, where n do not."""
    return least if n < least else None


def _of(
    name: str,
    bounded: Callable[[Floats, Floats], Bounded],
    candidate: Subject,
    holdout: Holdout,
    ask: Ask,
    of_sums: Callable[[Told, float], Bounded],
) -> Estimate:
    if told := candidate.told(holdout):
        return _streamed(name, told, of_sums, holdout, ask)
    y, said = holdout.y, candidate.predictions(holdout)
    for values, whose in ((y, "the target"), (said, "the model")):
        if values.dtype.kind not in "biuf":
            why = f"{whose} has values of type {values.dtype}, and a regression is of numbers"
            return applies.undefined(name, why, y.size, ask)
    y, said = y.astype(float), said.astype(float)
    value, low, high = bounded(y, said)
    method = named(mean.METHOD, ask.level)
    return Estimate(
        name,
        value,
        low,
        high,
        ask.level,
        y.size,
        method,
        rows_for_bound=fewest(y.size),
        detail=_worst(y, said),
    )


def _streamed(
    name: str, told: Told, of_sums: Callable[[Told, float], Bounded], holdout: Holdout, ask: Ask
) -> Estimate:
    if not told.question.is_numeric:
        return applies.undefined(name, NO_NUMBERS, holdout.rows, ask)
    value, low, high = of_sums(told, ask.level)
    method, n = named(mean.METHOD, ask.level), holdout.rows
    detail = streamed.worst_error(told)
    return Estimate(name, value, low, high, ask.level, n, method, detail=detail)


def _worst(y: Floats, said: Floats) -> tuple[str, ...]:
    """The mean error with its sign, and where the largest lies; never the values of a row."""
    off = said - y
    row = int(np.argmax(np.abs(off)))
    return (f"mean error {off.mean():+.4g}, the largest {off[row]:+.4g} at row {row}",)
