"""Counts of a sample as the effects of drift take them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from gatekit.evidence.pairs import Values
from gatekit.evidence.spread import BITS, HEIGHT, Floats, NumberSpread, Scale, ValueSpread

Ends = tuple[Floats, Floats]


def in_units(scale: Scale) -> Floats:
    """The edges less the centre, over the unit, (B,)."""
    with np.errstate(over="ignore"):
        return np.asarray((scale.edges - scale.centre) / scale.unit)


def shares(spread: NumberSpread) -> Ends:
    """The shares of the numbers before each edge and up to it, (B,) and (B,)."""
    n = max(1, spread.known)
    upto = np.cumsum(spread.between[:-1]) + np.cumsum(spread.at)
    return (upto - spread.at) / n, upto / n


def areas(scale: Scale, spread: NumberSpread) -> Ends:
    """Below the distribution function before each edge and above it after each, (B,) and (B,).

    From what it is at the lower end of that bin, and up to what it is at the upper one; in units.
    """
    n, one = max(1, spread.known), float(1 << BITS)
    width = np.diff(in_units(scale))
    lies = spread.above * (width / HEIGHT)
    below = np.append(spread.beyond[0] / one, spread.between[1:-1] * width - lies)
    return below / n, np.append(lies, spread.beyond[1] / one) / n


def moments(scale: Scale, spread: NumberSpread) -> tuple[float, float, float] | None:
    """The mean less the centre, and the second and fourth moment about it, in units.

    None where a number is too far off. From whole numbers alone, so that nothing cancels.
    """
    if spread.far or not spread.known:
        return None
    if spread.least == spread.most:  # rounding would give them a width
        return (spread.least - scale.centre) / scale.unit, 0.0, 0.0
    one, two, three, four = (Fraction(each, spread.known << BITS) for each in spread.powers)
    second = two - one**2
    fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
    return float(one), max(0.0, float(second)), max(0.0, float(fourth))


def reach(scale: Scale, spread: NumberSpread) -> tuple[float, float]:
    """How far numbers lie before the first edge and after the last, in units."""
    if not spread.known:
        return 0.0, 0.0
    first, last = float(scale.edges[0]), float(scale.edges[-1])
    lower, upper = max(0.0, first - spread.least), max(0.0, spread.most - last)
    return lower / scale.unit, upper / scale.unit


def side_by_side(name: str, reference: ValueSpread, current: ValueSpread) -> Values:
    """Rows of both samples by value, as `by_value` counts rows that are held."""
    sides = [reference.as_dict(), current.as_dict()]
    values = sorted({*sides[0], *sides[1]})
    counts = [[float(side.get(value, 0)) for value in values] for side in sides]
    gaps = [float(each.missing) for each in (reference, current)]
    if any(gaps):
        values.append("missing")
        counts = [[*count, gap] for count, gap in zip(counts, gaps, strict=True)]
    return Values(name, tuple(values), np.array(counts[0]), np.array(counts[1]))
