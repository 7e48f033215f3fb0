"""From ledger and policy to one decision. Pure, and closed by default: what is not proved is not
passed. Promise P1 of the design lives here; every line of it has a test in tests/plugin/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from gatekit.ledger import Check, Ledger
from gatekit.policy import Policy
from gatekit.verdict import Outcome


class GateOutcome(StrEnum):
    """What one gate, or the whole run, came to."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"
    INCOMPLETE = "INCOMPLETE"
    OBSERVED = "OBSERVED"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate with every reason why it has not passed."""

    gate: str
    outcome: GateOutcome
    reasons: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"gate": self.gate, "outcome": str(self.outcome), "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the run was asked to prove."""

    required: tuple[str, ...]
    target: str | None = None
    narrowed: bool = False  # the user chose a part: paths, -k, -m, --lf, a stop after a failure


@dataclass(frozen=True, slots=True)
class Decision:
    """The run's answer."""

    outcome: GateOutcome
    gates: tuple[GateResult, ...]
    reasons: tuple[str, ...] = field(default=())

    @property
    def exit_code(self) -> int:
        """0 for a pass; the plugin makes an unpromoted partial run's 0 of its own gates."""
        return 0 if self.outcome is GateOutcome.PASSED else 1

    def counts(self) -> str:
        """'1 failed, 7 passed' over the gates, worst first."""
        return counts_words(self.gates)


def counts_words(gates: Iterable[GateResult]) -> str:
    """'1 failed, 7 passed' over these gates, worst first."""
    order = ("FAILED", "INCONCLUSIVE", "INCOMPLETE", "OBSERVED", "PASSED")
    held = [result.outcome.value for result in gates]
    return ", ".join(f"{held.count(o)} {o.lower()}" for o in order if o in held) or "no gate"


def decide_run(ledger: Ledger, policy: Policy, asked: Asked) -> Decision:
    """Judge the whole run."""
    names = list(
        dict.fromkeys(
            [*asked.required, *(t.gate for t in ledger.tests), *(c.gate for c in ledger.checks)]
        )
    )
    gates = tuple(_judge_gate(name, ledger, policy, asked) for name in names)
    reasons = tuple(_named(g.gate, reason) for g in gates for reason in g.reasons)
    if not ledger.tests:
        reasons = ("no gate was run", *reasons)
    held = {g.outcome for g in gates}
    if ledger.voids:
        return Decision(GateOutcome.FAILED, gates, (*ledger.voids, *reasons))
    for worst in (GateOutcome.FAILED, GateOutcome.INCONCLUSIVE, GateOutcome.INCOMPLETE):
        if worst in held:
            return Decision(worst, gates, reasons)
    if not ledger.tests or not {GateOutcome.PASSED, GateOutcome.OBSERVED} & held:
        return Decision(GateOutcome.FAILED, gates, reasons)
    return Decision(GateOutcome.PASSED, gates, reasons)


def _named(gate: str, reason: str) -> str:
    return reason if reason.startswith(f"{gate}:") else f"{gate}: {reason}"


def _judge_gate(name: str, ledger: Ledger, policy: Policy, asked: Asked) -> GateResult:
    checks = [check for check in ledger.checks if check.gate == name]
    broken = [*_broken_tests(name, ledger, checks), *_lonely(checks)]
    failed = [*broken, *_words(checks, Outcome.FAILED)]
    missing = _missing(name, checks, policy) if name in asked.required else []
    hidden = _hidden(name, ledger)
    if name not in asked.required and not checks and not failed:
        failed = ["its tests measured nothing"]
    if missing and not (asked.narrowed or hidden):
        failed += missing
    if failed:
        return GateResult(name, GateOutcome.FAILED, tuple(failed))
    if open_words := _words(checks, Outcome.INCONCLUSIVE):
        return GateResult(name, GateOutcome.INCONCLUSIVE, tuple(open_words))
    if missing or hidden:
        words = (*hidden, *missing) if checks else ("not part of this run",)
        return GateResult(name, GateOutcome.INCOMPLETE, words)
    if policy.table(name).mode == "observe":
        return GateResult(name, GateOutcome.OBSERVED)
    return GateResult(name, GateOutcome.PASSED)


def _hidden(name: str, ledger: Ledger) -> list[str]:
    tests = [test.rpartition("::")[2] for gate, test in ledger.deselected if gate == name]
    return [f"deselected: {', '.join(tests)}"] if tests else []


def _broken_tests(name: str, ledger: Ledger, checks: Iterable[Check]) -> list[str]:
    """Tests that did not simply pass; a failed one that has a failed check speaks through it."""
    judged = {c.test for c in checks if c.verdict is not None and not c.verdict}
    return [
        f"{test.test} {test.outcome}" + (f": {test.words}" if test.words else "")
        for test in ledger.tests
        if test.gate == name
        and test.outcome != "passed"
        and not (test.outcome == "failed" and test.test in judged)
    ]


def _lonely(checks: Iterable[Check]) -> list[str]:
    return [
        f"{c.estimate.name} was measured but never compared with a bar"
        for c in checks
        if c.verdict is None
    ]


def _words(checks: Iterable[Check], outcome: Outcome) -> list[str]:
    return [
        f"{c.estimate.name}: {c.verdict.reason}"
        for c in checks
        if c.verdict is not None and c.verdict.outcome is outcome and c.verdict.blocking
    ]


def _missing(name: str, checks: Iterable[Check], policy: Policy) -> list[str]:
    """What a required gate owes: every bar of the policy compared, and something proved."""
    checks = list(checks)
    if not checks:
        return ["required, but nothing of it was measured"]
    compared = {c.key for c in checks if c.verdict is not None and c.key}
    bars = policy.bars(name)
    owed = [
        f"the bar {key} = {value:g} was never compared"
        for key, value in bars.items()
        if key not in compared
    ]
    if not bars:
        owed.append("the policy sets no bar for it")
    proofs = [c for c in checks if c.verdict is not None and c.verdict.outcome is Outcome.PASSED]
    if (
        not proofs
        and policy.table(name).mode == "enforce"
        and not owed
        and not _words(checks, Outcome.FAILED)
        and not _words(checks, Outcome.INCONCLUSIVE)
    ):
        owed.append("nothing was proved: no comparison of it passed")
    return owed
