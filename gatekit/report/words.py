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
    if not math.isfinite(bound):
        return str(float(bound))
    for digits in range(3, 8):
        text = f"{bound:.{digits}g}"
        told_apart = bar is None or (float(text) > bar) == (bound > bar) and float(text) != bar
        if told_apart or bound == bar:
            return text
    return f"{bound:g}" if estimate.unit else text
