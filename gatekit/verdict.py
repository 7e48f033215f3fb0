"""From an estimate and a bar to one of three answers. The rule of the product, in one function.

PASSED if the bound on the bar's side clears the bar; FAILED if the other bound has not reached
it; else INCONCLUSIVE, with the number of rows that would decide it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from gatekit.estimate import Estimate, number_to_json

Op = Literal[">=", "<="]


class Outcome(StrEnum):
    """What a comparison came to."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"
    SHOWN = "SHOWN"  # the policy sets no bar: measured and shown, proves nothing
    NO_CHAMPION = "NO CHAMPION"  # nothing to compare with yet; recorded, proves nothing


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer with its reason in words; true only if it does not block."""

    outcome: Outcome
    reason: str
    rows_needed: int | None = None
    blocking: bool = True

    def __bool__(self) -> bool:
        held_up = self.outcome in (Outcome.FAILED, Outcome.INCONCLUSIVE)
        return not (held_up and self.blocking)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "outcome": str(self.outcome),
            "reason": self.reason,
            "rows_needed": self.rows_needed,
            "blocking": self.blocking,
        }


def decide(estimate: Estimate, op: Op, bar: float) -> Verdict:
    """Judge `estimate op bar` by its bounds.

    Raises:
        ValueError: the bar is not a finite number.
    """
    if not math.isfinite(bar):
        raise ValueError(f"a bar must be a finite number, not {bar!r}")
    if not estimate.is_number:
        return Verdict(Outcome.FAILED, f"{estimate.name} is {estimate.value}: not a number")
    floor = op == ">="
    side = "floor" if floor else "ceiling"
    near, far = (estimate.low, estimate.high) if floor else (estimate.high, estimate.low)
    if (near >= bar) if floor else (near <= bar):
        return Verdict(Outcome.PASSED, _passed_words(estimate, side))
    if (far < bar) if floor else (far > bar):
        by = f"{'short' if floor else 'over'} by {abs(far - bar):.2g}"
        return Verdict(Outcome.FAILED, _failed_words(estimate, side, by))
    on_its_side = estimate.value >= bar if floor else estimate.value <= bar
    needed = rows_that_decide(estimate, near if on_its_side else far, bar)
    return Verdict(Outcome.INCONCLUSIVE, _open_words(estimate, side, needed), needed)


def rows_that_decide(estimate: Estimate, bound: float, bar: float) -> int | None:
    """About how many rows would decide, if the value stays what it is now.

    `bound` is the one that the bar lies before: it is the one that will pass it. The distance
    from value to bound shrinks with the square root of the rows, so the rows
    grow with the square of (that distance / the distance to the bar). Two digits: it is a
    forecast. None where no number of rows will: the value stands on the bar.
    """
    if math.isinf(bound):
        return estimate.rows_for_bound
    gap = abs(estimate.value - bar)
    spread = abs(estimate.value - bound)
    if gap == 0 or estimate.n == 0:
        return None
    ratio = max(1.0, spread / gap)
    rows = estimate.n * (ratio * ratio)  # a product overflows to infinity, a power raises
    if not math.isfinite(rows) or rows > 1e12:  # noqa: PLR2004 - beyond any test set
        return None
    digits = max(0, math.ceil(math.log10(rows)) - 2)
    unit: int = 10**digits
    return max(estimate.n + 1, math.ceil(rows / unit) * unit)


def number_words(value: float, unit: str = "") -> str:
    """A number as people read it: four digits, or three and the unit behind."""
    digits = ".3g" if unit else ".4g"
    text = f"{value:{digits}}" if math.isfinite(value) else str(number_to_json(value))
    return f"{text} {unit}" if unit else text


def _passed_words(estimate: Estimate, side: str) -> str:
    if estimate.level == 1.0:
        return f"{side} met"
    if estimate.level == 0.5:  # noqa: PLR2004 - the one level that means a point decision
        return f"point decision: the value meets the {side}, its uncertainty is ignored"
    return f"the whole interval clears the {side}"


def _failed_words(estimate: Estimate, side: str, by: str) -> str:
    if estimate.level == 1.0:
        return f"{side} not met"
    if estimate.level == 0.5:  # noqa: PLR2004 - as above
        return f"point decision: the value misses the {side}, {by}; its uncertainty is ignored"
    return f"it cannot reach the {side}: {by} at the least"


def _open_words(estimate: Estimate, side: str, needed: int | None) -> str:
    if needed is None:
        return f"the {side} lies inside the interval, and more rows of the same would not decide it"
    rows = f"{estimate.n:,} rows cannot decide it, about {needed:,} would"
    return f"the {side} lies inside the interval: {rows}"
