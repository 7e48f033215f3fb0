"""Do the bounds on drift hold? Simulation over a grid of laws and sizes of two samples.

    python bench/coverage_drift.py [REPLICATES]

`low` and `high` are how often the one-sided 0.95 bound lies on its side of the true effect. `value`
is the mean of the estimate, `true` the effect.
"""

from __future__ import annotations

import math
import multiprocessing
import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from gatekit.stats import drift

LEVEL = 0.95
DECILES = norm.ppf(np.arange(1, 10) / 10)


@dataclass(frozen=True)
class Case:
    """A reference N(0, 1) of m rows against a current N(shift, scale) of n, by one measure."""

    measure: str
    m: int
    n: int
    shift: float = 0.0
    scale: float = 1.0
    values: tuple = ()  # shares of categories: of the reference, of the current

    @property
    def title(self):
        law = f"N({self.shift:g}, {self.scale:g})"
        if self.values:
            law = f"{len(self.values[0])} values" + (
                "" if self.values[0] == self.values[1] else ", moved"
            )
        return f"{self.measure:<12}{self.m:>7,}{self.n:>8,}  {law}"


def by_bins(case, random, replicates):
    """PSI: the reference's own quantiles are the bins, and the true shares those bins have."""
    for _ in range(replicates):
        a, b = random.normal(size=case.m), random.normal(case.shift, case.scale, case.n)
        edges = drift.quantile_bins(a)
        found = drift.psi(*(drift.counts(each, edges)[:-1] for each in (a, b)))
        p = np.diff(norm.cdf(edges), prepend=0, append=1)
        q = np.diff(norm.cdf(edges, case.shift, case.scale), prepend=0, append=1)
        yield found, float(((q - p) * np.log(q / p)).sum())


def by_category(case, random, replicates):
    p, q = (np.array(each) for each in case.values)
    true = {
        "V": math.sqrt(((p - q) ** 2 / (p + q)).sum() / 2),
        "PSI values": float(((q - p) * np.log(q / p)).sum()),
    }[case.measure]
    function = drift.cramers_v if case.measure == "V" else drift.psi
    tables = random.multinomial(case.m, p, replicates), random.multinomial(case.n, q, replicates)
    for a, b in zip(*tables, strict=True):
        yield function(a.astype(float), b.astype(float)), true


def by_numbers(case, random, replicates):
    grid = np.linspace(-12, 12, 200_001)
    gap = np.abs(norm.cdf(grid) - norm.cdf(grid, case.shift, case.scale))
    true = float(gap.max() if case.measure == "KS" else gap.sum() * (grid[1] - grid[0]))
    function = drift.ks if case.measure == "KS" else drift.wasserstein
    for _ in range(replicates):
        a, b = random.normal(size=case.m), random.normal(case.shift, case.scale, case.n)
        yield function(a, b), true


DRAWN = {
    "PSI": by_bins,
    "V": by_category,
    "PSI values": by_category,
    "KS": by_numbers,
    "W": by_numbers,
}
SIZES = ((200, 200), (1000, 300), (2000, 2000))
EVEN, MOVED = (0.4, 0.3, 0.2, 0.1), (0.3, 0.3, 0.2, 0.2)
RARE, RARER = (0.9, 0.06, 0.04), (0.93, 0.06, 0.01)
GRID = (
    *(
        Case("PSI", m, n, *law)
        for m, n in SIZES
        for law in ((0.0, 1.0), (0.15, 1.0), (0.5, 1.0), (0.0, 1.5))
    ),
    *(
        Case(name, m, n, values=values)
        for name in ("V", "PSI values")
        for m, n in SIZES
        for values in ((EVEN, EVEN), (EVEN, MOVED), (RARE, RARER))
    ),
    *(
        Case(name, m, n, *law)
        for name in ("KS", "W")
        for m, n in ((50, 50), *SIZES)
        for law in ((0.0, 1.0), (0.2, 1.0), (1.0, 1.0), (0.0, 2.0))
    ),
)


def simulate(case, replicates, seed):
    """Shares held by lower and upper bounds; mean value; mean true effect."""
    random, low, high, values, truths = np.random.default_rng(seed), 0, 0, [], []
    for found, true in DRAWN[case.measure](case, random, replicates):
        below, above = found.bounds(LEVEL)
        low, high = low + (below <= true + 1e-12), high + (above >= true - 1e-12)
        values.append(found.value)
        truths.append(true)
    return low / replicates, high / replicates, float(np.mean(values)), float(np.mean(truths))


def run(job):
    """One line of the table."""
    place, replicates = job
    return simulate(GRID[place], replicates, seed=place)


def main(replicates, cores=1):
    least = LEVEL - 3 * math.sqrt(LEVEL * (1 - LEVEL) / replicates)
    print(f"level {LEVEL}, {replicates:,} pairs of samples a row; at least {least:.4f}\n")
    print(f"{'':<12}{'m':>7}{'n':>8}  {'current':<16}{'low':>8}{'high':>8}{'value':>8}{'true':>8}")
    short = 0
    jobs = [(place, replicates) for place in range(len(GRID))]
    with multiprocessing.Pool(cores) as pool:
        for case, found in zip(GRID, pool.imap(run, jobs), strict=True):
            low, high, value, true = found
            missed = min(low, high) < least
            short += missed
            line = f"{case.title:<45}{low:>8.4f}{high:>8.4f}{value:>8.4f}{true:>8.4f}"
            print(line + ("  SHORT" if missed else ""), flush=True)
    return short


if __name__ == "__main__":
    began = time.perf_counter()
    failures = main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    print(f"\n{failures} short, {time.perf_counter() - began:.0f} s")
    sys.exit(bool(failures))
