"""Bounds on a team's own metric: the bootstrap of the rows, as `gate.measure` takes it."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from coverage_case import Case, each

from gatekit.stats.resampling import bootstrap

LAWS = {
    "share of right answers, 0.9": (lambda r, n: (r.random(n) < 0.9) * 1.0, 0.9),
    "|error|, normal": (lambda r, n: np.abs(r.normal(size=n)), math.sqrt(2 / math.pi)),
    "|error|, exponential less 1": (lambda r, n: np.abs(r.exponential(size=n) - 1), 2 / math.e),
    "profit: -5 or 1, 1 in 10 lost": (lambda r, n: np.where(r.random(n) < 0.1, -5.0, 1.0), 0.4),
}
ROWS = (200, 400, 1000)


def cases():
    """The lines, in order."""
    return [
        Case("mean of own losses", law, n, "<=", partial(_mean, law, n))
        for law in LAWS
        for n in ROWS
    ]


def _mean(law, n, random, size, level):
    draw, truth = LAWS[law]
    zeros = np.zeros(n)

    def bounded(losses, seed):
        return bootstrap(lambda y, said: (said - y).mean(), zeros, losses, level, seed)[:3]

    draws = ((draw(random, n), int(random.integers(1 << 31))) for _ in range(size))
    return each(truth, bounded, draws)
