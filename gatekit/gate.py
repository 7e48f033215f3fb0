"""What a suite holds as `gate`: the policy's bars, and `measure`."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.ledger import Check, Measurement
from gatekit.policy import OwnGate, Policy, PolicyFace
from gatekit.policy_gates import GateTable
from gatekit.subject import Subject
from gatekit.verdict import Outcome

NOT_APPLICABLE = "does not apply"
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Ask:
    """How a measure is asked: the level of its bounds, the seed, the gate's own settings."""

    level: float
    seed: int
    settings: Any


def measure(function: Function) -> Function:
    """Mark a gatekit measure: `f(..., *, ask: Ask) -> Estimate`. A team's metric needs no mark."""
    function.gatekit_measure = True  # type: ignore[attr-defined]
    return function


class Gate:
    """One gate test's hand on the ledger."""

    def __init__(self, name: str, test: str, policy: Policy) -> None:
        self.name = name
        self._test = test
        self._policy = policy
        self._measured: list[Measurement] = []

    @property
    def policy(self) -> PolicyFace:
        """The bars: `gate.policy.accuracy.floor`."""
        return self._policy.face

    def measure(self, what: Callable[..., Any], *subjects: Any) -> Measurement:
        """Measure something of the subjects; compare the result with `>=` or `<=`.

        `what` is one of gatekit's measures (`gatekit.gates`), or a plain metric
        `f(y, prediction) -> float` given a candidate and a holdout: arrays in, one number out; it
        is bootstrapped.

        Raises:
            TypeError: a plain metric without candidate and holdout, or not a number.
            ModelMisbehaved: the model crashed, hung, or answered nonsense.
        """
        table: GateTable | OwnGate = self._policy.table(self.name)
        seed = zlib.crc32(f"{self.name}/{getattr(what, '__name__', what)}".encode())
        ask = Ask(table.level, seed, table)
        if getattr(what, "gatekit_measure", False):
            estimate: Estimate = what(*subjects, ask=ask)
        else:
            estimate = _own_metric(what, subjects, ask)
        made = Measurement(estimate, self.name, self._test, blocking=table.mode == "enforce")
        self._measured.append(made)
        return made

    def page(self) -> list[Check]:
        """What this test adds to the ledger: not what has no bar and no sense for the task."""
        pages = [check for measured in self._measured for check in measured.page()]
        return [check for check in pages if not _is_beside_the_task(check)]


def _is_beside_the_task(check: Check) -> bool:
    shown = check.verdict is not None and check.verdict.outcome is Outcome.SHOWN
    return shown and check.estimate.method == NOT_APPLICABLE


def _own_metric(metric: Callable[..., Any], subjects: tuple[Any, ...], ask: Ask) -> Estimate:
    from gatekit.stats.resampling import FEWEST_ROWS, bootstrap

    name = getattr(metric, "__name__", "own metric")
    match subjects:
        case (Subject() as model, Holdout() as holdout):
            y, said = holdout.y, model.predictions(holdout)
        case _:
            raise TypeError(
                f"{name} is a plain metric: write gate.measure({name}, candidate, holdout)"
            )
    value, low, high, method = bootstrap(metric, y, said, ask.level, ask.seed)
    least = FEWEST_ROWS if y.size < FEWEST_ROWS else None
    return Estimate(name, value, low, high, ask.level, y.size, method, rows_for_bound=least)
