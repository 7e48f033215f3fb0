"""Average precision, the area under the steps of the precision-recall curve, and its bounds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from gatekit.inner import inner
from gatekit.stats.proportion import POINT

FEWEST_ROWS = 50  # of either label
Floats = NDArray[np.float64]
METHOD = "infinitesimal jackknife, logit scale"


def bounds(
    positive: NDArray[np.int64], other: NDArray[np.int64], level: float
) -> tuple[float, float, float]:
    """Average precision of counts by rising score, (U,), and one-sided bounds at `level`.

    The value is scikit-learn's. Its variance is the sum of the squares of what each row weighs in
    it (the infinitesimal jackknife, Efron 1982), and the bounds are set on the logit scale (Boyd,
    Eng and Page 2013), with Student's t of the positive rows. They lean against the claim: for the
    lower bound one positive row more stands below all others and one other row above all, for the
    upper bound one positive row above. Infinite with fewer than 50 rows of a label; NaN without a
    positive row.
    """
    m, n = int(positive.sum()), int(other.sum())
    if not m:
        return math.nan, math.nan, math.nan
    hits, _, precision = _falling(positive, other)
    value = inner(hits, precision) / m
    if level == POINT:
        return value, value, value
    if min(m, n) < FEWEST_ROWS:
        return value, -math.inf, math.inf
    t = float(stdtrit(m - 1, level))
    none = np.zeros(1, dtype=np.int64)
    ends = np.concatenate([none + 1, positive, none]), np.concatenate([none, other, none + 1])
    below = _value(*ends)
    above = _value(np.append(positive, none + 1), np.append(other, none))
    return value, min(value, _bound(*below, t)), max(value, _bound(*above, -t))


def _bound(value: float, variance: float, t: float) -> float:
    if value >= 1:
        return 1.0
    return float(expit(logit(value) - t * math.sqrt(variance) / (value * (1 - value))))


def _value(positive: NDArray[np.int64], other: NDArray[np.int64]) -> tuple[float, float]:
    """Average precision and its variance."""
    hits, others, precision = _falling(positive, other)
    m = float(hits.sum())
    value = inner(hits, precision) / m
    # a row of score s counts in the precision at every score down from its own
    each = hits / np.cumsum(hits + others)
    lost = np.cumsum((each * precision)[::-1])[::-1]
    kept = np.cumsum(each[::-1])[::-1]
    kept -= lost
    kept += precision
    kept -= value
    kept *= kept
    variance = inner(hits, kept) + inner(others, lost * lost)
    return value, variance / m**2


def _falling(
    positive: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Rows of either label by falling score, and the precision down to each score."""
    hits, others = positive[::-1].astype(float), other[::-1].astype(float)
    found = np.cumsum(hits)
    return hits, others, found / (found + np.cumsum(others))
