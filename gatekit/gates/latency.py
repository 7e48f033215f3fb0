"""How long one row takes, in the candidate's own process, on the engine that will serve."""

from __future__ import annotations

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.gate import Ask, measure
from gatekit.gates.applies import named
from gatekit.stats import quantile
from gatekit.subject import WARM_UP_CALLS, Subject


@measure
def p50(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Median milliseconds for one row."""
    return _quantile("p50", 0.5, candidate, holdout, ask)


@measure
def p99(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """99th percentile of milliseconds for one row."""
    return _quantile("p99", 0.99, candidate, holdout, ask)


def of_sample(
    name: str, q: float, sample: object, ask: Ask, method: str, *, detail: tuple[str, ...] = ()
) -> Estimate:
    """A quantile of a sample of milliseconds as an estimate with order-statistic bounds."""
    import numpy as np

    times = np.asarray(sample, dtype=float)
    value, low, high = quantile.bounds(times, q, ask.level)
    least = quantile.rows_for_upper_bound(q, ask.level)
    how = named(f"order statistics, {method}", ask.level)
    return Estimate(name, value, low, high, ask.level, times.size, how, "ms", least, detail)


def _quantile(name: str, q: float, candidate: Subject, holdout: Holdout, ask: Ask) -> Estimate:
    times = candidate.timings(holdout, ask.settings.calls)
    method = f"{candidate.engine} engine, after {WARM_UP_CALLS} warm-up calls"
    return of_sample(name, q, times, ask, method)
