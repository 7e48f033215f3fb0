"""Values for Hypothesis to draw, the same ones in every process.

Left to itself Hypothesis also tries numbers and words that stand in the source of whatever modules
are loaded: with another plugin beside it a gate would look at other rows. Of bytes it takes none
that are longer than 50. So what is drawn here are blocks of bytes, and plain functions make values
of them: each byte is a choice of one in at most 64. A strategy for each value takes several times
as long.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

FEW = 64  # choices at once
BLOCK = 64  # bytes: more than the 50 up to which constants are looked for
BYTE = 256
FINE = 3  # choices that make a fraction
PARTS = 64**3  # so many different ones
SIMPLE = (0.0, 1.0, -1.0, 0.5, 2.0, 10.0, -0.0, 1e-9)  # the simplest first
LARGEST = sys.float_info.max
Value = TypeVar("Value")
Choose = Callable[[int], int]  # of so many, at most 64: which one, counted from 0, the simplest
Way = Callable[[Choose], Value]  # from choices to a value


def by(way: Way[Value]) -> SearchStrategy[Value]:
    """What Hypothesis draws that way."""
    from hypothesis import strategies as st

    block = st.binary(min_size=BLOCK, max_size=BLOCK)

    @st.composite
    def drawn(draw: st.DrawFn) -> Value:
        left: list[int] = []

        def choose(many: int) -> int:
            if not left:
                left.extend(reversed(draw(block)))
            return left.pop() * many // BYTE

        return way(choose)

    return drawn()


def together(ways: Sequence[Way[Any]]) -> Way[tuple[Any, ...]]:
    """One value of each."""
    return lambda choose: tuple(way(choose) for way in ways)


def place(size: int) -> Way[int]:
    """A number from 0 to `size` - 1, each about as likely, the smaller the simpler."""
    if size <= FEW:
        return lambda choose: choose(size)
    choices, many = 1, FEW
    while many < size:
        choices, many = choices + 1, many * FEW
    return lambda choose: _number(choose, choices) * size // many


def one_of(values: Sequence[Value]) -> Way[Value]:
    """One of some values, the first of them the simplest."""
    found = place(len(values))
    return lambda choose: values[found(choose)]


def perhaps_none(way: Way[Value]) -> Way[Value | None]:
    """Once in four times nothing."""
    return lambda choose: None if choose(4) == 3 else way(choose)  # noqa: PLR2004 - the last of them


def floats(seen: Sequence[float]) -> Way[float]:
    """Simple numbers and edges, numbers that were seen, and others as far around as they are wide.

    `seen` is in order; all that is drawn is finite.
    """
    least, most = seen[0], seen[-1]
    reach = most - least or 1.0  # as far outside the data as the data is wide
    low, high = max(least - reach, -LARGEST), min(most + reach, LARGEST)
    marks = [number for number in (*SIMPLE, least, most, low, high) if low <= number <= high]

    def between(choose: Choose) -> float:
        share = _number(choose, FINE) / PARTS
        return low * (1 - share) + high * share

    return _any_of(one_of(marks), one_of(seen), between)


def whole_numbers(seen: Sequence[int]) -> Way[int]:
    """Simple numbers and edges, numbers that were seen, and all between; `seen` is in order."""
    low, high = seen[0], seen[-1]
    marks = [number for number in (0, 1, -1, low, high) if low <= number <= high]
    steps = place(high - low + 1)
    return _any_of(one_of(marks), one_of(seen), lambda choose: low + steps(choose))


def _any_of(*ways: Way[Value]) -> Way[Value]:
    return lambda choose: ways[choose(len(ways))](choose)


def _number(choose: Choose, digits: int) -> int:
    number = 0
    for _ in range(digits):
        number = number * FEW + choose(FEW)
    return number
