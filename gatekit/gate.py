"""What a suite holds as `gate`: the policy's bars, and `measure`."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.ledger import SEALED, Check, Measurement, of_spent_labels
from gatekit.own_metric import estimate_of
from gatekit.policy import OwnGate, Policy, PolicyFace
from gatekit.policy_gates import BUILT_IN, LABEL_GATES, GateTable
from gatekit.subject import Subject
from gatekit.uses import Uses
from gatekit.verdict import Outcome

NOT_APPLICABLE = "does not apply"
NOT_COUNTED = "whoever runs these gates does not count it"
POINT = 0.5  # the level of a point decision
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


def label_free(function: Function) -> Function:
    """Mark a measure that asks the rows and not their labels: it uses up no label."""
    function.gatekit_label_free = True  # type: ignore[attr-defined]
    return function


def streams(function: Function) -> Function:
    """Mark a measure that asks counts and sums alone: of a holdout that streams it takes all rows.

    Any other is given the pilot, and says so.
    """
    function.gatekit_streams = True  # type: ignore[attr-defined]
    return function


class Gate:
    """One gate test's hand on the ledger."""

    def __init__(self, name: str, test: str, policy: Policy, uses: Uses | None = None) -> None:
        self.name = name
        self._test = test
        self._policy = policy
        # who counts nothing may read nothing off labels whose uses are declared
        self._uses = uses or Uses(declared=policy.holdout.uses or 0, why=NOT_COUNTED)
        self._measured: list[Measurement] = []

    @property
    def policy(self) -> PolicyFace:
        """The bars: `gate.policy.accuracy.floor`."""
        return self._policy.face

    def measure(self, what: Callable[..., Any], *subjects: Any) -> Measurement:
        """Measure something of the subjects; compare the result with `>=` or `<=`.

        `what` is one of gatekit's measures (`gatekit.gates`), or a plain metric
        `f(y, prediction) -> float` given a candidate and a holdout: arrays in, one number out; it
        is bootstrapped. One made by `gatekit.of_means` takes all rows of a holdout that streams.

        Raises:
            TypeError: a plain metric without candidate and holdout, or not a number.
            UsageProblem: the holdout streams, and the policy does not name this measure of means.
            ModelMisbehaved: the model crashed, hung, or answered nonsense.
        """
        table: GateTable | OwnGate = self._policy.table(self.name)
        seed = zlib.crc32(f"{self.name}/{getattr(what, '__name__', what)}".encode())
        is_spending = spends_labels(self.name, what)
        level = self._uses.level(table.level) if is_spending else table.level
        ask = Ask(level, seed, table)
        subjects, sampled = _held(what, subjects)
        if getattr(what, "gatekit_measure", False):
            estimate: Estimate = what(*subjects, ask=ask)
        else:
            estimate = _own_metric(what, subjects, ask)
        if sampled and estimate.n:
            estimate = replace(estimate, detail=(sampled, *estimate.detail))
        if is_spending:
            estimate = self._spent(estimate, table.level)
        made = Measurement(
            estimate,
            self.name,
            self._test,
            blocking=table.mode == "enforce",
            sealed=is_spending and self._uses.is_sealed,
        )
        self._measured.append(made)
        return made

    def _spent(self, estimate: Estimate, level: float) -> Estimate:
        if not self._uses.declared or not estimate.n:  # of no rows nothing was read off
            return estimate
        if self._uses.closed:
            return of_spent_labels(estimate, self._uses.closed)
        if level == POINT:
            return estimate
        return replace(estimate, method=f"{estimate.method}; {self._uses.how(level)}")

    def page(self) -> list[Check]:
        """What this test adds to the ledger: not what has no bar and no sense for the task."""
        pages = [check for measured in self._measured for check in measured.page()]
        return [check for check in pages if not _is_beside_the_task(check)]


def _held(what: Callable[..., Any], subjects: tuple[Any, ...]) -> tuple[tuple[Any, ...], str]:
    """The subjects with rows that can be held, where a measure needs them; and words for that."""
    large = [each for each in subjects if isinstance(each, Holdout) and each.is_streamed]
    if not large or getattr(what, "gatekit_streams", False):
        return subjects, ""
    held = tuple(each.pilot if isinstance(each, Holdout) else each for each in subjects)
    return held, "; ".join(each.sampled for each in large)


def _is_beside_the_task(check: Check) -> bool:
    shown = check.verdict is not None and check.verdict.outcome is Outcome.SHOWN
    return shown and check.estimate.method in (NOT_APPLICABLE, SEALED)


def spends_labels(gate: str, what: Callable[..., Any]) -> bool:
    """Whether what a gate measures uses up labels: a team's own metric is taken to."""
    return asks_labels(gate) and not getattr(what, "gatekit_label_free", False)


def asks_labels(gate: str) -> bool:
    """Whether a gate asks the labels of the holdout, by most of its measures."""
    return gate in LABEL_GATES or gate not in BUILT_IN


def _own_metric(metric: Callable[..., Any], subjects: tuple[Any, ...], ask: Ask) -> Estimate:
    match subjects:
        case (Subject() as model, Holdout() as holdout):
            return estimate_of(metric, model, holdout, ask.level, ask.seed)
    name = getattr(metric, "__name__", "own metric")
    raise TypeError(f"{name} is a plain metric: write gate.measure({name}, candidate, holdout)")
