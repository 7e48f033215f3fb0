"""How one column of a sample is spread, mergeable: numbers in narrow bins, all else by value.

The bins are chosen once, from a pilot of the reference, before any row is counted, and are the same
for both samples. Each edge is a bin of its own, and what lies between two edges is another: so a
column of few values is counted exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gatekit.errors import DataError
from gatekit.evidence.pairs import as_floats, is_number, is_word, plain
from gatekit.evidence.sums import AT_ONCE, whole_sum

QUANTILES = 1 << 12  # bins of about equally many rows of the pilot
EVEN = 1 << 11  # and edges at even distances, for what a long tail weighs
TENTHS = np.arange(1, 10) / 10  # of which PSI makes its bins
AROUND = np.linspace(-0.0075, 0.0075, 247)  # where those of all rows lie, by those of a pilot
MOST_VALUES = 100_000  # of a column by value
HEIGHT = float(1 << 24)  # of a bin, in whole units
BITS = 32  # behind the point, of a power
ONE = float(1 << BITS)
FARTHEST = 1e60  # units from the centre: its fourth power is a number yet
_NARROWEST = 1e-290

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """The bins of a column of numbers: edges rise, (B,).

    `unit` is a power of two: less `centre` and over `unit` numbers are about 1 in size, so that
    their powers can be added exactly.
    """

    edges: Floats
    centre: float
    unit: float

    @classmethod
    def of(cls, pilot: Floats) -> Self:
        """Bins for numbers that lie about as these, (n,), do."""
        if not pilot.size:
            return cls(np.zeros(1), 0.0, 1.0)
        found = np.unique(pilot) + 0.0  # -0.0 is 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            centre = float(pilot.mean())
            size = float(pilot.std()) or abs(centre) or 1.0
            even = np.linspace(found[0], found[-1], EVEN)
        if not math.isfinite(centre) or not math.isfinite(size):
            centre, size = 0.0, 1.0
        if found.size > QUANTILES:
            shares = np.append(np.arange(QUANTILES + 1) / QUANTILES, TENTHS[:, None] + AROUND)
            ranks = np.unique((shares * (pilot.size - 1)).astype(np.int64))
            tenths = np.quantile(pilot, TENTHS, method="inverted_cdf")
            inner = even[1:-1][np.isfinite(even[1:-1])]
            found = np.unique(np.concatenate([np.sort(pilot)[ranks], tenths, inner])) + 0.0
        unit = 2.0 ** min(1000, max(-1000, math.ceil(math.log2(size))))
        return cls(found, centre, unit)


@dataclass(frozen=True, slots=True, eq=False)
class ByValue:
    """A column is counted by its values: numbers as numbers, or all as text."""

    as_numbers: bool = False


Ruler = Scale | ByValue


@dataclass(frozen=True, slots=True, eq=False)
class NumberSpread:
    """Rows at each edge, (B,), and between edges, (B + 1,), the first and the last bin open.

    `above` is, (B - 1,), what the rows between two edges lie above the lower one, in 2^-24 of the
    bin; `beyond` how far those outside lie before the first edge and after the last, in 2^-32 of
    the unit. `powers` are the sums of the first four powers, likewise. `far` numbers are too far
    off to be in a sum.
    """

    at: Ints
    between: Ints
    above: Ints
    beyond: tuple[int, int]
    powers: tuple[int, int, int, int]
    missing: int
    far: int
    least: float
    most: float

    @classmethod
    def of(cls, scale: Scale, values: Floats) -> Self:
        """Count the numbers of one block, (n,); what is not finite is missing."""
        known = values[np.isfinite(values)]
        known.sort()
        edges, last = scale.edges, scale.edges.size - 1
        left = np.searchsorted(known, edges)
        right = left.copy()
        tied = np.append(known, np.nan)[left] == edges  # few, of numbers that hardly repeat
        right[tied] = np.searchsorted(known, edges[tied], side="right")
        between = np.empty(edges.size + 1, dtype=np.int64)
        between[0], between[-1] = left[0], known.size - right[last]
        between[1:-1] = left[1:] - right[:-1]
        at = (right - left).astype(np.int64)
        inside = known[right[0] : right[last]]
        powers, beyond, far = _sums(scale, known, (int(left[0]), int(right[last])))
        return cls(
            at,
            between,
            _heights(edges, inside, np.diff(right)) - at[1:] * int(HEIGHT),
            beyond,
            powers,
            values.size - known.size,
            far,
            float(known[0]) + 0.0 if known.size else math.inf,  # -0.0 is 0.0
            float(known[-1]) + 0.0 if known.size else -math.inf,
        )

    def merge(self, more: Self) -> Self:
        """The counts of the rows of both."""
        one, two, three, four = (a + b for a, b in zip(self.powers, more.powers, strict=True))
        return type(self)(
            self.at + more.at,
            self.between + more.between,
            self.above + more.above,
            (self.beyond[0] + more.beyond[0], self.beyond[1] + more.beyond[1]),
            (one, two, three, four),
            self.missing + more.missing,
            self.far + more.far,
            min(self.least, more.least),
            max(self.most, more.most),
        )

    @property
    def known(self) -> int:
        """How many numbers there are."""
        return int(self.at.sum() + self.between.sum())


def _heights(edges: Floats, inside: Floats, rows: NDArray[np.intp]) -> Ints:
    """What sorted numbers lie above the edge before them, added up by bin, (B - 1,).

    `rows` lie in each bin, those at its upper edge included. By halves, so that nothing overflows.
    """
    half = edges / 2
    unit = HEIGHT / np.maximum(np.diff(half), _NARROWEST)
    found, ends = np.zeros(rows.size, dtype=np.int64), np.cumsum(rows)
    summed = np.zeros(AT_ONCE + 1, dtype=np.int64)
    for start in range(0, inside.size, AT_ONCE):  # what is made of them stays in the cache
        lies = inside[start : start + AT_ONCE] / 2
        stop = start + lies.size
        first, last = np.searchsorted(ends, [start, stop - 1], side="right")
        bins = slice(first, last + 1)
        upto = np.minimum(ends[bins], stop) - start
        many = np.diff(upto, prepend=0)
        lies -= np.repeat(half[:-1][bins], many)
        lies *= np.repeat(unit[bins], many)
        np.rint(lies, out=lies)
        np.cumsum(lies.astype(np.int64), out=summed[1 : lies.size + 1])
        found[bins] += summed[upto] - summed[upto - many]
    return found


def _sums(
    scale: Scale, known: Floats, ends: tuple[int, int]
) -> tuple[tuple[int, int, int, int], tuple[int, int], int]:
    """Powers of sorted numbers, what lies outside the edges at `ends`, and how many are far."""
    with np.errstate(over="ignore"):
        units = known - scale.centre
        units /= scale.unit
        outside = [
            np.abs(some - scale.edges[edge]) / scale.unit
            for edge, some in ((0, known[: ends[0]]), (-1, known[ends[1] :]))
        ]
    first, last = np.searchsorted(units, [-FARTHEST, FARTHEST])
    near = units[first:last]
    size = max(0.0, float(near[-1]), -float(near[0])) if near.size else 0.0
    powers = [0, 0, 0, 0]
    for start in range(0, near.size, AT_ONCE):
        part = near[start : start + AT_ONCE]
        raised = part * ONE
        for power in range(4):
            powers[power] += whole_sum(np.rint(raised), size ** (power + 1) * ONE + 1)
            if power < 3:  # noqa: PLR2004 - the fourth is the last
                raised *= part
    lower, upper = (_whole(each) for each in outside)
    one, two, three, four = powers
    return (one, two, three, four), (lower, upper), known.size - near.size


def _whole(far: Floats) -> int:
    near = np.rint(far[far <= FARTHEST] * ONE)
    return whole_sum(near, float(near.max(initial=0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class ValueSpread:
    """Rows by value, as text and sorted, (K,), and rows without one. Over 100,000 none is kept."""

    values: tuple[str, ...]
    counts: Ints
    missing: int
    too_many: bool = False

    @classmethod
    def of(cls, ruler: ByValue, column: pa.ChunkedArray) -> Self:
        """Count the rows of one block."""
        if ruler.as_numbers:
            floats = as_floats(column) + 0.0  # -0.0 is 0.0
            values, counts = np.unique(floats[~np.isnan(floats)], return_counts=True)
            found = dict(zip(map(repr, values.tolist()), counts.tolist(), strict=True))
            return cls._of(found, len(column) - int(counts.sum()))
        counted = pc.value_counts(pc.cast(column, pa.string()))
        words, rows = (each.to_pylist() for each in counted.flatten())
        found = {word: many for word, many in zip(words, rows, strict=True) if word is not None}
        return cls._of(found, column.null_count)

    @classmethod
    def _of(cls, found: dict[str, int], missing: int, *, too_many: bool = False) -> Self:
        if too_many or len(found) > MOST_VALUES:
            return cls((), np.zeros(0, dtype=np.int64), missing, too_many=True)
        values = tuple(sorted(found))
        return cls(values, np.array([found[v] for v in values], dtype=np.int64), missing)

    def merge(self, more: Self) -> Self:
        """The counts of the rows of both."""
        missing, too_many = self.missing + more.missing, self.too_many or more.too_many
        if self.values == more.values and not too_many:
            return type(self)(self.values, self.counts + more.counts, missing)
        found = self.as_dict()
        for value, rows in more.as_dict().items():
            found[value] = found.get(value, 0) + rows
        return self._of(found, missing, too_many=too_many)

    def as_dict(self) -> dict[str, int]:
        """Rows by value."""
        return dict(zip(self.values, self.counts.tolist(), strict=True))


Spread = NumberSpread | ValueSpread


def spread_of(name: str, ruler: Ruler, column: pa.ChunkedArray) -> Spread:
    """How a column of one block is spread.

    Raises:
        DataError: its type is another than in the pilots.
    """
    column = plain(column)
    wants_numbers = isinstance(ruler, Scale) or ruler.as_numbers
    if wants_numbers and pa.types.is_null(column.type):
        column = pc.cast(column, pa.float64())
    if not (is_number(column.type) or (not wants_numbers and is_word(column.type))):
        others = "numbers" if wants_numbers else "words or numbers"
        raise DataError(
            f"column {name!r} is of type {column.type} in some rows, and {others} in others",
            "Write all files of a sample with the same types",
        )
    if isinstance(ruler, Scale):
        return NumberSpread.of(ruler, as_floats(column))
    return ValueSpread.of(ruler, column)


def merged(one: Spread, other: Spread) -> Spread:
    """The counts of the rows of both."""
    if isinstance(one, NumberSpread) and isinstance(other, NumberSpread):
        return one.merge(other)
    if isinstance(one, ValueSpread) and isinstance(other, ValueSpread):
        return one.merge(other)
    raise ValueError("evidence of two questions does not merge")
