"""Where the champion stands on the axis of a check, read off the checks that compare the two.

A gain is measured on the same rows as the value it is a gain of, so their difference is what the
champion measures there. On the axis of a gain the champion is at no gain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from gatekit.ledger import NO_CHAMPION, Check

# by the value's name: the check that compares, and the sign with which the champion lies from it
COMPARED = {
    "accuracy": ("accuracy gain", -1),
    "AUC": ("AUC gain", -1),
    "MAE": ("MAE gain", 1),
    "RMSE": ("RMSE rise", -1),
    "log loss": ("log loss rise", -1),
}
LIKE = {  # what a champion measures against itself
    **{compared: 0.0 for compared, _ in COMPARED.values()},
    "gain on champion": 0.0,
    "worst slice gain": 0.0,
    "distance gain": 0.0,
    "time over champion": 1.0,
}


def is_against_champion(name: str) -> bool:
    """Whether a measure of that name compares with the champion, who measures nothing by it."""
    return name in LIKE


def champion_value(check: Check, checks: Sequence[Check]) -> float | None:
    """The champion on this check's axis; None where nothing in `checks` says it."""
    name = check.estimate.name
    if check.estimate.method == NO_CHAMPION or not check.estimate.is_number:
        return None
    if name in LIKE:
        return LIKE[name]
    if name not in COMPARED:
        return None
    compared, sign = COMPARED[name]
    for other in checks:
        gain = other.estimate
        if gain.name == compared and gain.is_number and gain.n == check.estimate.n:
            value = check.estimate.value + sign * gain.value
            return value if math.isfinite(value) else None
    return None
