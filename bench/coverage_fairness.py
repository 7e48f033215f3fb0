"""Do the joint fairness bounds hold jointly? Simulation over a grid of rows, rates and groups.

    python bench/coverage_fairness.py [REPLICATES]

For each cell of the grid tables are drawn from a known law, and the product's method is put to
each: the studentised maximum with as many resamples as the product takes where it is valid, else
the exact intervals. `all` is the share of tables where every difference of two groups, in every
grouping, lies within its bounds; `gap` where the largest one does; `false pass` and `false fail`
are the shares where its upper bound is below it, its lower above it. `exact` is the share
of tables with too few rows for the bootstrap: these keep a bar open unless the exact bounds decide.

A resample only has to be compared with the observed statistic: the critical value exceeds it if
enough resamples do, so drawing for a table stops when enough have. The answer is the same.
"""

from __future__ import annotations

import math
import multiprocessing
import sys
import time
from dataclasses import dataclass, field

import numpy as np

from gatekit.evidence.groupings import Grouping
from gatekit.gates import groups
from gatekit.stats import gaps, proportion
from gatekit.stats.gaps import FEWEST

LEVEL = 0.95
BLOCK = 100  # tables and resamples drawn at once: a bound on memory
AT_ONCE = 500
SELECTION = (groups.selected,)
ODDS = (groups.true_positive, groups.false_positive)


@dataclass(frozen=True)
class Case:
    """A law of rows: shares of the joint groups, and P(true), P(said | true), P(said | false)."""

    title: str
    n: int
    shares: np.ndarray
    base: np.ndarray
    tpr: np.ndarray
    fpr: np.ndarray
    rates: tuple = SELECTION
    scale: str = "difference"
    places: tuple = field(default=())  # of each grouping: the group of each joint group

    @property
    def law(self):
        """Shares of the joint cells, (C,)."""
        cells = np.stack(
            [
                (1 - self.base) * (1 - self.fpr),
                (1 - self.base) * self.fpr,
                self.base * (1 - self.tpr),
                self.base * self.tpr,
            ],
            axis=1,
        )
        law = (self.shares / self.shares.sum())[:, None] * cells
        return law.ravel()

    @property
    def groupings(self):
        label = np.tile(np.arange(4), self.shares.size)
        each = self.places or (np.arange(self.shares.size),)
        return [
            Grouping("", ("",) * (place.max() + 1), 4 * np.repeat(place, 4) + label)
            for place in each
        ]

    def read(self, counts):
        """(..., C) to the product's families of rates."""
        tables = [grouping.tables(counts) for grouping in self.groupings]
        return [rate(table) for table in tables for rate in self.rates]

    def truths(self):
        """The true rates of every family: read off the law, scaled to whole numbers."""
        read = self.read(np.rint(self.law * 1e15).astype(np.int64))
        return [gaps.on_scale(each.k / each.n, self.scale) for each in read]


def selection(title, n, shares, rates, **how):
    rates = np.asarray(rates, dtype=float)
    return Case(title, n, np.asarray(shares, dtype=float), rates * 0, rates, rates, **how)


def odds(title, n, tpr, fpr, base=0.5, **how):
    tpr, fpr = np.asarray(tpr, dtype=float), np.asarray(fpr, dtype=float)
    return Case(title, n, np.ones(tpr.size), tpr * 0 + base, tpr, fpr, rates=ODDS, **how)


