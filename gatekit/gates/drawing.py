"""Values for Hypothesis to draw, the same ones in every process.

Left to itself Hypothesis also tries numbers and words that stand in the source of whatever modules
are loaded: with another plugin beside it a gate would look at other rows. Numbers below 100 are not
among those. So all that is drawn here is put together from choices of one in 64.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

FEW = 64  # choices at once: fewer than the 100 from which on constants are looked for
FINE = 4  # choices that make a fraction
PARTS = 64**4  # so many different ones
SIMPLE = (0.0, 1.0, -1.0, 0.5, 2.0, 10.0, -0.0, 1e-9)  # the simplest first
LARGEST = sys.float_info.max
Value = TypeVar("Value")


def place(size: int) -> SearchStrategy[int]:
    """A number from 0 to `size` - 1, each about as likely, the smaller the simpler."""
    from hypothesis import strategies as st

    if size <= FEW:
        return st.integers(0, size - 1)
    choices, many = 1, FEW
    while many < size:
        choices, many = choices + 1, many * FEW

    def scaled(digits: tuple[int, ...]) -> int:
        return _read(digits) * size // many

    return st.tuples(*[st.integers(0, FEW - 1)] * choices).map(scaled)


def one_of(values: Sequence[Value]) -> SearchStrategy[Value]:
    """One of some values, the first of them the simplest."""
    return place(len(values)).map(values.__getitem__)


def floats(seen: Sequence[float]) -> SearchStrategy[float]:
    """Simple numbers and edges, numbers that were seen, and others as far around as they are wide.

    `seen` is in order; all that is drawn is finite.
    """
    from hypothesis import strategies as st

    least, most = seen[0], seen[-1]
    reach = most - least or 1.0  # as far outside the data as the data is wide
    low, high = max(least - reach, -LARGEST), min(most + reach, LARGEST)
    marks = [number for number in (*SIMPLE, least, most, low, high) if low <= number <= high]

    def within(digits: tuple[int, ...]) -> float:
        share = _read(digits) / PARTS
        return low * (1 - share) + high * share

    between = st.tuples(*[st.integers(0, FEW - 1)] * FINE).map(within)
    return st.one_of(one_of(marks), one_of(seen), between)


def whole_numbers(seen: Sequence[int]) -> SearchStrategy[int]:
    """Simple numbers and edges, numbers that were seen, and all between; `seen` is in order."""
    from hypothesis import strategies as st

    low, high = seen[0], seen[-1]
    marks = [number for number in (0, 1, -1, low, high) if low <= number <= high]
    between = place(high - low + 1).map(lambda step: low + step)
    return st.one_of(one_of(marks), one_of(seen), between)


def _read(digits: tuple[int, ...]) -> int:
    number = 0
    for digit in digits:
        number = number * FEW + digit
    return number
