"""Bounds on a proportion. Formulas with their sources."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

POINT = 0.5  # the level that asks for a point decision


def bounds(
    k: ArrayLike, n: ArrayLike, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One-sided lower and upper bounds for k successes in n, each holding at `level`.

    Clopper and Pearson (1934): L = BetaInv(1 - level; k, n - k + 1), U = BetaInv(level; k + 1,
    n - k). Exact, so never too narrow. 329 of 400 at 0.95: 0.788 and 0.853. No rows: 0 and 1.
    At level 0.5 both are the value itself, where there is one: a point decision.
    """
    k, n = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(n, dtype=float))
    if level == POINT:
        known = n > 0
        return (
            np.divide(k, n, out=np.zeros(k.shape), where=known),
            np.divide(k, n, out=np.ones(k.shape), where=known),
        )
    alpha = 1.0 - level
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), n - k + 1, alpha), 0.0)
    high = np.where(k < n, betaincinv(k + 1, np.maximum(n - k, 1), 1 - alpha), 1.0)
    return low, high
