"""Bounds made of counts: rates, measures of a confusion table, slices, pairs, quantiles."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from coverage_case import Case, Seen, against, each

from gatekit.stats import confusion, multiplicity, paired, proportion, quantile

DRAWS_AT_ONCE = 50


def truth(shares, right):
    """Cell shares of a model that labels a share `right` of each label's rows rightly."""
    shares, right, k = np.array(shares), np.array(right), len(shares)
    wrong = (shares * (1 - right) / (k - 1))[:, None] * (1 - np.eye(k))
    return wrong + np.diag(shares * right)


TABLES = {
    "even, 90 % right": truth([0.5, 0.5], [0.9, 0.9]),
    "one in ten, 80 % found": truth([0.9, 0.1], [0.98, 0.8]),
    "one in fifty, half found": truth([0.98, 0.02], [0.99, 0.5]),
    "30 %, 97 to 99 % right": truth([0.7, 0.3], [0.99, 0.97]),
    "three labels, 70 to 90 % right": truth([0.6, 0.3, 0.1], [0.9, 0.8, 0.7]),
    "five labels, 80 to 95 % right": truth([0.4, 0.3, 0.1, 0.1, 0.1], [0.95, 0.9, 0.9, 0.8, 0.8]),
}
MEASURES = {
    "balanced accuracy": confusion.balanced_accuracy,
    "macro recall": confusion.macro_recall,
    "macro precision": confusion.macro_precision,
    "macro F1": confusion.macro_f1,
    "macro specificity": confusion.macro_specificity,
    "MCC": confusion.matthews,
}
ALL_OF = ("one in ten, 80 % found", "three labels, 70 to 90 % right")
FEW = ("balanced accuracy", "macro F1", "MCC")
RATES = {  # of tables [y, p]: k and n
    "precision": lambda t: (t[:, 1, 1], t[:, :, 1].sum(axis=1)),
    "recall": lambda t: (t[:, 1, 1], t[:, 1].sum(axis=1)),
    "specificity": lambda t: (t[:, 0, 0], t[:, 0].sum(axis=1)),
    "F1": lambda t: (t[:, 1, 1], t.sum(axis=(1, 2)) - t[:, 0, 0]),
}
SLICES = {
    "12 of 80 %": [0.8] * 12,
    "4, 80 to 95 %": [0.8, 0.85, 0.9, 0.95],
    "100 of 98 %": [0.98] * 100,
}
PAIRS = {
    "won 5 %, lost 5 %": (0.05, 0.05),
    "won 2 %, lost 4 %": (0.02, 0.04),
    "won 10 %, lost 2 %": (0.1, 0.02),
    "won none, lost 1 %": (0.0, 0.01),
    "won 1 %, lost none": (0.01, 0.0),
    "won 0.05 %, lost 0.5 %": (0.0005, 0.005),
    "won 20 %, lost 15 %": (0.2, 0.15),
}


def cases():
    """The lines, in order."""
    made = [
        Case("accuracy", f"{p:.0%} right", n, ">=", partial(_rate, n, p))
        for p in (0.5, 0.8, 0.9, 0.99)
        for n in (30, 400, 10_000)
    ]
    for law in list(TABLES)[:4]:
        for n in (100, 1000):
            made += [Case(r, law, n, ">=", partial(_positive, r, law, n)) for r in RATES]
    for law in TABLES:
        for n in (50, 400):
            some = MEASURES if law in ALL_OF else FEW
            made += [Case(m, law, n, ">=", partial(_of_table, m, law, n)) for m in some]
    made += [
        Case("worst slice", law, n * len(p), ">=", partial(_worst, n, p))
        for law, p in SLICES.items()
        for n in (30, 400)
    ]
    made += [
        Case("accuracy gain", law, n, ">=", partial(_pairs, n, *p))
        for law, p in PAIRS.items()
        for n in (100, 400, 4000)
    ]
    made += [
        Case("quantile", f"{q:g} of times", n, "<=", partial(_quantile, n, q))
        for q, n in ((0.5, 30), (0.5, 200), (0.99, 200), (0.99, 1000))
    ]
    return made


def _rate(n, p, random, size, level):
    return against(p, *proportion.bounds(random.binomial(n, p, size), n, level))


def _positive(name, law, n, random, size, level):
    shares = TABLES[law]
    tables = random.multinomial(n, shares.ravel(), size).reshape(-1, 2, 2)
    k, rows = RATES[name](tables)
    low, high = proportion.bounds(k, rows, level)
    part, whole = RATES[name](shares[None])
    target = float(part[0] / whole[0])
    if name == "F1":
        target, low, high = (confusion.f1_of_share(share) for share in (target, low, high))
    unknown = (rows == 0) | (tables[:, 1].sum(axis=1) == 0)
    return against(target, np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high))


def _of_table(name, law, n, random, size, level):
    """As `confusion.bounds` would say; draws for a table end when the answer is known."""
    shares, measure = TABLES[law], MEASURES[name]
    drawn = random.multinomial(n, shares.ravel(), size).reshape(-1, *shares.shape)
    found, place = np.unique(drawn, axis=0, return_inverse=True)  # a table is judged once
    tables = found.astype(float)
    target, right = float(measure(shares)), np.eye(len(shares))
    thin = (tables.sum(axis=1) == 0).any(axis=1) | (tables.sum(axis=2) == 0).any(axis=1)
    worse = tables + (1 - right) / (len(shares) - 1)
    lower = thin | (measure(tables) <= target)
    lower[~lower] = _reached(measure, worse[~lower], target, level, random, below=True)
    upper = thin | (measure(tables) >= target)
    upper[~upper] = _reached(measure, (tables + right)[~upper], target, level, random, below=False)
    back = place.ravel()
    return Seen(lower[back], upper[back], thin[back])


def _reached(measure, shapes, target, level, random, *, below):
    """Whether the bound lies on the truth's far side: enough draws do, (R,)."""
    total = confusion.draws_for(level)
    # the quantile is the place-th smallest (largest) draw, as numpy's "lower" ("higher") has it
    place = math.floor((1 - level) * (total - 1) + 1e-9) + 1
    counted, left = np.zeros(len(shapes), dtype=np.int64), np.arange(len(shapes))
    for _ in range(0, total, DRAWS_AT_ONCE):
        size = (DRAWS_AT_ONCE, left.size, *shapes.shape[1:])
        found = measure(random.standard_gamma(np.broadcast_to(shapes[left], size)))
        counted[left] += ((found <= target) if below else (found >= target)).sum(axis=0)
        left = left[counted[left] < place]
        if not left.size:
            break
    return counted >= place


def _worst(n, p, random, size, level):
    draws = random.binomial(n, p, (size, len(p)))
    return each(min(p), partial(_smallest, n, level), draws[:, None])


def _smallest(n, level, k):
    return multiplicity.smallest(k, np.full(k.size, n), level)


def _pairs(n, won, lost, random, size, level):
    draws = random.multinomial(n, [won, lost, 1 - won - lost], size)
    found, place = np.unique(draws[:, :2], axis=0, return_inverse=True)
    bounds = [paired.accuracy_difference(int(b), int(c), n, level) for b, c in found]
    bounds = np.array(bounds)[place.ravel()]
    return against(won - lost, bounds[:, 1], bounds[:, 2])


def _quantile(n, q, random, size, level):
    draws = random.exponential(size=(size, 1, n))
    return each(-math.log1p(-q), lambda times: quantile.bounds(times, q, level), draws)