SEX, RACE = np.repeat(np.arange(2), 5), np.tile(np.arange(5), 2)
CROSSED = {"places": (SEX, RACE, np.arange(10))}
UNEVEN = (400, 300, 200, 100, 100)
GRID = [
    selection("2 groups of 100, 0.9", 200, (1, 1), (0.9, 0.9)),
    selection("2 groups of 200, 0.5", 400, (1, 1), (0.5, 0.5)),
    selection("1,000 and 200, 0.1 and 0.2", 1200, (5, 1), (0.1, 0.2)),
    selection("3: 5,000 to 100, 0.02 to 0.05", 5600, (50, 5, 1), (0.02, 0.03, 0.05)),
    selection("5 of 400 to 100, 0.4 to 0.6", 1100, UNEVEN, (0.5, 0.55, 0.4, 0.6, 0.5)),
    selection("10 groups of 100, 0.1", 1000, np.ones(10), np.full(10, 0.1)),
    selection("10 groups of 100, 0.2", 1000, np.ones(10), np.full(10, 0.2)),
    selection("10 groups of 200, 0.3", 2000, np.ones(10), np.full(10, 0.3)),
    selection("10 of 1,000, 0.05 to 0.95", 10000, np.ones(10), np.linspace(0.05, 0.95, 10)),
    selection(
        "sex, race, crossed: 5,000",
        5000,
        np.outer((1, 1), (60, 20, 10, 5, 5)).ravel(),
        np.linspace(0.3, 0.5, 10),
        **CROSSED,
    ),
    odds("odds, 5 of 400", 2000, np.full(5, 0.8), np.full(5, 0.2)),
    odds("odds, 10 of 1,000", 10000, np.linspace(0.7, 0.8, 10), np.full(10, 0.1), 0.3),
    selection("ratio, 2 groups of 200, 0.2", 400, (1, 1), (0.2, 0.2), scale="ratio"),
    selection("ratio, 5 of 400 to 100", 1100, UNEVEN, (0.5, 0.55, 0.4, 0.6, 0.5), scale="ratio"),
    selection("ratio, 10 of 200, 0.1", 2000, np.ones(10), np.full(10, 0.1), scale="ratio"),
]


def valid(families):
    """Which tables the bootstrap is valid for, (R,)."""
    least = [np.minimum(each.k, each.n - each.k).min(axis=-1) for each in families]
    return np.min(least, axis=0) >= FEWEST


def needed(families, truths, scale):
    """The critical values that cover every difference, the gap from above, and from below."""
    everything = gaps.statistic(families, truths, scale)
    gap = max(float(each.max() - each.min()) for each in truths)
    above, below = np.full(everything.shape, np.inf), np.zeros(everything.shape)
    for each in families:
        x, v = gaps.smoothed(each, scale)
        for g in range(x.shape[-1]):
            for h in range(x.shape[-1]):
                if g == h:
                    continue
                se = np.sqrt(v[..., g] + v[..., h])
                difference = x[..., g] - x[..., h]
                above = np.minimum(above, (gap - difference) / se)
                below = np.maximum(below, (difference - gap) / se)
    return everything, above, below


def exceeded(case, counts, thresholds, random, level=LEVEL):
    """Whether the critical value reaches each threshold, (R, T), by the product's resamples."""
    draws = gaps.resamples_for(level)
    enough = draws - math.ceil((draws + 1) * level) + 1  # so many reach it: the quantile does
    found = np.zeros(thresholds.shape, dtype=np.int64)
    left = np.arange(len(counts))
    total = counts.sum(axis=1)
    # the observed rates are the truth that the resamples err from
    truths = [gaps.on_scale(each.k / each.n, case.scale) for each in case.read(counts)]
    for _ in range(0, draws, BLOCK):
        shares = counts[left] / total[left, None]
        drawn = random.multinomial(total[left], shares, size=(BLOCK, left.size))
        seen = gaps.statistic(case.read(drawn), [t[left] for t in truths], case.scale)
        found[left] += (seen[:, :, None] >= thresholds[left]).sum(axis=0)
        left = left[found[left].min(axis=1) < enough]
        if not left.size:
            break
    return found >= enough


