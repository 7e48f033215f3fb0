"""Two models on the same rows: the difference of their accuracies."""

from __future__ import annotations

import math

from scipy.special import ndtri

from gatekit.stats.proportion import POINT


def accuracy_difference(won: int, lost: int, n: int, level: float) -> tuple[float, float, float]:
    """New minus old accuracy on n paired rows, and one-sided bounds, each holding at `level`.

    `won` rows are right now and were wrong, `lost` the other way round. Agresti and Min (2005):
    half a row is added to each of the four cells of the paired table, then D = (won - lost) / n
    with variance ((won + lost) - (won - lost)^2 / n) / n^2, and a normal bound.
    """
    if n == 0:
        return math.nan, math.nan, math.nan
    value = (won - lost) / n
    if level == POINT:
        return value, value, value
    b, c, m = won + 0.5, lost + 0.5, n + 2.0
    center = (b - c) / m
    reach = float(ndtri(level)) * math.sqrt((b + c) - (b - c) ** 2 / m) / m
    return value, min(value, center - reach), max(value, center + reach)
