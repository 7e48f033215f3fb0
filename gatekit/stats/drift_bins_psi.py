"""PSI of numbers known by bins (`gatekit.stats.drift_bins`), with the error of the bins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gatekit.stats.drift import BINS, FEWEST_OF_A_BIN, FEWEST_ROWS, Divergence, Effect, psi
from gatekit.stats.drift_bins import Between, Binned, Unknown

STEPS = 12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where two bins of PSI meet: rows of either sample up to there.

    `corners` are, (S, 2), the pairs of the least and most they may be; one pair where it stands on
    an edge.
    """

    rows: tuple[float, float]
    corners: Floats


def psi_of_numbers(edges: Floats, reference: Binned, current: Binned) -> Effect:
    """PSI in the ten bins that the quantiles of the whole reference make.

    A quantile that stands on an edge cuts exactly. One between two edges has as many rows of the
    reference before it as its share says, or more where values are tied there, and of the current
    ones those up to the edges at the least and at the most.
    """
    cuts = _cuts(edges, reference, current)
    if cuts is None:
        return Unknown("a tenth of it lies between two edges: the sample of the reference misleads")
    gaps = [] if not reference.missing + current.missing else [reference.missing, current.missing]
    sides = [
        np.append(np.diff([0.0, *(cut.rows[at] for cut in cuts), float(n)]), gaps[at : at + 1])
        for at, n in enumerate((reference.n, current.n))
    ]
    middle = psi(*sides)
    if all(len(cut.corners) == 1 for cut in cuts):
        return middle
    return Between(middle, _ends(middle, cuts, sides, (reference.n, current.n)))


