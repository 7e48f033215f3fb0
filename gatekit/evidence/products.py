"""Sums of products of two columns, for the moments of what is made of both at the end.

What a row weighs in R2, or in a difference of two roots, is a polynomial of two of its values, and
the coefficients are known only when all rows are. Its first three moments need the sums of products
of a few orders, and nothing else. Each product is rounded to a multiple of 2^-32 and added as a
whole number; the moments are made of these by rational arithmetic, so that nothing cancels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np

from gatekit.errors import DataError
from gatekit.evidence.sums import AT_ONCE, BITS, LARGEST, Floats, whole_sum

Order = tuple[int, int]  # powers of the first and of the second column
Polynomial = Mapping[Order, Fraction]
MOMENTS = 3
_ROUNDED = Fraction(1, 1 << (BITS + 1))  # by as much a mean of rounded products is off at the most


@dataclass(frozen=True, slots=True)
class Products:
    """Of n rows: the sums of products of two columns in units of 2^-32, as `orders` lie.

    `weights` say which products there are: those of which the powers, each times the weight of its
    column, come to three times the larger weight at the most.
    """

    n: int
    weights: tuple[int, int]
    sums: tuple[int, ...]

    @classmethod
    def of(cls, first: Floats, second: Floats, weights: tuple[int, int]) -> Self:
        """The sums of one block, (n,) each and at least one.

        Raises:
            DataError: a value is too large.
        """
        kept = orders(weights)
        sums = [0] * len(kept)
        for start in range(0, first.size, AT_ONCE):
            columns, sizes = [], []
            for whole, weight in zip((first, second), weights, strict=True):
                part = whole[start : start + AT_ONCE]
                sizes.append(_size(part, weight / max(weights)))
                columns.append(_powers(part, MOMENTS * max(weights) // weight))
            columns[0] = [power * 2.0**BITS for power in columns[0]]
            held = np.empty_like(columns[0][0])
            for place, (i, j) in enumerate(kept):
                raised = np.multiply(columns[0][i], columns[1][j], out=held) if j else columns[0][i]
                reach = sizes[0] ** i * sizes[1] ** j * 2.0**BITS + 1
                sums[place] += whole_sum(np.rint(raised, out=held), reach)
        return cls(first.size, weights, tuple(sums))

    def merge(self, more: Self) -> Self:
        """The sums of the rows of both."""
        both = zip(self.sums, more.sums, strict=True)
        return type(self)(self.n + more.n, self.weights, tuple(a + b for a, b in both))

    def mean(self, of: Polynomial) -> Fraction:
        """The mean of a polynomial of both columns, exact but for the rounding of each product."""
        means = self._means()
        return sum((factor * means[order] for order, factor in of.items()), Fraction())

    def moments(self, of: Polynomial) -> tuple[float, float, float]:
        """The mean, and the means of the second and third power of what is beside it.

        The second one is never less than without rounding.
        """
        mean = self.mean(of)
        beside = {**of, (0, 0): of.get((0, 0), Fraction()) - mean}
        squared = times(beside, beside)
        doubt = sum(map(abs, squared.values()), Fraction()) * _ROUNDED
        second = max(self.mean(squared), Fraction()) + doubt
        return float(mean), float(second), float(self.mean(times(squared, beside)))

    def _means(self) -> dict[Order, Fraction]:
        unit = self.n << BITS
        held = zip(orders(self.weights), self.sums, strict=True)
        return {(0, 0): Fraction(1), **{order: Fraction(each, unit) for order, each in held}}


def orders(weights: tuple[int, int]) -> tuple[Order, ...]:
    """Which products are added up, in their order."""
    one, other = weights
    most = MOMENTS * max(weights)
    powers = ((i, j) for i in range(most // one + 1) for j in range((most - i * one) // other + 1))
    return tuple(order for order in powers if any(order))


def times(one: Polynomial, other: Polynomial) -> dict[Order, Fraction]:
    """The product of two polynomials."""
    made: dict[Order, Fraction] = {}
    for (i, j), factor in one.items():
        for (k, m), more in other.items():
            order = (i + k, j + m)
            made[order] = made.get(order, Fraction()) + factor * more
    return made


def _powers(part: Floats, most: int) -> list[Floats]:
    made = [np.ones_like(part)]
    for _ in range(most):
        made.append(made[-1] * part)
    return made


def _size(part: Floats, share: float) -> float:
    """The largest value in size; `share` of the digits of the largest number may be its."""
    size = float(np.abs(part).max())
    if not size < LARGEST**share:
        raise DataError(
            f"a value lies {size:.3g} times as far out as is usual: too far to be added up",
            "Look at the rows where the target or a model is that far off",
        )
    return size
