"""Weighed sums for a Poisson bootstrap: each row counts in each replicate as often as chance says.

How often row r of part p counts in replicate b is a function of p, r, b and the number of
replicates alone: Philox (Salmon et al. 2011) is a function of a counter, which is the row's, under
a key, which is the part's. So any split of the rows, any order and any engine weighs them alike.

Weights are Poisson(1) in eight bits: 0 to 5 with 94, 95, 46, 16, 4 and 1 parts in 256. Their mean
and their variance are exactly 1; their third central moment is 63/64, where Poisson's is 1.
Resampling a mean needs no more of them (Chamandy et al. 2012; Hanley and MacGibbon 2006).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import add
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gatekit.errors import DataError
from gatekit.evidence.sums import BITS, LARGEST, Floats, whole_sum

FROM = (94, 189, 235, 251, 255)  # the least byte of the weights 1, 2, 3, 4 and 5
MOST = len(FROM)
STEP = 32  # bytes that Philox gives for one step of its counter
AT_ONCE = 1 << 17  # weights; what is made of them stays in the cache
_DIGIT = float(1 << 32)
_EXACT = float(1 << 53)  # whole numbers up to this are added without rounding

Place = tuple[str, int]  # a part's id, and the first row of it


@dataclass(frozen=True, slots=True)
class Weighed:
    """Of some rows' values: their sum, and that of each replicate, in units of 2^-32."""

    whole: int
    replicates: tuple[int, ...]

    def merge(self, more: Self) -> Self:
        """The sums of the rows of both."""
        both = tuple(map(add, self.replicates, more.replicates))
        return type(self)(self.whole + more.whole, both)


def weighed(columns: Mapping[str, Floats], place: Place, replicates: int) -> dict[str, Weighed]:
    """The sums of columns of the same rows, (n,) each, which begin at a place.

    Raises:
        DataError: a value is too large.
    """
    raised = {name: np.rint(values * 2.0**BITS) for name, values in columns.items()}
    most = {name: _most(each) for name, each in raised.items()}
    rows = len(next(iter(columns.values())))
    step = max(1, AT_ONCE // _stride(replicates))
    digits = [
        (name, digit)
        for name, each in raised.items()
        for digit in _digits(each, most[name], MOST * step)
    ]
    sums = np.zeros((len(digits), replicates), dtype=np.int64)
    for taken, counts in _weights(place, rows, replicates, step):
        for at, (_, digit) in enumerate(digits):
            # whole numbers below 2^53: exact in whatever order they are added
            sums[at] += np.einsum("rb,r->b", counts, digit[taken]).astype(np.int64)
    made = {name: [sums[at] for at, (of, _) in enumerate(digits) if of == name] for name in columns}
    return {
        name: Weighed(whole_sum(raised[name], most[name] + 1), _joined(made[name]))
        for name in columns
    }


def weights(place: Place, rows: int, replicates: int) -> NDArray[np.uint8]:
    """How often each row from a place on counts in each replicate, (rows, replicates)."""
    part, first = place
    stride = _stride(replicates)
    key = hashlib.sha256(f"gatekit-replicates-v1 {part}".encode()).digest()
    generator = np.random.Philox(
        key=int.from_bytes(key[:16], "little"), counter=first * (stride // STEP)
    )
    drawn = generator.random_raw(rows * stride // 8).astype("<u8", copy=False).view(np.uint8)
    made = (drawn >= FROM[0]).view(np.uint8)
    for least in FROM[1:]:
        made += (drawn >= least).view(np.uint8)
    return made.reshape(rows, stride)[:, :replicates]


def _weights(place: Place, rows: int, replicates: int, step: int) -> Iterator[tuple[slice, Floats]]:
    part, first = place
    held = np.empty((step, replicates))
    if not replicates:
        return
    for start in range(0, rows, step):
        some = min(step, rows - start)
        held[:some] = weights((part, first + start), some, replicates)
        yield slice(start, start + some), held[:some]


def _stride(replicates: int) -> int:
    """Bytes of a row: whole steps of the counter, so that any row's begin at one."""
    return -(-max(1, replicates) // STEP) * STEP


def _digits(values: Floats, most: float, times: int) -> list[Floats]:
    """Whole numbers as digits, the last first: `times` one of them is below 2^53."""
    made = []
    while most * times >= _EXACT:
        high = np.floor(values / _DIGIT)
        made.append(values - high * _DIGIT)
        values, most = high, most / _DIGIT + 1
    return [*made, values]


def _joined(digits: list[NDArray[np.int64]]) -> tuple[int, ...]:
    """The inverse, of sums of digits."""
    made, *others = (each.tolist() for each in reversed(digits))
    for each in others:
        made = [high * (1 << 32) + low for high, low in zip(made, each, strict=True)]
    return tuple(made)


def _most(values: Floats) -> float:
    most = float(np.abs(values).max())
    if not most < LARGEST:
        raise DataError(
            f"a value of {most / 2.0**BITS:.3g} times the usual is too large to be added up",
            "Look at what the measure adds for such a row",
        )
    return most
