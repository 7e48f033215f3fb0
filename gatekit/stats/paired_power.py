"""How many rows a paired comparison needs: the power of the bound in `gatekit.stats.paired`.

Of n rows a share `discordant` is answered rightly by one of two models alone; `gain` is the true
difference of their accuracies, candidate less champion, so |gain| <= discordant. The numbers of
rows won and lost are trinomial. Given how many are discordant, the bound clears its bar from some
number of won rows on, so the chance is a binomial tail averaged over a binomial: exact, apart from
the range of discordant counts, which leaves out less than 1e-9 of the whole.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln, ndtri, xlog1py, xlogy

from gatekit.stats.paired import clears
from gatekit.stats.power import MOST_ROWS, Chances, Counts, first_settled

_SPREADS = 6.5  # standard deviations of the discordant count that are summed over
_FINE = 1e-5  # to which a true gain is found
_STEPS = 400  # the answer's resolution: one part in that many


def chance_not_worse(n: int, margin: float, discordant: float, gain: float, level: float) -> float:
    """The chance that the lower bound of the gain is at least -margin, on n rows."""
    return _chance_above(n, -margin, discordant, gain, level)


def chance_worse(n: int, margin: float, discordant: float, gain: float, level: float) -> float:
    """The chance that the upper bound of the gain lies below -margin, on n rows."""
    return _chance_above(n, margin, discordant, -gain, level)  # the two models change places


def rows_not_worse(
    margin: float, discordant: float, gain: float, level: float, power: float
) -> int | None:
    """The smallest n from which on a model of that true gain passes with at least that power.

    To one part in 400; None if the gain does not lie above -margin, or beyond `MOST_ROWS`.
    """
    distance = gain + margin
    if distance <= 0:
        return None
    reach = max(float(ndtri(level)) + float(ndtri(power)), 0.0)
    near = reach**2 * max(discordant - gain**2, 0.0) / distance**2
    if near > MOST_ROWS:
        return None

    def chance(rows: Counts) -> Chances:
        return np.array([chance_not_worse(int(n), margin, discordant, gain, level) for n in rows])

    return first_settled(chance, near, distance, power, stride=max(1, int(near) // _STEPS))


def least_gain_passing(
    n: int, margin: float, discordant: float, level: float, power: float
) -> float | None:
    """The smallest true gain that passes on n rows with that power; None if none can."""

    def reaches(gain: float) -> bool:
        return chance_not_worse(n, margin, discordant, gain, level) >= power

    if not reaches(discordant):
        return None
    low, high = -discordant, discordant
    if reaches(low):
        return low
    while high - low > _FINE:
        middle = (low + high) / 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def greatest_gain_failing(
    n: int, margin: float, discordant: float, level: float, power: float
) -> float | None:
    """The largest true gain that fails on n rows with that power; None if none can."""
    mirrored = least_gain_passing(n, -margin, discordant, level, power)
    return None if mirrored is None else -mirrored


def fewest_won(n: int, bar: float, both: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """The fewest rows won, of `both` discordant ones, whose lower bound is at least `bar`.

    One more than `both` where none is. More rows won never clear less, so halving finds it.
    """
    low, high = np.full(both.shape, -1.0), both + 1.0
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        passed = clears(middle, both - middle, n, bar, level)
        low, high = np.where(passed, low, middle), np.where(passed, middle, high)
    return high


def _chance_above(n: int, bar: float, discordant: float, gain: float, level: float) -> float:
    mean, spread = n * discordant, math.sqrt(n * discordant * (1.0 - discordant))
    reach = _SPREADS * spread + 10.0
    both = np.arange(max(0, math.floor(mean - reach)), min(n, math.ceil(mean + reach)) + 1.0)
    weight = np.exp(
        gammaln(n + 1.0)
        - gammaln(both + 1.0)
        - gammaln(n - both + 1.0)
        + xlogy(both, discordant)
        + xlog1py(n - both, -discordant)
    )
    share = min(1.0, max(0.0, (discordant + gain) / (2.0 * discordant)))
    won = fewest_won(n, bar, both, level)
    k = np.clip(won, 1.0, np.maximum(both, 1.0))
    tail = betainc(k, np.maximum(both - k, 0.0) + 1.0, share)
    tail = np.where(won <= 0, 1.0, np.where(won > both, 0.0, tail))
    return float(np.sum(weight * tail))
