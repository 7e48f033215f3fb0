"""Bounds on how far a regression's numbers are from the truth, alone and against the champion's."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from coverage_case import Case, against

from gatekit.stats import regression

MANY, TIMES = 1_000_000, 4  # rows from which a truth is taken that has no closed form
ERRORS = {
    "normal errors": lambda r, s: r.normal(size=s),
    "normal errors, shifted": lambda r, s: 0.2 + r.normal(size=s),
    "skewed errors (lognormal 0.5)": lambda r, s: r.lognormal(0, 0.5, s) - 1,
    "exponential errors": lambda r, s: r.exponential(size=s) - 1,
    "heavy tails (Student, 8 d.f.)": lambda r, s: r.standard_t(8, s),
    "uneven (spread 0.2 to 2)": lambda r, s: r.normal(size=s) * r.uniform(0.2, 2, s),
}
ROWS = (50, 200, 400)
SINGLE = {
    "MAE": lambda y, said, level: regression.of_mean(np.abs(said - y), level),
    "RMSE": regression.root_mean_square,
    "R2": regression.determination,
    "|bias|": regression.size_of_bias,
    "quantile loss 0.9": lambda y, said, level: regression.of_mean(
        regression.pinball(y, said, 0.9), level
    ),
}
PAIRED = {
    "MAE gain": lambda new, old, level: regression.mean_fall(np.abs(new), np.abs(old), level),
    "RMSE rise": regression.root_rise,
}


def cases():
    """The lines, in order."""
    made = [
        Case(name, law, n, ">=" if name == "R2" else "<=", partial(_alone, name, law, n))
        for name in SINGLE
        for law in ERRORS
        for n in ROWS
    ]
    made += [
        Case(name, law, n, ">=" if name == "MAE gain" else "<=", partial(_pairs, name, law, n))
        for name in PAIRED
        for law in ("normal errors", "exponential errors")
        for n in ROWS
    ]
    return made


def _data(law, random, shape):
    """Truth of spread 2 and what is said of it, each `shape`."""
    said = 2 * random.normal(size=shape)
    return said - ERRORS[law](random, shape), said


@cache
def _truth(name, law):
    random = np.random.default_rng(99)
    return np.mean([SINGLE[name](*_data(law, random, MANY), 0.5)[0] for _ in range(TIMES)])


def _alone(name, law, n, random, size, level):
    y, said = _data(law, random, (size, n))
    return against(_truth(name, law), *SINGLE[name](y, said, level)[1:])


def _errors(law, random, shape):
    """Of a candidate and its champion, who share most of what they get wrong."""
    shared = ERRORS[law](random, shape)
    return shared + 0.3 * random.normal(size=shape), shared + 0.8 * random.normal(size=shape)


@cache
def _paired_truth(name, law):
    random = np.random.default_rng(98)
    return np.mean([PAIRED[name](*_errors(law, random, MANY), 0.5)[0] for _ in range(TIMES)])


def _pairs(name, law, n, random, size, level):
    new, old = _errors(law, random, (size, n))
    return against(_paired_truth(name, law), *PAIRED[name](new, old, level)[1:])
