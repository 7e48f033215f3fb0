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

from gatekit.errors import DataError

BITS = 32
LARGEST = 1e90  # its third power is a number yet
AT_ONCE = 1 << 13  # rows; what is made of them stays in the cache
_EXACT = float(1 << 53)  # whole numbers up to this are added without rounding
_WORD = float(1 << 63)
_HALF = float(1 << 32)

Floats = NDArray[np.float64]


def whole_sum(values: Floats, most: float) -> int:
    """The sum of whole numbers held as floats, exact; none is larger than `most` in size.

    Of no more than 2^20 of them.
    """
    if (reach := most * values.size) < _EXACT:
        return int(values.sum())
    if reach < _WORD:
        return int(values.astype(np.int64).sum())
    high = np.floor(values / _HALF)
    low = values - high * _HALF
    return whole_sum(high, most / _HALF + 1) * (1 << 32) + int(low.sum())


@dataclass(frozen=True, slots=True)
class Sums:
    """Of n values: the sums of their first three powers in units of 2^-32, the least, the most."""

    n: int
    powers: tuple[int, int, int]
    least: float
    most: float

    @classmethod
    def of(cls, values: Floats) -> Self:
        """The sums of one block, (n,).

        Raises:
            DataError: a value is too large, or none at all.
        """
        if not values.size:
            return cls(0, (0, 0, 0), math.inf, -math.inf)
        powers = [0, 0, 0]
        least, most = math.inf, -math.inf
        for start in range(0, values.size, AT_ONCE):
            part = values[start : start + AT_ONCE]
            low, high = float(part.min()), float(part.max())
            least, most = min(least, low), max(most, high)
            size = max(high, -low)
            if not size < LARGEST:
                raise DataError(
                    f"a loss or an error of {size:.3g} is too large to be added up",
                    "Look at the rows where the model is that far off",
                )
            raised = part * 2.0**BITS
            for power in (1, 2, 3):
                reach = size**power * 2.0**BITS + 1
                powers[power - 1] += whole_sum(np.rint(raised), reach)
                if power < 3:  # noqa: PLR2004 - the third is the last
                    raised *= part
        one, two, three = powers
        return cls(values.size, (one, two, three), least + 0.0, most + 0.0)  # -0.0 is 0.0

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
