"""Sums that come out the same to the bit, however the rows were split and in whatever order.

Each value is rounded to a multiple of 2^-32 and added as a whole number. A mean of n values is off
by at most 2^-33 for it, and so are the means of their squares and cubes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

BITS = 32
AT_ONCE = 1 << 13  # rows; what is made of them stays in the cache
_EXACT = float(1 << 53)  # whole numbers up to this are added without rounding
_HALF = float(1 << 32)

Floats = NDArray[np.float64]


def whole_sum(values: Floats) -> int:
    """The sum of whole numbers held as floats, exact."""
    if not values.size:
        return 0
    most = max(float(values.max()), -float(values.min()))
    if most * values.size < _EXACT:
        return int(values.sum())
    if most * values.size < _EXACT * _HALF:
        high = np.floor(values / _HALF)
        return int(high.sum()) * (1 << 32) + int((values - high * _HALF).sum())
    return sum(map(int, values.tolist()))


@dataclass(frozen=True, slots=True)
class Sums:
    """Of n values: the sums of their first three powers in units of 2^-32, the least, the most."""

    n: int
    powers: tuple[int, int, int]
    least: float
    most: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        """The sums of one block, (n,)."""
        powers = [0, 0, 0]
        for start in range(0, values.size, AT_ONCE):
            part = values[start : start + AT_ONCE]
            raised = part * 2.0**BITS
            for power in range(3):
                powers[power] += whole_sum(np.rint(raised))
                if power < 2:  # noqa: PLR2004 - the third is the last
                    raised = raised * part
        if not values.size:
            return cls(0, (0, 0, 0), math.inf, -math.inf)
        one, two, three = powers
        ends = float(values.min()) + 0.0, float(values.max()) + 0.0  # -0.0 is 0.0
        return cls(values.size, (one, two, three), *ends)

    def merge(self, more: Self) -> Self:
        """The sums of the values of both."""
        one, two, three = (a + b for a, b in zip(self.powers, more.powers, strict=True))
        least, most = min(self.least, more.least), max(self.most, more.most)
        return type(self)(self.n + more.n, (one, two, three), least, most)

    def moments(self) -> tuple[float, float, float]:
        """The mean, and the means of the second and third power of what is beside it.

        From whole numbers alone, so that nothing cancels.
        """
        n, (one, two, three), unit = self.n, self.powers, 1 << BITS
        # of n times each value less the sum, in units of 1 / (n 2^32): still whole numbers
        second = n * two * unit - one * one
        third = n * n * three * unit * unit - 3 * n * one * two * unit + 2 * one**3
        scale = n * unit
        return one / scale, max(0.0, second / scale**2), third / scale**3
