"""Do the bounds hold as often as they say? Simulation over a grid of rows, rates and groups.

    python bench/coverage.py [--replicates 20000] [--level 0.95] [--only counts] [--cores 2]

Every bound that the accuracy suite (labels, scores, numbers, slices, and against the champion) and
the fairness suite give is put to data drawn from a known law: `lower` and `upper` are the shares of
replicates where the truth is not below the lower, not above the upper bound. `false pass` is how
often a bar that lies at the truth is cleared for sure. `open` is the share without a bound: there
the answer is INCONCLUSIVE, which is never wrong and so counts as held. A line that holds less often
than the level less three Monte-Carlo errors is called SHORT, and the exit code is 1.

`--level` takes the level of one use of many: a budget of 32 uses at 0.95 spends 0.9984 on each.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import coverage_counts
import coverage_drift
import coverage_fairness
import coverage_numbers
import coverage_own
import coverage_scores
import coverage_spending

SECTIONS = {
    "counts": coverage_counts.cases,
    "scores": coverage_scores.cases,
    "numbers": coverage_numbers.cases,
    "own": coverage_own.cases,
}
ALONE = ("fairness", "drift", "spending")  # each with a table of its own
HEAD = f"{'measure':<19}{'law':<36}{'rows':>7}{'lower':>8}{'upper':>8}{'false pass':>12}{'open':>7}"


def slack(level, replicates):
    """Three Monte-Carlo errors of a share that is the level."""
    return 3 * math.sqrt(level * (1 - level) / replicates)


def run(job):
    """One line of the table: shares held, and of no bound."""
    section, place, replicates, level = job
    case = SECTIONS[section]()[place]
    seen = case.simulate(replicates, level, seed=place)
    return case, seen


def line(case, seen, short):
    lower, upper, blank = seen.shares()
    passed = 1 - (lower if case.op == ">=" else upper)
    return (
        f"{case.measure:<19}{case.law:<36}{case.rows:>7,}{lower:>8.4f}{upper:>8.4f}"
        f"{passed:>12.4f}{blank:>7.2f}{'  SHORT' if short else ''}"
    )


def table(sections, replicates, level, cores):
    """Print the lines of the sections as they are done; how many are short."""
    jobs = [
        (name, place, replicates, level)
        for name in sections
        for place in range(len(SECTIONS[name]()))
    ]
    least, short, began = level - slack(level, replicates), 0, time.perf_counter()
    print(f"one-sided level {level:g}, {replicates:,} replicates a line; at least {least:.4f}\n")
    print(HEAD, flush=True)
    with multiprocessing.Pool(cores) as pool:
        for done, (case, seen) in enumerate(pool.imap(run, jobs), 1):
            lower, upper, _ = seen.shares()
            missed = min(lower, upper) < least
            short += missed
            print(line(case, seen, missed), flush=True)
            spent = time.perf_counter() - began
            print(f"  {done} of {len(jobs)} lines, {spent:.0f} s", end="\r", file=sys.stderr)
    print(f"\n{short} of {len(jobs)} short, {time.perf_counter() - began:.0f} s on {cores} cores\n")
    return short


def main():
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--replicates", type=int, default=20_000)
    asked.add_argument("--level", type=float, default=0.95)
    asked.add_argument("--only", choices=[*SECTIONS, *ALONE])
    asked.add_argument("--cores", type=int, default=2)
    given = asked.parse_args()
    began, short = time.perf_counter(), 0
    chosen = [given.only] if given.only else [*SECTIONS, *ALONE]
    if counted := [name for name in chosen if name in SECTIONS]:
        short += table(counted, given.replicates, given.level, given.cores)
    if "fairness" in chosen:
        short += coverage_fairness.main(given.replicates, given.level, given.cores)
    if "drift" in chosen:
        short += coverage_drift.main(given.replicates, given.cores)
    if "spending" in chosen:
        short += coverage_spending.main(given.replicates)
    computed = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    print(f"\n{short} short, {time.perf_counter() - began:.0f} s in all, {computed:.0f} s computed")
    return bool(short)


if __name__ == "__main__":
    sys.exit(main())
