"""Bounds on a team's own metric: the bootstrap of the rows, as `gate.measure` takes it.

The metric is a mean, so all samples of a block are resampled at once, by the rows that
`resampling.bootstrap` would draw from the block's seed. The first samples of each block are put to
`resampling.bootstrap` itself, which has to say the same.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from coverage_case import Case, against
from scipy.special import ndtr, ndtri

from gatekit.stats import resampling

LAWS = {
    "share of right answers, 0.9": (lambda r, size: (r.random(size) < 0.9) * 1.0, 0.9),
    "|error|, normal": (lambda r, size: np.abs(r.normal(size=size)), math.sqrt(2 / math.pi)),
    "|error|, exponential less 1": (
        lambda r, size: np.abs(r.exponential(size=size) - 1),
        2 / math.e,
    ),
    "profit: -5 or 1, 1 in 10 lost": (
        lambda r, size: np.where(r.random(size) < 0.1, -5.0, 1.0),
        0.4,
    ),
}
ROWS = (200, 400, 1000)
CHECKED = 2  # samples of a block that the product is asked about


def cases():
    """The lines, in order."""
    return [
        Case("mean of own losses", law, n, "<=", partial(_mean, law, n))
        for law in LAWS
        for n in ROWS
    ]


def _mean(law, n, random, size, level):
    draw, truth = LAWS[law]
    losses, seed = draw(random, (size, n)), int(random.integers(1 << 31))
    low, high = bounds_of_means(losses, level, seed)
    for row in range(min(CHECKED, size)):
        said = product(losses[row], level, seed)
        assert np.allclose((low[row], high[row]), said[1:3], rtol=1e-9, atol=1e-12), (law, n, said)
    return against(truth, low, high)


def product(losses, level, seed):
    """What `gate.measure` says of the mean of the losses of one sample, (n,)."""
    zeros = np.zeros(losses.size)
    return resampling.bootstrap(lambda y, said: (said - y).mean(), zeros, losses, level, seed)


def bounds_of_means(losses, level, seed):
    """BCa bounds (Efron 1987) on the means of samples (R, n), from 200 rows on, as the product's.

    Every sample is resampled by the same rows, those of `seed`.
    """
    size, n = losses.shape
    total = resampling.resamples_for(level)
    rows = np.random.default_rng(seed).integers(0, n, (total, n))
    often = np.stack([np.bincount(row, minlength=n) for row in rows]).astype(float)
    drawn = losses @ often.T / n  # (R, resamples)
    drawn.sort(axis=1)
    value = losses.mean(axis=1, keepdims=True)
    below, up_to = ((drawn < value).sum(axis=1), (drawn <= value).sum(axis=1))
    bias = ndtri((below + up_to) / (2 * total))
    beside = losses - value
    skew = (beside**3).sum(axis=1) / (6 * (beside**2).sum(axis=1) ** 1.5)
    ends = []
    for z in (ndtri(resampling.LEAN * (1 - level)), -ndtri(resampling.LEAN * (1 - level))):
        share = ndtr(bias + (bias + z) / (1 - skew * (bias + z)))
        place = share * (total - 1)
        under = np.clip(np.floor(place).astype(int), 0, total - 2)
        each = np.arange(size)
        step = drawn[each, under + 1] - drawn[each, under]
        ends.append(drawn[each, under] + (place - under) * step)
    return np.minimum(ends[0], value[:, 0]), np.maximum(ends[1], value[:, 0])
