"""A line of the table of coverage: a law, a bound of the product, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BLOCK = 500  # replicates drawn at once: a bound on memory


@dataclass(frozen=True)
class Seen:
    """Of R replicates: whether each bound held, and whether there was none, (R,) each."""

    lower: np.ndarray
    upper: np.ndarray
    blank: np.ndarray

    def shares(self):
        return tuple(float(each.mean()) for each in (self.lower, self.upper, self.blank))


@dataclass(frozen=True)
class Case:
    """`draw(random, size, level)` gives a block of `Seen`; `op` is the side that a bar asks."""

    measure: str
    law: str
    rows: int
    op: str
    draw: Callable[[np.random.Generator, int, float], Seen]

    def simulate(self, replicates, level, seed):
        random = np.random.default_rng(seed)
        parts = [
            self.draw(random, min(BLOCK, replicates - start), level)
            for start in range(0, replicates, BLOCK)
        ]
        return Seen(*(np.concatenate([getattr(p, f) for p in parts]) for f in Seen.__annotations__))


def against(truth, low, high):
    """Bounds (R,) held against the truth."""
    low, high = (np.asarray(bound, dtype=float) for bound in (low, high))
    hair = 1e-12 * max(1.0, abs(truth))
    return Seen(low <= truth + hair, high >= truth - hair, np.isinf(low) & np.isinf(high))


def each(truth, bounded, draws):
    """`bounded(draw)` ends in a lower and an upper bound; one replicate after the other."""
    found = np.array([bounded(*draw)[-2:] for draw in draws])
    return against(truth, found[:, 0], found[:, 1])
