"""The ledger: every measurement, comparison and test outcome of a run, in order.

The only mutable thing. `Measurement` is what a suite holds: its `>=` and `<=` give a verdict and
write it down, every other use explains itself. The ledger decides promotion, not the `assert`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, Self

from gatekit.estimate import Estimate
from gatekit.verdict import Op, Outcome, Verdict, decide

USE_BOUNDS = (
    "a measurement has an interval, so it answers only `>= bar` and `<= bar`; "
    "to compare two models measure the paired difference (gatekit.gates.accuracy.paired_gain)"
)


class Bar(float):
    """A number of the policy that remembers its key, so that a forgotten bar can be found."""

    key: str

    def __new__(cls, value: float, key: str) -> Self:
        """Keep the key beside the number."""
        made = super().__new__(cls, value)
        made.key = key
        return made

    def __neg__(self) -> Bar:
        return Bar(-float(self), self.key)


class NoBar:
    """A bar the policy does not set: what is compared with it is shown and proves nothing."""

    def __neg__(self) -> NoBar:
        return self


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison (or, with no op, one measurement that was never compared)."""

    gate: str
    test: str
    estimate: Estimate
    verdict: Verdict | None = None
    op: Op | None = None
    bar: float | None = None
    key: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "gate": self.gate,
            "test": self.test,
            "estimate": self.estimate.as_dict(),
            "verdict": None if self.verdict is None else self.verdict.as_dict(),
            "op": self.op,
            "bar": self.bar,
            "key": self.key,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Check:
        """The check that `as_dict` wrote."""
        verdict = data["verdict"]
        if verdict is not None:
            verdict = Verdict(**{**verdict, "outcome": Outcome(verdict["outcome"])})
        estimate = Estimate.from_dict(data["estimate"])
        return cls(**{**data, "verdict": verdict, "estimate": estimate})


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """How one gate test ended: passed, failed, error, skipped, xfailed, xpassed, rerun, not run."""

    gate: str
    test: str
    outcome: str
    words: str = ""


@dataclass(slots=True)
class Ledger:
    """What happened, in order."""

    checks: list[Check] = field(default_factory=list)
    tests: list[TestOutcome] = field(default_factory=list)
    deselected: list[tuple[str, str]] = field(default_factory=list)
    voids: list[str] = field(default_factory=list)  # why the whole run counts for nothing


class Measurement:
    """An estimate tied to the ledger page of the test that made it."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, estimate: Estimate, gate: str, test: str, *, blocking: bool, sealed: bool = False
    ) -> None:
        """`sealed`: what is written down says PASSED or not, and no number."""
        self.estimate = _sealed(estimate) if sealed else estimate
        self._judged = estimate
        self._gate = gate
        self._test = test
        self._blocking = blocking
        self._is_sealed = sealed
        self.checks: list[Check] = []

    def __ge__(self, bar: float | NoBar) -> Verdict:
        return self._compare(">=", bar)

    def __le__(self, bar: float | NoBar) -> Verdict:
        return self._compare("<=", bar)

    def page(self) -> list[Check]:
        """What the ledger shall hold: the comparisons, or the lonely measurement."""
        return self.checks or [Check(self._gate, self._test, self.estimate)]

    def _compare(self, op: Op, bar: float | NoBar) -> Verdict:
        number = None if isinstance(bar, NoBar) else self._number(bar)
        key = bar.key if isinstance(bar, Bar) else None
        verdict = self._judge(op, number)
        self.checks.append(Check(self._gate, self._test, self.estimate, verdict, op, number, key))
        return verdict

    def _number(self, bar: object) -> float:
        if isinstance(bar, bool) or not isinstance(bar, (int, float)):
            raise TypeError(f"compared with {type(bar).__name__}: {USE_BOUNDS}")
        if not math.isfinite(bar):
            raise ValueError(f"{self.estimate.name} compared with {bar}: a bar is a finite number")
        return float(bar)

    def _judge(self, op: Op, bar: float | None) -> Verdict:
        if bar is None:
            return Verdict(Outcome.SHOWN, "the policy sets no bar", blocking=False)
        estimate = self._judged
        if estimate.method == NO_CHAMPION:
            return Verdict(Outcome.NO_CHAMPION, "; ".join(estimate.detail))
        if estimate.method == SPENT:
            words = "; ".join(estimate.detail)
            return Verdict(Outcome.INCONCLUSIVE, words, blocking=self._blocking)
        judged = decide(estimate, op, bar)
        if self._is_sealed and estimate.n:
            judged = _sealed_verdict(judged)
        return Verdict(judged.outcome, judged.reason, judged.rows_needed, self._blocking)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"{self.estimate.name}: {USE_BOUNDS}")

    __eq__ = __ne__ = __gt__ = __lt__ = _refuse
    __float__ = __int__ = __bool__ = __index__ = __round__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __neg__ = __pos__ = __abs__ = _refuse

    def __repr__(self) -> str:
        return self.estimate.name


NO_CHAMPION = "no champion"
SPENT = "not read off: the test set is spent"
SEALED = "sealed"


def no_champion(name: str, level: float, reason: str) -> Estimate:
    """The gain over a champion that does not exist: recorded, not guessed."""
    nan = math.nan
    return Estimate(name, nan, nan, nan, level, 0, NO_CHAMPION, detail=(reason,))


def of_spent_labels(estimate: Estimate, why: str) -> Estimate:
    """What may not be read off labels any more: the name of a measure, and no number of it."""
    nan = math.nan
    return Estimate(estimate.name, nan, nan, nan, estimate.level, 0, SPENT, detail=(why,))


def _sealed(estimate: Estimate) -> Estimate:
    """The same without its numbers; what has none is told as it is."""
    if not estimate.n:
        return estimate
    nan = math.nan
    return replace(
        estimate,
        value=nan,
        low=nan,
        high=nan,
        n=0,
        method=SEALED,
        rows_for_bound=None,
        detail=(),
        pictures=(),
    )


def _sealed_verdict(verdict: Verdict) -> Verdict:
    if verdict.outcome is Outcome.PASSED:
        return Verdict(Outcome.PASSED, "the bound clears the bar; no number is told")
    return Verdict(Outcome.INCONCLUSIVE, "not passed; more is not told, it would wear out the rows")
