"""What measures hand over to be drawn, from evidence that is there anyway."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekit.evidence.scores import ScoreTable
from gatekit.picture import MOST, Curve, numbers
from gatekit.stats import proportion
from gatekit.stats.calibration import Bins

STEPS = 100
BARS = 40
ROWS = 40  # of a drawing by slice, group or column

Floats = NDArray[np.float64]


def roc(table: ScoreTable) -> tuple[Curve, ...]:
    """True over false positive rate as the threshold falls; both kinds of rows must be there."""
    hits = np.append(0, np.cumsum(table.positive[::-1])) / table.positives
    alarms = np.append(0, np.cumsum(table.other[::-1])) / table.others
    kept = _evenly(alarms + hits)
    return (
        Curve(
            "ROC",
            "line",
            numbers(alarms[kept]),
            numbers(hits[kept]),
            axes=("false positive rate", "true positive rate"),
            diagonal=True,
        ),
    )


def reliability(found: Bins, level: float) -> tuple[Curve, ...]:
    """Share come true over mean probability said, by bin, with exact bounds of each bin."""
    bounds = proportion.bounds(found.true, found.rows, level)
    share = found.true / found.rows
    order = np.argsort(found.said)
    x, y, low, high = (numbers(values[order]) for values in (found.said, share, *bounds))
    axes = ("probability said", "share come true")
    return (Curve("reliability", "points", x, y, low, high, axes=axes, diagonal=True),)


def histogram(name: str, values: Floats, unit: str) -> tuple[Curve, ...]:
    """Counts in bars of equal ratio, where all is above zero; nothing without a spread."""
    least, most = float(values.min()), float(values.max())
    if not 0 < least < most:
        return ()
    edges = np.geomspace(least, most, min(BARS, MOST) + 1)
    edges[0], edges[-1] = least, most  # its last digits may lie inside
    edges = np.array(numbers(edges))
    if (np.diff(edges) <= 0).any():
        return ()
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    axes = (unit, "calls")
    return (Curve(name, "bars", numbers(edges), numbers(counts), axes=axes, on_scale=True),)


def flipped(distance: Floats, farthest: float) -> tuple[Curve, ...]:
    """Share of rows whose label the attack has changed within a distance, up to `farthest`."""
    found = np.sort(distance[np.isfinite(distance) & (distance <= farthest)])
    far = float(found[-1]) if found.size else farthest
    x = np.linspace(0, far, STEPS + 1)
    share = np.searchsorted(found, x, side="right") / distance.size
    axes = ("distance in spreads", "share of labels changed")
    return (Curve("labels changed by the attack", "line", numbers(x), numbers(share), axes=axes),)


def rows(
    name: str, labels: Sequence[str], values: ArrayLike, bounds: tuple[ArrayLike, ArrayLike]
) -> tuple[Curve, ...]:
    """Slices or columns with their intervals, in the order given, on the estimate's scale."""
    at, low, high = (np.asarray(each, dtype=float)[:ROWS] for each in (values, *bounds))
    if not at.size or not np.isfinite(at).all():
        return ()
    return (
        Curve(
            name,
            "rows",
            numbers(at),
            low=numbers(low),
            high=numbers(high),
            labels=tuple(labels[:ROWS]),
            on_scale=True,
        ),
    )


def _evenly(along: Floats) -> NDArray[np.intp]:
    """Places, the ends among them, that lie about evenly `along` a rising curve."""
    wanted = np.linspace(along[0], along[-1], STEPS + 1)
    return np.unique(np.append(np.searchsorted(along, wanted), (0, along.size - 1)))