def _cuts(edges: Floats, reference: Binned, current: Binned) -> list[_Cut] | None:
    """By the ranks of `drift.quantile_bins`; None where a tenth lies in one bin between edges."""
    m, n = reference.n, current.n
    wanted = max(1, min(BINS, m // FEWEST_OF_A_BIN))
    before, upto = (np.rint(each * m) for each in (reference.before, reference.upto))
    found: list[_Cut] = []
    places: set[tuple[int, bool]] = set()
    for share in np.arange(1, wanted) / wanted:
        rank = max(1.0, math.ceil(m * share - 1) + 1.0)
        place = int(np.searchsorted(upto, rank))
        on_edge = place < edges.size and before[place] < rank
        if (place, on_edge) in places:
            if not on_edge:
                return None
            continue
        places.add((place, on_edge))
        if on_edge:
            if edges[place] < reference.most:
                both = float(upto[place]), float(np.rint(current.upto[place] * n))
                found.append(_Cut(both, np.array([both])))
            continue
        first = float(upto[place - 1]) if place else 0.0
        last = float(before[place]) if place < edges.size else float(m)
        if last >= m:
            return None  # it may be the largest number, which cuts nothing off
        low = float(current.upto[place - 1]) * n if place else 0.0
        high = float(current.before[place]) * n if place < edges.size else float(n)
        likely = low + (high - low) * (rank - first) / (last - first)
        corners = np.array([(a, b) for a in (rank, last) for b in (low, high)])
        found.append(_Cut((rank, likely), corners))
    return found


def _ends(
    middle: Divergence, cuts: Sequence[_Cut], sides: Sequence[Floats], sizes: tuple[int, int]
) -> tuple[Effect, ...]:
    """The farthest that PSI can be, either way; each with as many and as few rows as may count.

    PSI is convex in the counts: nowhere larger than at some corners of what they may be, found from
    cut to cut; nowhere smaller than by its slopes in the middle.
    """
    bins = sides[0].size
    whole = [side.sum() + bins / 2 for side in sides]
    bare = [np.maximum(side, 0.5).sum() for side in sides]
    rest = middle.seen - _sum(_counted(cuts, sizes), whole)
    seen = rest + _largest(cuts, sizes, lambda counts: _terms(counts + 0.5, whole))
    above = _largest(cuts, sizes, lambda counts: _terms(np.maximum(counts, 0.5), bare))
    if len(cuts) + 1 < bins:  # the bin of what is missing is known
        gaps = np.array([[side[-1] for side in sides]])
        above += float(_terms(np.maximum(gaps, 0.5), bare)[0])
    least = max(0.0, middle.seen + _smallest(cuts, sides, whole))
    rows = sizes_of(sides)
    fewest = _fewest(middle, (least, seen), _variance(cuts, sides, sizes), rows)
    short = None if min(side.sum() for side in sides) >= FEWEST_ROWS else FEWEST_ROWS
    return tuple(
        Divergence(each, middle.noise, count, middle.freedom, rows_short=short, seen_above=top)
        for each, top in ((least, 0.0), (seen, max(seen, above)))
        for count in np.geomspace(fewest, rows, STEPS).tolist()  # which is worst is not the ends'
    )


def sizes_of(sides: Sequence[Floats]) -> float:
    """The harmonic rows n m / (n + m)."""
    m, n = (float(side.sum()) for side in sides)
    return m * n / (m + n)


def _counted(cuts: Sequence[_Cut], sizes: tuple[int, int]) -> Floats:
    """Rows of either sample in each bin, (len(cuts) + 1, 2)."""
    return np.diff(np.array([(0.0, 0.0), *(cut.rows for cut in cuts), sizes]), axis=0)


def _terms(counts: Floats, whole: Sequence[float]) -> Floats:
    """(q - p) ln(q / p) of counts (..., 2) that are not 0."""
    p, q = counts[..., 0] / whole[0], counts[..., 1] / whole[1]
    return np.asarray((q - p) * np.log(q / p))


def _sum(counts: Floats, whole: Sequence[float]) -> float:
    return float(_terms(counts + 0.5, whole).sum())


def _largest(
    cuts: Sequence[_Cut], sizes: tuple[int, int], terms: Callable[[Floats], Floats]
) -> float:
    """The most that the terms of all bins can add up to, from one cut's corners to the next's."""
    best = np.zeros(1)
    stops = [np.zeros((1, 2)), *(cut.corners for cut in cuts), np.array([sizes], dtype=float)]
    for start, end in pairwise(stops):
        steps = np.maximum(end[None, :, :] - start[:, None, :], 0.0)
        best = (best[:, None] + terms(steps)).max(axis=0)
    return float(best[0])


def _smallest(cuts: Sequence[_Cut], sides: Sequence[Floats], whole: Sequence[float]) -> float:
    """The least that PSI can change by, by its slopes."""
    p, q = ((side + 0.5) / all_ for side, all_ in zip(sides, whole, strict=True))
    slopes = np.stack([-np.log(q / p) - q / p + 1, np.log(q / p) - p / q + 1], axis=1)
    steps = (slopes[: len(cuts)] - slopes[1 : len(cuts) + 1]) / whole
    return float(
        sum(
            min(0.0, float(((cut.corners - cut.rows) * step).sum(axis=1).min()))
            for cut, step in zip(cuts, steps, strict=True)
        )
    )


def _variance(cuts: Sequence[_Cut], sides: Sequence[Floats], sizes: tuple[int, int]) -> float:
    """The most that the variance of the delta method can be: about any fixed point it is larger."""
    stops = [np.zeros((1, 2)), *(cut.corners for cut in cuts), np.array([sizes], dtype=float)]
    low = np.array([np.maximum(b.min(axis=0) - a.max(axis=0), 0) for a, b in pairwise(stops)])
    high = np.array([b.max(axis=0) - a.min(axis=0) for a, b in pairwise(stops)])
    gaps = np.stack(sides, axis=1)[len(cuts) + 1 :]
    bins = sides[0].size
    ends = []
    for counts in (low, high):
        whole = np.array([side.sum() + bins / 2 for side in sides])
        ends.append((np.concatenate([counts, gaps]) + 0.5) / whole)
    (p_low, q_low), (p_high, q_high) = (each.T for each in ends)
    p, q = ((side + 0.5) / (side.sum() + bins / 2) for side in sides)
    ratios = q_low / p_high, q_high / p_low
    of_p = _beside(p, q / p, ratios, lambda r: -np.log(r) - r + 1)
    of_q = _beside(q, q / p, ratios, lambda r: np.log(r) - 1 / r + 1)
    return float((p_high * of_p).sum() / sides[0].sum() + (q_high * of_q).sum() / sides[1].sum())


def _beside(
    share: Floats, ratio: Floats, ends: tuple[Floats, Floats], slope: Callable[[Floats], Floats]
) -> Floats:
    """The most that a slope, which grows or falls with the ratio, can lie off its mean, squared."""
    centre = float((share * slope(ratio)).sum())
    return np.asarray(np.maximum(*((slope(end) - centre) ** 2 for end in ends)))


def _fewest(middle: Divergence, ends: tuple[float, float], variance: float, rows: float) -> float:
    """As few rows as `drift.psi` may count where the variance exceeds the noncentral one."""
    least, most = (max(0.0, end - middle.noise) for end in ends)
    expected = 4 * max(least, middle.noise) / rows
    if most > middle.noise and variance > expected:
        return min(rows, rows * expected / variance)
    return rows
