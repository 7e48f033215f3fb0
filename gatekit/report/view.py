"""A report as its page shows it: what stopped the model first, then every gate, worst first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gatekit.decision import GateOutcome
from gatekit.ledger import Check
from gatekit.report.axis import draw_interval
from gatekit.report.champion import champion_value
from gatekit.report.charts import Drawing, draw_pictures
from gatekit.report.document import Report
from gatekit.report.words import EXACT, POINT, bounds_words, outcome_word
from gatekit.verdict import Outcome, number_words

SYMBOLS = {
    "PASSED": "\N{HEAVY CHECK MARK}",
    "FAILED": "\N{HEAVY BALLOT X}",
    "INCONCLUSIVE": "?",
    "INCOMPLETE": "\N{HORIZONTAL ELLIPSIS}",
}
WORST_FIRST = ("FAILED", "INCONCLUSIVE", "INCOMPLETE", "PASSED", "OBSERVED")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a long report the page shows; the JSON always has all of it."""

    details: int
    letters: int
    checks: int
    drawn: bool = True


@dataclass(frozen=True, slots=True)
class Stop:
    """One thing that kept the model from passing: what, by how much, and what would help."""

    gate: str
    what: str
    by: str
    help: str


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check in words; `drawing` is SVG, or empty, and `pictures` come after it."""

    name: str
    question: str
    outcome: str
    kind: str
    symbol: str
    value: str
    interval: str
    asked: str
    is_held: bool
    n: str
    method: str
    reason: str
    drawing: str
    pictures: tuple[Drawing, ...]
    detail: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class GateView:
    """One gate; `reasons` are those that no check of it tells."""

    name: str
    outcome: str
    symbol: str
    reasons: tuple[str, ...]
    checks: tuple[CheckView, ...]
    left_out: int


def gate_views(report: Report, limits: Limits) -> tuple[GateView, ...]:
    """The gates, worst first, and their checks likewise; at most `limits.checks` checks in all."""
    views: list[GateView] = []
    room = limits.checks
    for result in sorted(report.gates, key=lambda g: WORST_FIRST.index(g.outcome)):
        checks = sorted((c for c in report.checks if c.gate == result.gate), key=_place)
        shown = checks[:room]
        room -= len(shown)
        views.append(
            GateView(
                result.gate,
                str(result.outcome),
                SYMBOLS.get(result.outcome, "\N{BULLET}"),
                tuple(cut(r, limits.letters) for r in untold(report, result.gate)),
                tuple(
                    _check_view(c, champion_value(c, checks), f"{len(views)}-{i}-", limits)
                    for i, c in enumerate(shown)
                ),
                len(checks) - len(shown),
            )
        )
    return tuple(views)


def stops(report: Report, limits: Limits) -> tuple[Stop, ...]:
    """What kept the model from passing, in the order of the gates, worst first."""
    found = [
        Stop("the run", cut(void, limits.letters), "", "Run it again, whole.")
        for void in report.run["voids"]
    ]
    if not report.tests:
        found.append(Stop("the run", "no gate was run", "", "Run it with the gates of the policy."))
    for result in sorted(report.gates, key=lambda g: WORST_FIRST.index(g.outcome)):
        for check in report.checks:
            if check.gate == result.gate and check.verdict is not None and not check.verdict:
                by = cut(_reason(check), limits.letters)
                found.append(Stop(check.gate, _measured_words(check), by, _help(check)))
        found += [
            Stop(result.gate, cut(reason, limits.letters), "", _help_untold(result.outcome))
            for reason in untold(report, result.gate)
        ]
    return tuple(found)


def cut(text: str, letters: int) -> str:
    """`text`, or its beginning and three dots."""
    return text if len(text) <= letters else text[:letters] + "..."


def untold(report: Report, gate: str) -> list[str]:
    """Reasons why a gate is no pass that no check of it tells."""
    result = report.gate(gate)
    told = {
        f"{check.estimate.name}: {check.verdict.reason}"
        for check in report.checks
        if check.gate == gate and check.verdict is not None
    }
    return [reason for reason in (result.reasons if result else ()) if reason not in told]


def _check_view(check: Check, champion: float | None, mark: str, limits: Limits) -> CheckView:
    estimate, verdict = check.estimate, check.verdict
    outcome = outcome_word(check)
    kind = (
        str(verdict.outcome).replace(" ", "-")
        if verdict is not None and verdict.blocking
        else "SHOWN"
    )
    return CheckView(
        name=cut(estimate.name, limits.letters),
        question=cut(_question(check.test), limits.letters),
        outcome=outcome,
        kind=kind,
        symbol=SYMBOLS.get(kind, "\N{BULLET}"),
        value="none" if math.isnan(estimate.value) and not estimate.n else _value(check),
        interval=_interval(check),
        asked=_asked(check),
        is_held=check.bar is not None,
        n=f"{estimate.n:,}",
        method=cut(estimate.method, limits.letters),
        reason=cut(_reason(check), limits.letters),
        drawing=draw_interval(check, mark, champion) if limits.drawn else "",
        pictures=draw_pictures(check) if limits.drawn else (),
        detail=tuple(cut(line, limits.letters) for line in estimate.detail[: limits.details]),
        more=max(0, len(estimate.detail) - limits.details),
    )


def _place(check: Check) -> int:
    """Its place in its gate: first what stopped the model, then what passed, then what is shown."""
    verdict = check.verdict
    if verdict is not None and not verdict:
        return 0
    return 2 if verdict is None or not verdict.blocking else 1


def _question(test: str) -> str:
    """'accuracy clears the floor', of suites/test_accuracy.py::test_accuracy_clears_the_floor."""
    return test.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _reason(check: Check) -> str:
    estimate, verdict = check.estimate, check.verdict
    if verdict is None:
        return "measured, and compared with no bar"
    if estimate.level == EXACT and verdict.outcome is Outcome.FAILED and check.bar is not None:
        by = number_words(abs(estimate.value - check.bar), estimate.unit)
        return f"{verdict.reason}: {'short' if check.op == '>=' else 'over'} by {by}"
    return verdict.reason


def _value(check: Check) -> str:
    return number_words(check.estimate.value, check.estimate.unit)


def _asked(check: Check) -> str:
    if check.bar is None:
        return "no bar"
    words = "at least" if check.op == ">=" else "at most"
    return f"{words} {number_words(check.bar, check.estimate.unit)}"


def _interval(check: Check) -> str:
    estimate = check.estimate
    if estimate.level == EXACT:
        return "counted, not estimated"
    if estimate.level == POINT:
        return "point decision: its uncertainty is ignored"
    if not estimate.is_number:
        return "no interval"
    low, high = bounds_words(check)
    return f"between {low} and {high} at level {estimate.level:g}"


def _measured_words(check: Check) -> str:
    return f"{check.estimate.name} is {_value(check)}, {_interval(check)}; {_asked(check)} is asked"


def _help(check: Check) -> str:
    estimate, verdict = check.estimate, check.verdict
    if not estimate.is_number:
        return "A model whose answers give a number here."
    if verdict is not None and verdict.outcome is Outcome.INCONCLUSIVE:
        if verdict.rows_needed is not None:
            more = f"About {verdict.rows_needed:,} rows of such data, now {estimate.n:,}"
            return more + ", if the value stays where it is; or a better model."
        return "A better model: the value stands too near the bar for any number of rows."
    if estimate.level == EXACT:
        return "Mend what the details of this check name." if estimate.detail else "A better model."
    if estimate.level == POINT:
        return "A better model; or a level above 0.5, to see what the data can tell."
    return (
        "A better model. More rows would not be expected to help: even the favourable end misses."
    )


def _help_untold(outcome: GateOutcome) -> str:
    if outcome is GateOutcome.INCOMPLETE:
        return "Run it whole: a part proves nothing."
    return "Let every test of this gate run, pass, and compare what it measured."
