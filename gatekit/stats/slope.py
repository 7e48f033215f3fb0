"""A slope through points of equal spacing that a few jumps do not bend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST_POINTS = 10


def theil_sen(
    x: NDArray[np.float64], y: NDArray[np.float64], level: float
) -> tuple[float, float, float]:
    """Slope of `y` (n,) over `x` (n,) with one-sided bounds, each at `level`.

    The median of the slopes through all pairs, and bounds from the distribution of Kendall's S
    (Sen 1968, doi:10.1080/01621459.1968.10480934). Infinite bounds below 10 points; at level 0.5
    the bounds are the value.
    """
    from scipy import stats

    if y.size < 2:  # noqa: PLR2004 - a line has two ends
        return float("nan"), -np.inf, np.inf
    two_sided = 2 * level - 1
    found = stats.theilslopes(y, x, alpha=max(two_sided, 1e-6))
    value = float(found.slope)
    if two_sided <= 0:
        return value, value, value
    if y.size < FEWEST_POINTS:
        return value, -np.inf, np.inf
    return value, float(found.low_slope), float(found.high_slope)
