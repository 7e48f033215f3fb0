"""How a check reads, in the terminal and on the page alike."""

from __future__ import annotations

import math

from gatekit.estimate import Estimate
from gatekit.ledger import Check

POINT = 0.5  # the level of a point decision
EXACT = 1.0  # the level of a count: no sampling error


def outcome_word(check: Check) -> str:
    """PASSED, FAILED, INCONCLUSIVE, and what else must be said in a word or two."""
    if check.verdict is None:
        return "NEVER COMPARED"
    word = str(check.verdict.outcome)
    if not check.verdict.blocking and check.verdict.outcome != "SHOWN":
        return f"{word} (observed)"
    return f"{word} (point)" if check.estimate.level == POINT else word


def bounds_words(check: Check) -> tuple[str, str]:
    """The two bounds, with enough digits to tell them from the bar."""
    estimate = check.estimate
    return _digits(estimate.low, check.bar, estimate), _digits(estimate.high, check.bar, estimate)


def _digits(bound: float, bar: float | None, estimate: Estimate) -> str:
    """Three decimals (three digits from 10 on), and more only where the bar would hide."""
    if not math.isfinite(bound):
        return str(bound)
    for digits in range(3, 9):
        text = f"{bound:.{digits}g}" if estimate.unit or abs(bound) >= 1 else f"{bound:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
        shown = float(text)
        if bar is None or bound == bar or (shown != bar and (shown > bar) == (bound > bar)):
            return "0" if shown == 0 else text
    return text
