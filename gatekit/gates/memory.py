"""What the candidate's own process holds, as the kernel counts it, and whether it keeps growing."""

from __future__ import annotations

import numpy as np

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.gate import Ask, measure
from gatekit.gates.applies import named
from gatekit.runner.watching import WINDOWS
from gatekit.stats import slope
from gatekit.subject import Subject

# Fewer, and a page or two look like a slope.
FEWEST_CALLS = 50 * WINDOWS
WARM_SHARE = 4  # the first fourth of the windows fills caches and arenas


@measure
def after_load(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:  # noqa: ARG001 - a measure's shape
    """The most megabytes held until the model was loaded, the libraries of its engine included."""
    return _exact("memory at load", candidate.memory_at_load_mb(), "until it was loaded", 1)


@measure
def peak(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """The most megabytes held, with the holdout predicted at once and row by row."""
    seen = candidate.memory(holdout, ask.settings.calls)
    return _exact("memory peak", seen.peak_mb, f"holdout, then {ask.settings.calls} rows", 1)


@measure
def growth(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Kilobytes that 1000 calls of one row add, after a fourth of them to warm up."""
    calls = ask.settings.calls
    held_kb = candidate.memory(holdout, calls).held_mb * 1024
    start = held_kb.size // WARM_SHARE
    each = calls // WINDOWS
    x = np.arange(held_kb.size - start, dtype=float) * each / 1000
    value, low, high = slope.theil_sen(x, held_kb[start:], ask.level)
    least = None
    if calls < FEWEST_CALLS:
        low, high, least = -np.inf, np.inf, FEWEST_CALLS
    how = named(f"Theil-Sen slope of resident memory, {x.size} points", ask.level)
    return Estimate(
        "memory growth", value, low, high, ask.level, calls, how, "kB per 1000 calls", least
    )


def _exact(name: str, value_mb: float, when: str, n: int) -> Estimate:
    how = f"the kernel's high-water mark (VmHWM), {when}"
    return Estimate(name, value_mb, value_mb, value_mb, 1.0, n, how, "MB")
