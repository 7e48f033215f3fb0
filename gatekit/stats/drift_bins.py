"""The effects of `gatekit.stats.drift` on numbers known by bins: with the error of the bins.

Each edge of the bins is one itself; in the bins between two edges it is known how many rows there
are and what they add up to, not where they lie. An effect is therefore known between two ends, and
its bounds are those of the farther end: no bound is narrower than that of the rows themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatekit.stats.drift import Distance, Effect, Transport

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Binned:
    """The n numbers of one sample: shares `before` and `upto` each edge, (B,).

    `rise`, (B,), is the area below the distribution function in the bin before each edge, over what
    it is at that bin's lower end; `rest`, (B,), the area above it in the bin after each edge, up to
    what it is at that bin's upper end. `reach` is how far numbers lie before the first edge and
    after the last. `moments` are the mean, and the second and fourth about it; None where a number
    is too far off for them. Lengths are in one unit, the same for both samples; `most` is the
    largest number as it is.
    """

    n: int
    missing: int
    before: Floats
    upto: Floats
    rise: Floats
    rest: Floats
    most: float
    reach: tuple[float, float]
    moments: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Between:
    """An effect that lies between others: its bounds are the outer ones of theirs."""

    middle: Effect
    ends: tuple[Effect, ...]

    @property
    def value(self) -> float:
        """The estimate."""
        return self.middle.value

    @property
    def rows_short(self) -> int | None:
        """See `Effect`."""
        return self.middle.rows_short

    def bounds(self, level: float) -> tuple[float, float]:
        """The lowest and the highest of all."""
        low, high = zip(*(each.bounds(level) for each in (self.middle, *self.ends)), strict=True)
        return min(low), max(high)

    def p_above(self, bar: float) -> float:
        """The largest of all."""
        return max(each.p_above(bar) for each in (self.middle, *self.ends))


@dataclass(frozen=True, slots=True)
class Unknown:
    """An effect that was not measured, and why: no bar is cleared, and none missed."""

    why: str
    value: float = 0.0
    rows_short: int | None = None

    def bounds(self, _level: float) -> tuple[float, float]:
        """None."""
        return -math.inf, math.inf

    def p_above(self, _bar: float) -> float:
        """No evidence."""
        return 1.0


def ks(reference: Binned, current: Binned) -> Effect:
    """D is known at every edge; between two it is larger by the rows of either there at most."""
    m, n = reference.n, current.n
    if not (m and n):
        return Distance(1.0, m, n)  # as far as can be, and not known
    gaps = np.abs([reference.before - current.before, reference.upto - current.upto])
    low = float(gaps.max())
    ends = [np.append(each.before, 1.0) for each in (reference, current)]
    starts = [np.append(0.0, each.upto) for each in (reference, current)]
    high = max(low, float((ends[0] - starts[1]).max()), float((ends[1] - starts[0]).max()))
    found = Distance(low, m, n)
    return found if high == low else Between(found, (Distance(high, m, n),))


def wasserstein(edges: Floats, reference: Binned, current: Binned) -> Effect:
    """The area between the distribution functions, exact where they do not cross in a bin.

    `edges` are in the unit of the samples' lengths.
    """
    m, n = reference.n, current.n
    if not (m and n):
        return Transport(0.0, 0.0, 0.0, m, n)
    if reference.moments is None or current.moments is None:
        return Unknown("a number is too far off to be added up")
    mean, second, fourth = reference.moments
    beside, variance = current.moments[:2]
    spread = math.sqrt(second)
    if not spread:  # as `drift.wasserstein`: that of both together
        share = m / (m + n)
        spread = math.sqrt(share * (1 - share) * (mean - beside) ** 2 + (1 - share) * variance)
    if not spread:
        return Transport(0.0, 0.0, 0.0, m, n)
    low, high = (each / spread for each in _areas(edges, reference, current))
    of_spread = (fourth / second**2 - 1) / (4 * m) if second else 0.0
    of_means = (second / m + variance / n) / spread**2
    errors = [math.sqrt(of_means + each**2 * of_spread) for each in (low, high)]
    noise = math.sqrt(2 / math.pi) * _noise(edges, reference, current) / spread
    ends = Transport(low, errors[1], noise, m, n), Transport(high, errors[1], noise, m, n)
    return Between(Transport(low, errors[0], noise, m, n), ends)


def _areas(edges: Floats, reference: Binned, current: Binned) -> tuple[float, float]:
    """The least and the most that the area between the functions can be."""
    width = np.diff(edges)
    start = reference.upto[:-1] - current.upto[:-1]
    end = reference.before[1:] - current.before[1:]
    rises, rests = reference.rise[1:] + current.rise[1:], reference.rest[:-1] + current.rest[:-1]
    signed = np.abs(width * start + reference.rise[1:] - current.rise[1:])
    over = width * np.maximum(reference.before[1:] - current.upto[:-1], 0.0)
    under = width * np.maximum(current.before[1:] - reference.upto[:-1], 0.0)
    most = np.minimum(signed + 2 * np.minimum(over, under), np.abs(start) * width + rises)
    most = np.maximum(np.minimum(most, np.abs(end) * width + rests), signed)
    outer = abs(reference.rise[0] - current.rise[0]) + abs(reference.rest[-1] - current.rest[-1])
    farther = reference.rise[0] + current.rise[0] + reference.rest[-1] + current.rest[-1]
    return float(signed.sum() + outer), float(most.sum() + farther)


def _noise(edges: Floats, reference: Binned, current: Binned) -> float:
    """The most that the area below the root of the functions' common variance can be.

    The variance s (1 - s) / n is concave in the share s, and so is the root of a sum of such ones:
    over a bin it is nowhere larger on average than that of the average shares, which are known.
    """
    width = np.diff(edges)
    sides = reference, current
    lower, upper = (max(each.reach[at] for each in sides) for at in (0, 1))
    widths = np.concatenate([[lower], width, [upper]])
    total = np.zeros(widths.size)
    for each in sides:
        below = each.upto[:-1] * width + each.rise[1:]
        area = np.concatenate([each.rise[:1], below, upper - each.rest[-1:]])
        share = np.clip(area / np.where(widths > 0, widths, 1.0), 0.0, 1.0)
        total += share * (1 - share) / each.n
    return float((np.sqrt(total) * widths).sum())
