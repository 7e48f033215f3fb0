"""The whole attack: starts, take back, walk, pairs, and a last look at what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.attack import grid
from gatekit.attack.hunt import Ask, Floats, Hunt, closer
from gatekit.attack.space import Indexes, Points, Space
from gatekit.attack.walk import walk

STARTS = 6  # rows of another label tried for each row
KEPT = 3
BISECTIONS = 8
LAST_BISECTIONS = 10
WALKS = (0.3, 0.1, 0.05)
ROUNDS = 3
TRIES = 40
MOST_TRIES = 200
CORNERS = 40
FAR = 20.0  # spreads: an end where a column has none


@dataclass(frozen=True, slots=True)
class Found:
    """What an attack found for n rows.

    `distance` is inf where nothing was found; that proves nothing about the row. `points` (n, d)
    are allowed ones, re-queried at the end. `calls` and `queried` say what it cost.
    """

    distance: Floats
    points: Points
    calls: int
    queried: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows to start from: values in spreads (numbers) or levels (categories), and their labels."""

    values: Points
    labels: NDArray[Any]


def attack(
    space: Space, ask: Ask, labels: NDArray[Any], pool: Pool, queries: int, seed: int
) -> Found:
    """The nearest allowed point with another label for each row, as far as it was found.

    `ask` gives labels for columns of values; `labels` (n,) are its answers for the rows as they
    are; `queries` is how many rows may be asked for each of them. Deterministic by `seed`.
    """
    random = np.random.default_rng(seed)
    hunt = Hunt(space, ask, labels, queries)
    if not space.movable().any():
        return Found(hunt.distance, hunt.best, 0, 0)
    settings = grid.settings(hunt, pool.values)
    points, rows = _starts(hunt, pool)
    grid.singles(hunt, settings)
    _corners(hunt, random)
    points = closer(hunt, points, space.origin()[rows], rows, BISECTIONS)
    _walks(hunt, random)
    grid.polish(hunt, points, rows)
    for _ in range(ROUNDS):
        _round(hunt, settings, TRIES, random)
    _walks(hunt, random)
    _last_round(hunt, settings, random)
    return _checked(hunt)


def _round(hunt: Hunt, settings: list[Floats], tries: int, random: np.random.Generator) -> None:
    before = hunt.distance.copy()
    grid.together(hunt, settings, tries, random)
    improved = np.flatnonzero(hunt.distance < before)
    grid.polish(hunt, hunt.best[improved], improved)


def _last_round(hunt: Hunt, settings: list[Floats], random: np.random.Generator) -> None:
    """What the walks left of the budget: half for one more round, the rest to take it back."""
    if tries := hunt.left // max(1, 2 * hunt.space.rows):
        _round(hunt, settings, min(tries, MOST_TRIES), random)


def _walks(hunt: Hunt, random: np.random.Generator) -> None:
    for reach in WALKS:
        rows = hunt.found
        walk(hunt, rows, reach, random)
        closer(hunt, hunt.best[rows], hunt.space.origin()[rows], rows, LAST_BISECTIONS)


def _starts(hunt: Hunt, pool: Pool) -> tuple[Points, Indexes]:
    """Points that flip, a few for each row, nearest first."""
    other = pool.labels[None, :] != hunt.labels[:, None]
    near = grid.neighbours(hunt, pool.values, other, STARTS)
    rows = np.repeat(np.arange(len(near)), [len(points) for points in near])
    points = np.concatenate(near)
    flipped = hunt.flips(points, rows)
    points, rows = points[flipped], rows[flipped]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    return points[place < KEPT], rows[place < KEPT]


def _corners(hunt: Hunt, random: np.random.Generator) -> None:
    """For rows without a success: the far ends of a random part of their columns."""
    rows = np.repeat(np.setdiff1d(np.arange(hunt.space.rows), hunt.found), CORNERS)
    down, up = (limit[rows] for limit in hunt.space.limits())
    draw = random.random(down.shape)
    ends = np.where(draw < 1 / 3, down, np.where(draw < 2 / 3, up, 0.0))
    ends = np.clip(ends, -FAR, FAR)
    hunt.flips(np.where(hunt.space.categories(), hunt.space.origin()[rows], ends), rows)


def _checked(hunt: Hunt) -> Found:
    """Ask once more about every success; what does not flip again was chance, and is dropped."""
    rows = hunt.found
    hunt.left += rows.size  # the last look is owed
    again = hunt.flips(hunt.best[rows], rows)
    hunt.distance[rows[~again]] = np.inf
    return Found(hunt.distance, hunt.best, hunt.calls, hunt.asked)
