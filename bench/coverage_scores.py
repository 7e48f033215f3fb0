"""Bounds on what scores are worth: as a ranking, as probabilities, and against the champion's."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np
from coverage_case import Case, against, each
from scipy.stats import norm

from gatekit.evidence.scores import score_table
from gatekit.gates.group_calibration import error_of_group
from gatekit.stats import auc, average_precision, calibration, gaps, probabilities, regression

MANY = 2_000_000  # rows from which a truth is taken that has no closed form
RANKED = {  # AUC, spread of the positive rows where the others' is 1, positive and other rows
    "0.6": (0.6, 1, 30, 30),
    "0.8": (0.8, 1, 40, 160),
    "0.8, uneven spread": (0.8, 3, 60, 240),
    "0.9": (0.9, 1, 500, 500),
    "0.95": (0.95, 1, 30, 270),
    "0.95, one in fifty": (0.95, 1, 100, 4900),
    "0.97, uneven spread": (0.97, 3, 60, 240),
    "0.99": (0.99, 1, 60, 60),
    "0.99, one in ten": (0.99, 1, 100, 900),
    "0.999": (0.999, 1, 200, 200),
}
PRECISE = {  # how far apart the labels' scores are, rows, share of positive ones
    "0.4 apart, one in ten": (0.4, 1000, 0.1),
    "1 apart, half": (1.0, 120, 0.5),
    "1.8 apart, half": (1.8, 200, 0.5),
    "2 apart, one in ten": (2.0, 1000, 0.1),
    "2 apart, one in fifty": (2.0, 5000, 0.02),
    "3.5 apart, half": (3.5, 300, 0.5),
}
CLOSE = {  # AUC of the new model, noise that the old one has besides, positive and other rows
    "0.8, much alike": (0.8, 0.5, 30, 60),
    "0.8, alike": (0.8, 1.0, 60, 400),
    "0.95, much alike": (0.95, 0.5, 60, 400),
    "0.95, nearly the same": (0.95, 0.1, 60, 400),
    "0.99, alike": (0.99, 1.0, 100, 900),
    "0.7, unlike": (0.7, 3.0, 100, 100),
}
STATED = {  # Beta law of what is stated, and what comes true of it
    "calibrated, even": ((1, 1), lambda p: p),
    "too bold, even": ((1, 1), lambda p: 0.5 + (p - 0.5) * 0.7),
    "bent, even": ((1, 1), lambda p: p**1.5),
    "calibrated, one in ten": ((0.5, 4.5), lambda p: p),
    "twice too high, one in twenty": ((0.5, 4.5), lambda p: p / 2),
    "calibrated, one in fifty": ((1, 49), lambda p: p),
    "twice too low, one in twenty": ((1, 39), lambda p: 2 * p / (1 + p)),
}
GROUPS = {
    "5 groups, all calibrated": ("calibrated, even",) * 5,
    "3 groups, one of them too bold": ("too bold, even", *("calibrated, even",) * 2),
    "2 groups, rare, one too high": (
        "twice too high, one in twenty",
        "calibrated, one in fifty",
    ),
}
LOSSES = {
    "log loss": probabilities.log_losses,
    "Brier score": probabilities.square_losses,
}


def cases():
    """The lines, in order."""
    made = [
        Case("AUC", law, m + n, ">=", partial(_auc, *rest, (m, n)))
        for law, (*rest, m, n) in RANKED.items()
    ]
    made += [
        Case("average precision", law, n, ">=", partial(_precision, apart, n, share))
        for law, (apart, n, share) in PRECISE.items()
    ]
    made += [
        Case("AUC gain", law, m + n, ">=", partial(_gain, *rest, (m, n)))
        for law, (*rest, m, n) in CLOSE.items()
    ]
    made += [
        Case(name, law, n, "<=", partial(_loss, name, law, n))
        for name in LOSSES
        for law in STATED
        for n in (50, 200, 1000)
    ]
    made += [
        Case("calibration error", law, n, "<=", partial(_calibration, law, n))
        for law in STATED
        for n in (100, 750, 3000)
    ]
    made += [
        Case("calibration gap", title, n * len(laws), "<=", partial(_gap, laws, n))
        for title, laws in GROUPS.items()
        for n in (50, 750)
    ]
    made += [
        Case("log loss rise", law, n, "<=", partial(_rise, law, n))
        for law in ("calibrated, even", "calibrated, one in fifty")
        for n in (50, 200, 1000)
    ]
    return made


def ranked(random, size, m, n, apart, spread=1.0):
    """`size` times the scores of m positive and n other rows, and which are positive."""
    own = random.normal(apart, spread, (size, m))
    scores = np.concatenate([own, random.normal(size=(size, n))], axis=1)
    return scores, np.arange(m + n) < m


def _auc(area, spread, rows, random, size, level):
    scores, positive = ranked(random, size, *rows, norm.ppf(area) * math.hypot(1, spread), spread)

    def bounded(row):
        table = score_table(row, positive)
        return auc.bounds(auc.area(table.positive, table.other), level)

    return each(area, bounded, scores[:, None])


@cache
def _true_precision(apart, share):
    """From sums over a fine grid of thresholds."""
    at = np.linspace(-12, 12 + apart, 400_001)
    found, wrong = share * norm.sf(at - apart), (1 - share) * norm.sf(at)
    precision = found / np.maximum(found + wrong, 1e-300)
    return float(-np.trapezoid(precision, norm.sf(at - apart)))


def _precision(apart, rows, share, random, size, level):
    low, high = np.empty(size), np.empty(size)
    for i, m in enumerate(random.binomial(rows, share, size)):
        scores, positive = ranked(random, 1, m, rows - m, apart)
        table = score_table(scores[0], positive)
        found = average_precision.bounds(table.positive, table.other, level)
        low[i], high[i] = found[1:]
    return against(_true_precision(apart, share), low, high)


def _gain(area, noise, rows, random, size, level):
    apart = norm.ppf(area) * math.sqrt(2)
    new, positive = ranked(random, size, *rows, apart)
    old = new + noise * random.normal(size=new.shape)
    target = area - norm.cdf(apart / math.sqrt(2 * (1 + noise**2)))

    def bounded(one, other):
        return auc.difference(one, other, positive, level)

    return each(target, bounded, zip(new, old, strict=True))


def _stated(law, random, shape):
    (a, b), come_true = STATED[law]
    p = np.clip(random.beta(a, b, shape), 1e-9, 1 - 1e-9)
    return p, random.random(shape) < come_true(p)


@cache
def _many(law):
    """Stated probabilities, rising, and what comes true of them: as good as the law."""
    p, _ = _stated(law, np.random.default_rng(97), MANY)
    p.sort()
    return p, STATED[law][1](p)


@cache
def _true_loss(name, law):
    p, share = _many(law)
    came, failed = (LOSSES[name](p, np.full(p.shape, true))[0] for true in (True, False))
    return float((share * came + (1 - share) * failed).mean())


def _loss(name, law, n, random, size, level):
    p, true = _stated(law, random, (size, n))

    losses, worst = zip(*(LOSSES[name](*row) for row in zip(p, true, strict=True)), strict=True)
    found = regression.of_mean(np.array(losses), level, np.array(worst))
    return against(_true_loss(name, law), *found[1:])


@cache
def _true_calibration(law, bins):
    p, share = _many(law)
    parts = zip(np.array_split(p, bins), np.array_split(share, bins), strict=True)
    return math.sqrt(np.mean([(said.mean() - came.mean()) ** 2 for said, came in parts]))


def _calibration(law, n, random, size, level):
    p, true = _stated(law, random, (size, n))
    target = _true_calibration(law, min(calibration.BINS, n // calibration.ROWS_OF_A_BIN))

    def bounded(said, came):
        table = score_table(said, came)
        rows = (table.positive + table.other).astype(float)
        return calibration.bounds(
            calibration.bins(table.scores, table.positive.astype(float), rows), level
        )

    return each(target, bounded, zip(p, true, strict=True))


def _gap(laws, n, random, size, level):
    """Groups of n rows each, whose scores follow a law of their own."""
    share = 1 - (1 - level) / (2 * len(laws))
    bins = min(calibration.BINS, n // calibration.ROWS_OF_A_BIN)
    errors = [_true_calibration(law, bins) for law in laws]
    drawn = [zip(*_stated(law, random, (size, n)), strict=True) for law in laws]
    found = []
    for groups in zip(*drawn, strict=True):
        bounds = np.array([error_of_group(*group, share)[1:] for group in groups])
        low, high = gaps.between_intervals(*bounds.T)
        found.append(gaps.Gaps("difference", (), (low,), (high,), "").bounds())
    return against(max(errors) - min(errors), *np.array(found).T)


def _rise(law, n, random, size, level):
    """The champion says what is true; the candidate pulls it a little towards its mean."""
    p, true = _stated(law, random, (size, n))

    new = _pulled(law, p)
    losses = [
        np.array([probabilities.log_losses(*row)[0] for row in zip(said, true, strict=True)])
        for said in (new, p)
    ]
    ends = np.array([probabilities.ends_of_rise(*row) for row in zip(new, p, strict=True)]).T
    return against(_true_rise(law), *regression.mean_rise(*losses, level, tuple(ends))[1:])


def _pulled(law, p):
    (a, b), _ = STATED[law]
    return 0.7 * p + 0.3 * a / (a + b)


@cache
def _true_rise(law):
    p, share = _many(law)
    new, rise = _pulled(law, p), 0.0
    for true, chance in ((True, share), (False, 1 - share)):
        came = np.full(p.shape, true)
        losses = [probabilities.log_losses(said, came)[0] for said in (new, p)]
        rise += float((chance * (losses[0] - losses[1])).mean())
    return rise
