"""The exact distance to a linear boundary, under a box: what an attack is held to.

For scores W x + b the label changes where another class k overtakes the own class y: the half
space (W_k - W_y) z >= gap around the row. The nearest point of a half space within a box has a
closed form up to one sorted sum, for both norms: see `fill`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Norm = Literal["l2", "linf"]


def fill(weights: Floats, caps: Floats, gap: Floats) -> Floats:
    """The smallest t >= 0 with sum_i weights_i min(t, caps_i) >= gap, (n,); inf if there is none.

    All weights and caps are >= 0, (n, d). The sum is piecewise linear in t with a kink at each cap,
    so the caps are sorted and the right piece is found by running sums.
    """
    order = np.argsort(caps, axis=1)
    a = np.take_along_axis(weights, order, axis=1)
    c = np.take_along_axis(caps, order, axis=1)
    capped = np.where(a > 0, a * np.where(np.isfinite(c), c, 0.0), 0.0)
    before = np.cumsum(capped, axis=1) - capped  # what columns at their cap give
    slope = np.cumsum(a[:, ::-1], axis=1)[:, ::-1]  # of the columns that still move
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (gap[:, None] - before) / slope
    fits = (slope > 0) & (t <= c)
    first = np.argmax(fits, axis=1)
    found = t[np.arange(len(t)), first]
    return np.where(fits.any(axis=1), np.maximum(found, 0.0), np.inf)


def nearest(gap: Floats, normal: Floats, down: Floats, up: Floats) -> tuple[Floats, Floats]:
    """How far along the clipped normal the plane lies, (n,), and the nearest point, (n, d).

    Minimises |z|_2 subject to normal . z >= gap and down <= z <= up, where down <= 0 <= up. By
    Kuhn and Tucker z = clip(t normal, down, up) for the smallest t that satisfies the first.
    """
    reach = np.where(normal > 0, up, -down)
    size = np.abs(normal)
    with np.errstate(divide="ignore", invalid="ignore"):
        caps = np.where(size > 0, reach / size, 0.0)
    t = fill(size**2, caps, gap)
    with np.errstate(invalid="ignore"):
        moved = np.clip(t[:, None] * normal, down, up)
    return t, np.where(normal == 0, 0.0, moved)


def plane_distance(gap: Floats, normal: Floats, down: Floats, up: Floats, norm: Norm) -> Floats:
    """Distance to the half space normal . z >= gap within the box, (n,); inf if it misses it."""
    if norm == "linf":
        reach = np.where(normal > 0, up, -down)
        return fill(np.abs(normal), reach, gap)
    t, moved = nearest(gap, normal, down, up)
    return np.where(np.isfinite(t), np.sqrt(np.sum(moved**2, axis=1)), np.inf)


def label_distance(scores: Floats, weights: Floats, down: Floats, up: Floats, norm: Norm) -> Floats:
    """Distance of each row to another label of a linear model, (n,).

    `scores` (n, K) are W x + b, K >= 2; `weights` (K, d) in score per unit of distance; the box
    `down`, `up` (n, d) is zero where a column may not move. inf: no label can be reached.
    """
    own = np.argmax(scores, axis=1)
    rows = np.arange(len(scores))
    best = np.full(len(scores), np.inf)
    for k in range(scores.shape[1]):
        gap = scores[rows, own] - scores[:, k]
        normal = weights[k][None, :] - weights[own]
        found = plane_distance(gap, normal, down, up, norm)
        best = np.where(own == k, best, np.minimum(best, found))
    return best
