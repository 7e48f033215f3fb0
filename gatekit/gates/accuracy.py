"""How often the candidate is right, and how much more often than the champion."""

from __future__ import annotations

import numpy as np

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.evidence.counts import right
from gatekit.gate import Ask, measure
from gatekit.ledger import no_champion
from gatekit.stats import paired, proportion
from gatekit.subject import NoChampion, Subject


@measure
def overall(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of rows labelled right, with exact (Clopper-Pearson) bounds."""
    correct = right(holdout.y, candidate.predictions(holdout))
    return share("accuracy", int(correct.sum()), correct.size, ask)


@measure
def paired_gain(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """Accuracy of the candidate less that of the champion, on the same rows (Agresti-Min)."""
    if isinstance(champion, NoChampion):
        return no_champion("accuracy gain", ask.level, champion.reason)
    new = right(holdout.y, candidate.predictions(holdout))
    old = right(holdout.y, champion.predictions(holdout))
    won, lost = int(np.sum(new & ~old)), int(np.sum(~new & old))
    value, low, high = paired.accuracy_difference(won, lost, new.size, ask.level)
    detail = (
        f"against {champion.title}: right where it is wrong on {won} rows, "
        f"wrong where it is right on {lost}",
    )
    method = named("paired Agresti-Min", ask.level)
    return Estimate("accuracy gain", value, low, high, ask.level, new.size, method, detail=detail)


def share(name: str, k: int, n: int, ask: Ask, detail: tuple[str, ...] = ()) -> Estimate:
    """A proportion as an estimate."""
    low, high = proportion.bounds(k, n, ask.level)
    method = named("Clopper-Pearson", ask.level)
    return Estimate(name, k / n, float(low), float(high), ask.level, n, method, detail=detail)


def named(method: str, level: float) -> str:
    """The method's name, or what a level of 0.5 really is."""
    return "point decision" if level == proportion.POINT else method
