"""Which measures make sense for which models: a marker on the measure, asked before it is taken."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from gatekit.estimate import Estimate
from gatekit.gate import NOT_APPLICABLE, Ask
from gatekit.policy_gates import Of
from gatekit.stats.proportion import POINT
from gatekit.subject import Subject

P = ParamSpec("P")
Measure = Callable[Concatenate[Subject, P], Estimate]


def of(what: Of, name: str) -> Callable[[Measure[P]], Measure[P]]:
    """Take the measure only of models that give `what`; of others it is no number, and says why.

    Unless a bar is compared with it, it is then not written down at all.
    """

    def mark(function: Measure[P]) -> Measure[P]:
        @functools.wraps(function)
        def measured(candidate: Subject, /, *rest: P.args, **how: P.kwargs) -> Estimate:
            why = _misfit(candidate, what)
            if why:
                return not_asked(name, why, how["ask"])
            return function(candidate, *rest, **how)

        return measured

    return mark


def _misfit(candidate: Subject, what: Of) -> str:
    if what == "anything":
        return ""
    if (what == "numbers") != (candidate.task == "regression"):
        return f"it is a measure of {what}, and the task is {candidate.task}"
    if what.startswith("scores") and not candidate.score:
        return "the policy does not say where the model gives scores"
    if what == "scores of two classes" and candidate.task != "binary":
        return f"it is a measure of {what}, and the task is {candidate.task}"
    return ""


def not_asked(name: str, why: str, ask: Any) -> Estimate:
    """No number, and why: not written down unless a bar is compared with it."""
    nan = math.nan
    return Estimate(name, nan, nan, nan, ask.level, 0, NOT_APPLICABLE, detail=(why,))


def undefined(name: str, why: str, n: int, ask: Ask) -> Estimate:
    """No number of n rows, and why; it is shown, and passes no bar."""
    nan = math.nan
    return Estimate(name, nan, nan, nan, ask.level, n, "undefined", detail=(why,))


def named(method: str, level: float) -> str:
    """The method's name, or what a level of 0.5 really is."""
    return "point decision" if level == POINT else method
