"""A team's own metric as an estimate: bootstrapped on rows that are held, or of all that stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gatekit.data import Holdout
from gatekit.errors import UsageProblem
from gatekit.estimate import Estimate
from gatekit.means import OfMeans
from gatekit.subject import Subject


def estimate_of(
    metric: Callable[..., Any], model: Subject, holdout: Holdout, level: float, seed: int
) -> Estimate:
    """The metric of what a model says of a holdout, with one-sided bounds at a level.

    Raises:
        TypeError: it gave something that is no number.
        DataError: a measure of means gave no numbers by name.
        UsageProblem: the holdout streams, and the pass over it did not count this.
        ModelMisbehaved: see `Subject.predictions`.
    """
    from gatekit.stats.resampling import FEWEST_ROWS, bootstrap

    if isinstance(metric, OfMeans) and holdout.is_streamed:
        if holdout.pilot.rows < holdout.rows:
            return _of_all_rows(metric, model, holdout, level)
        holdout = holdout.pilot  # which is all of it
    y, said = holdout.y, model.predictions(holdout)
    value, low, high, method = bootstrap(metric, y, said, level, seed)
    least = FEWEST_ROWS if y.size < FEWEST_ROWS else None
    return Estimate(_name(metric), value, low, high, level, y.size, method, rows_for_bound=least)


def _of_all_rows(metric: OfMeans, model: Subject, holdout: Holdout, level: float) -> Estimate:
    from gatekit.stats.resampling import FEWEST_STREAMED, of_replicates, replicates_for

    told = model.told(holdout)
    assert told is not None  # noqa: S101 - it streams
    own = told.question.own
    named = own.find(metric, holdout.path.name)
    if replicates_for(level) > own.replicates:
        raise UsageProblem(
            f"{metric.name} was counted with {own.replicates:,} replicates, and level {level:g} "
            f"takes {replicates_for(level):,}",
            "Name it in the policy under the gate that measures it, too",
        )
    found = own.means(named, model.role, told.evidence.weighed, holdout.rows)
    value = metric.of(found.whole)
    bounded = of_replicates(value, found.made(metric), holdout.rows, level)
    least = FEWEST_STREAMED if holdout.rows < FEWEST_STREAMED else None
    return Estimate(_name(metric), value, *bounded[:2], level, holdout.rows, bounded[2],
                    rows_for_bound=least)  # fmt: skip


def _name(metric: Callable[..., Any]) -> str:
    return str(getattr(metric, "__name__", "own metric"))
