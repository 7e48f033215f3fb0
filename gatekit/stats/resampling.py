"""Bounds on any number a function makes of labels and predictions, by resampling rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatekit.stats.proportion import POINT

RESAMPLES = 2000
MOST_RESAMPLES = 50_000
TAIL = 20  # resamples beyond the bound, at least: a high level takes more resamples
BCA_ROWS = 5000  # BCa's jackknife costs n calls and n^2 memory: above this many rows, percentile
FEWEST_STREAMED = BCA_ROWS  # rows that stream have no jackknife
NEVER_MOVES = "bootstrap says nothing of a value that never moves"
FEWEST_ROWS = 200  # of fewer, bounds on a skewed metric held in 86 to 92 % of draws, not 95
# Of a skewed metric BCa's bounds held in 93 to 94.5 % of draws at 95; so they take this share of
# the error (docs/statistics.md).
LEAN = 0.8
Metric = Callable[[NDArray[np.generic], NDArray[np.generic]], float]


def bootstrap(
    metric: Metric, y: NDArray[np.generic], prediction: NDArray[np.generic], level: float, seed: int
) -> tuple[float, float, float, str]:
    """metric(y, prediction), one-sided bounds at `level`, and the method's name.

    Rows are resampled in pairs, 2,000 times, or as often as 20 lie beyond the bound: BCa (Efron
    1987) by scipy up to 5,000 rows, the percentile method above, and where BCa is undefined; either
    takes four fifths of the error that the level allows, for on few rows it needs that. Under 200
    rows the bounds are infinite, and so they are where no resample moved the value, which is no
    evidence of certainty, and at a level that would take more than 50,000 resamples.

    Raises:
        TypeError: the metric gave something that is no number.
    """
    value = _number(metric, y, prediction)
    if known := _without_resampling(value, level):
        return known
    if y.size < FEWEST_ROWS:
        return value, -math.inf, math.inf, f"bootstrap needs {FEWEST_ROWS} rows"
    for method in ("BCa", "percentile") if y.size <= BCA_ROWS else ("percentile",):
        low, high = _interval(metric, y, prediction, level, (method, seed))
        if not (math.isnan(low) or math.isnan(high)):
            break
    if low == high:
        return value, -math.inf, math.inf, NEVER_MOVES
    return (
        value,
        min(low, value),
        max(high, value),
        f"{method} bootstrap, {resamples_for(level):,} resamples",
    )


def of_replicates(
    value: float, made: NDArray[np.float64], rows: int, level: float
) -> tuple[float, float, str]:
    """One-sided bounds at `level` on a value from its replicates, (B,), and the method's name.

    By the percentile method, as `bootstrap` above 5,000 rows: under as many they are infinite.
    """
    if known := _without_resampling(value, level):
        return known[1:]
    if rows < FEWEST_STREAMED:
        return -math.inf, math.inf, f"Poisson bootstrap needs {FEWEST_STREAMED:,} rows"
    if not np.isfinite(made).all():
        return math.nan, math.nan, "Poisson bootstrap"
    share = LEAN * (1 - level)
    low, high = map(float, np.quantile(made, [share, 1 - share]))
    if low == high:
        return -math.inf, math.inf, NEVER_MOVES
    method = f"percentile Poisson bootstrap, {made.size:,} replicates"
    return min(low, value), max(high, value), method


def replicates_for(level: float) -> int:
    """How many replicates a bound at that level takes; 0 where it is none, or too far out."""
    needed = resamples_for(level) if level > POINT else 0
    return needed if needed <= MOST_RESAMPLES else 0


def resamples_for(level: float) -> int:
    """How many resamples a bound at that level takes."""
    return max(RESAMPLES, math.ceil(TAIL / (1 - level) - 1e-6))


def _without_resampling(value: float, level: float) -> tuple[float, float, float, str] | None:
    if level == POINT:
        return value, value, value, "point"
    if not math.isfinite(value):
        return value, math.nan, math.nan, "bootstrap"
    if math.ceil(TAIL / (1 - level)) > MOST_RESAMPLES:
        return value, -math.inf, math.inf, f"level too high for {MOST_RESAMPLES:,} resamples"
    return None


def _interval(
    metric: Metric,
    y: NDArray[np.generic],
    prediction: NDArray[np.generic],
    level: float,
    how: tuple[str, int],
) -> tuple[float, float]:
    from scipy import stats

    def on_rows(rows: NDArray[np.int64]) -> float:
        return _number(metric, y[rows], prediction[rows])

    with warnings.catch_warnings():
        # a constant metric has a degenerate distribution; the NaN it gives is handled above
        warnings.simplefilter("ignore")
        interval = stats.bootstrap(
            (np.arange(y.size),),
            on_rows,
            vectorized=False,
            n_resamples=resamples_for(level),
            confidence_level=1 - 2 * LEAN * (1 - level),
            method=how[0],  # type: ignore[call-overload] # one of two literals
            rng=np.random.default_rng(how[1]),
        ).confidence_interval
    return float(interval.low), float(interval.high)


def _number(metric: Metric, y: NDArray[np.generic], prediction: NDArray[np.generic]) -> float:
    value = metric(y, prediction)
    try:
        return float(value)
    except (TypeError, ValueError):
        name = getattr(metric, "__name__", "the metric")
        raise TypeError(
            f"{name} gave {type(value).__name__}; an own metric returns one number"
        ) from None
