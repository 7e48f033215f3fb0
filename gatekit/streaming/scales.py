"""What a pilot says of a regression's numbers: units and a centre that keep sums of powers small.

Every unit is a power of two, and the rest is rounded to few binary digits: a pilot whose means
differ in the last place, on another kind of processor, gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEPS = 1 << 20  # of a unit: what the pilot gives is rounded to them


@dataclass(frozen=True, slots=True)
class Scales:
    """`error` is the unit of errors, `spread` that of the target's distance from its `centre`,
    `apart` that of the difference of two models' squared errors, which are in units of `error`^2.

    `ratio` is the candidate's mean squared error over the variance of the target, each in its unit,
    and `share` its root mean square error over the champion's. With them, what a row weighs in R2
    and in the rise of RMSE is known beforehand so well that its ends can be kept.
    """

    error: float = 1.0
    centre: float = 0.0
    spread: float = 1.0
    ratio: float = 0.0
    share: float = 1.0
    apart: float = 1.0

    @classmethod
    def of(cls, y: Floats, new: Floats, old: Floats | None) -> Self:
        """From the pilot's target and the errors of candidate and champion on it, (n,) each."""
        error = unit_of(float(np.abs(new).mean()), float(np.abs(y).mean()))
        mean = float(y.mean())
        spread = unit_of(float(np.abs(y - mean).mean()), error)
        centre = float(np.rint(mean / spread * STEPS) / STEPS * spread)
        beside, square = (y - centre) / spread, (new / error) ** 2
        variance = float((beside**2).mean())
        ratio = _stepped(float(square.mean()) / variance) if variance else 0.0
        if old is None:
            return cls(error, centre, spread, ratio)
        other = (old / error) ** 2
        root = float(np.sqrt(other.mean()))
        share = _stepped(float(np.sqrt(square.mean())) / root) if root else 1.0
        apart = unit_of(float(np.abs(square - other).mean()), 1.0)
        return cls(error, centre, spread, ratio, share, apart)


def unit_of(typical: float, otherwise: float) -> float:
    """The power of two from such a size on; where it is 0, of the other."""
    return float(2.0 ** np.ceil(np.log2(typical or otherwise or 1.0)))


def _stepped(value: float) -> float:
    unit = unit_of(value, 1.0)
    return float(np.rint(value / unit * STEPS) / STEPS * unit)