def exactly(families, truths, scale, level=LEVEL):
    """As `exceeded`, for the exact intervals, (R, 3)."""
    gap = max(float(each.max() - each.min()) for each in truths)
    everything, above, below = True, -np.inf, -np.inf
    for each, truth in zip(families, truths, strict=True):
        share = 1 - (1 - level) / (2 * each.k.shape[-1] * len(families))
        low, high = (gaps.on_scale(p, scale) for p in proportion.bounds(each.k, each.n, share))
        everything = everything & ((low <= truth) & (truth <= high)).all(axis=-1)
        above = np.maximum(above, _most(high, low))
        below = np.maximum(below, _most(low, high))
    return np.stack([everything, above >= gap, below <= gap], axis=1)


def _most(one, other):
    """The largest one[g] - other[h] of two different groups."""
    size = one.shape[-1]
    pairs = one[..., :, None] - other[..., None, :]
    pairs[..., np.arange(size), np.arange(size)] = -np.inf
    return pairs.max(axis=(-1, -2))


def simulate(case, replicates, seed, level=LEVEL):
    """Shares of tables where all, the gap from above and from below are covered; and of exact."""
    random = np.random.default_rng(seed)
    truths = case.truths()
    held, exact = [], 0
    for start in range(0, replicates, AT_ONCE):
        counts = random.multinomial(case.n, case.law, size=min(AT_ONCE, replicates - start))
        boot = valid(case.read(counts))
        exact += int((~boot).sum())
        held.append(exactly(case.read(counts[~boot]), truths, case.scale, level))
        thresholds = np.stack(needed(case.read(counts[boot]), truths, case.scale), axis=1)
        held.append(exceeded(case, counts[boot], thresholds, random, level))
    return np.concatenate(held).mean(axis=0), exact / replicates


def width(case, seed, tables=50):
    """Mean reach above the value: the product's bound over the exact one."""
    random = np.random.default_rng(seed)
    ours, theirs = 0.0, 0.0
    for counts in random.multinomial(case.n, case.law, size=tables):
        families = case.read(counts)
        if not valid(families):
            continue

        def resample(total, counts=counts):
            yield case.read(random.multinomial(case.n, counts / case.n, size=total))

        for_all = gaps.gaps(families, resample, LEVEL, case.scale)
        exact = gaps.exact(families, for_all.values, LEVEL, case.scale)
        pick = 0 if case.scale == "ratio" else 1
        value = (min if pick == 0 else max)(for_all.values)
        ours += abs(for_all.bounds()[pick] - value)
        theirs += abs(exact.bounds()[pick] - value)
    return ours / theirs if theirs else math.nan


def run(job):
    """One line of the table: shares held, of exact bounds, and the width."""
    place, replicates, level = job
    return (
        GRID[place],
        *simulate(GRID[place], replicates, place, level),
        width(GRID[place], place),
    )


def main(replicates, level=LEVEL, cores=1):
    slack = 3 * math.sqrt(level * (1 - level) / replicates)
    draws = gaps.resamples_for(level)
    print(f"joint level {level:g}, {replicates:,} tables a row, {draws:,} resamples each;")
    print(f"all, gap: at least {level - slack:.4f}; width: against the exact bounds\n")
    print(f"{'':<32}{'all':>8}{'gap':>8}{'false':>8}{'false':>8}{'exact':>7}{'width':>7}")
    print(f"{'':<32}{'':>8}{'':>8}{'pass':>8}{'fail':>8}")
    short, jobs = 0, [(place, replicates, level) for place in range(len(GRID))]
    with multiprocessing.Pool(cores) as pool:
        for case, (everything, above, below), exact, reach in pool.imap(run, jobs):
            low = everything < level - slack
            short += low
            print(
                f"{case.title:<32}{everything:>8.4f}{above + below - 1:>8.4f}{1 - above:>8.4f}"
                f"{1 - below:>8.4f}{exact:>7.2f}{reach:>7.2f}{'  SHORT' if low else ''}",
                flush=True,
            )
    return short


if __name__ == "__main__":
    began = time.perf_counter()
    failures = main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    print(f"\n{failures} short, {time.perf_counter() - began:.0f} s")
    sys.exit(bool(failures))
