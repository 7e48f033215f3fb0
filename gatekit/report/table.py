"""Checks as lines of plain text: the rows of the table, the words of a failed one. 80 columns."""

from __future__ import annotations

from gatekit.ledger import Check
from gatekit.report.words import EXACT, POINT, bounds_words
from gatekit.verdict import Outcome, number_words


def failure_words(check: Check) -> list[str]:
    """The E lines of a failed comparison."""
    estimate, verdict = check.estimate, check.verdict
    assert verdict is not None  # noqa: S101 - only compared checks come here
    bar = number_words(check.bar or 0.0, estimate.unit)
    lines = [f"{estimate.name} {check.op} {bar}   {verdict.outcome}"]
    if not estimate.n and not estimate.is_number:
        pass  # nothing was measured, or nothing of it is told
    elif estimate.is_number and estimate.level != EXACT:
        low, high = bounds_words(check)
        lines.append(
            f"    measured   {number_words(estimate.value, estimate.unit)}   between {low} and "
            f"{high} at level {estimate.level:g}   n = {estimate.n:,}"
        )
    else:
        lines.append(
            f"    measured   {number_words(estimate.value, estimate.unit)}   n = {estimate.n:,}"
        )
    lines.append(f"    {verdict.reason}")
    return [*lines, *(f"    {line}" for line in estimate.detail)]


def table_row(check: Check) -> str:
    """A row of the table up to its outcome: 67 columns, so that the whole fits 80."""
    estimate = check.estimate
    bar = "" if check.bar is None else f"{check.op} {number_words(check.bar, estimate.unit)}"
    value = number_words(estimate.value, estimate.unit)
    span = "[{}, {}]".format(*bounds_words(check))
    if estimate.level in (POINT, EXACT):  # a point decision, or a count: no interval
        span = ""
    if not estimate.n and not estimate.is_number:  # no champion, no slices: nothing was measured
        value = span = ""
    named = f"{check.gate:<10} {estimate.name}"
    return f"{named:<31} {value:<8} {span:<16} {bar:<8} "


def short_outcome(check: Check) -> str:
    """The outcome in 12 letters; small ones where the gate only observes."""
    if check.verdict is None:
        return "NEVER COMPARED"
    if check.verdict.outcome is Outcome.SHOWN:
        return "shown"
    word = str(check.verdict.outcome)
    if not check.verdict.blocking:
        return word.lower()
    return f"{word} point" if check.estimate.level == POINT else word


def check_line(check: Check) -> str:
    """One check on one line, for JUnit."""
    return " ".join(f"{table_row(check)} {short_outcome(check)}".split())
