"""Does the spent level hold over 32 uses of one test set? Simulated people who wear it out.

    python bench/coverage_spending.py [RUNS]

Of 400 rows half can be judged by what is known (segment A), half are fair coins (segment B): no
model is right there more often than by chance. A probe is right on a chosen share of A and guesses
on B, so its true accuracy is known. People see the verdict of each, or its value, and let the
probes vote: their last model guesses B by the majority, so it has the luck of these rows and no
more truth. It is made to lie a hair below the bar, and must not pass.
"""

from __future__ import annotations

import math
import sys
import time
from functools import lru_cache

import numpy as np

from gatekit.stats.power import fewest_passing
from gatekit.stats.spending import parts, spent

ROWS, USES, LEVEL, SEED = 400, 32, 0.95, 11
HALF = ROWS // 2
BARS = (0.6, 0.65, 0.7)


@lru_cache(maxsize=10_000)
def needed(bar, into):
    """Rows right to pass, by the verdict's own bound."""
    return int(fewest_passing(ROWS, bar, spent(LEVEL, into)))


@lru_cache(maxsize=10_000)
def parts_after(told, passed, spending):
    return parts(USES, spending, [(told, passed)])


def without_a_look(random, bar, spending):
    """32 models a hair below the bar, chosen beforehand: does any pass?"""
    hits = random.binomial(ROWS, bar - 1e-9, size=USES)
    return bool((hits >= needed(bar, parts_after(USES - 1, 0, spending))).any())


def choose_by_verdicts(random, bar, spending):
    """Probes made to pass half of the time: each verdict then tells one sign."""
    known = np.sort(random.random(HALF))  # a row of A is right if its number is below the share
    coins = random.integers(0, 2, (USES - 1, HALF), dtype=np.int8)
    of_coins = coins.sum(axis=1)
    share, step, signs, passes = min(1.0, 2 * bar - 0.3), 0.1, [], 0
    for asked, luck in enumerate(of_coins):
        hits = int(np.searchsorted(known, share)) + int(luck)
        passed = hits >= needed(bar, parts_after(asked, passes, spending))
        passes += passed
        signs.append(1 if passed else -1)
        share = min(1.0, max(0.0, share + (-step if passed else step)))
        step = max(step * 0.8, 0.02)
    into = parts_after(USES - 1, passes, spending)
    return _last(random, known, (coins, np.array(signs)), bar, needed(bar, into))


def choose_by_values(random, bar, spending):
    """Probes far below the bar never pass, and their values tell the sign of each all the same."""
    known = np.sort(random.random(HALF))
    coins = random.integers(0, 2, (USES - 1, HALF), dtype=np.int8)
    signs = np.where(coins.sum(axis=1, dtype=int) * 2 >= HALF, 1, -1)
    into = parts_after(USES - 1, 0, spending)
    return _last(random, known, (coins, signs), bar, needed(bar, into))


def _last(random, known, voters, bar, hits):
    coins, signs = voters
    votes = signs @ (2 * coins.astype(int) - 1)
    right_on_b = np.where(votes == 0, random.integers(0, 2, HALF), votes > 0)
    right_on_a = np.searchsorted(known, 2 * bar - 0.5 - 1e-9)
    return bool(right_on_a + right_on_b.sum() >= hits)


PEOPLE = {
    "without a look": without_a_look,
    "by verdicts": choose_by_verdicts,
    "by values": choose_by_values,
}


def share_of_runs(who, runs, bar, spending):
    """In what share of runs a model passes that should not."""
    random = np.random.default_rng(SEED)
    return sum(PEOPLE[who](random, bar, spending) for _ in range(runs)) / runs


def main(runs):
    """False passes by who chooses, bar and spending; `by values` is shown and promised nothing."""
    slack = 3 * math.sqrt(LEVEL * (1 - LEVEL) / runs)
    print(f"{USES} uses of {ROWS} rows, level {LEVEL}, {runs:,} runs; at most {0.05 + slack:.4f}\n")
    print(f"{'chosen':<16}{'bar':>6}{'fixed':>10}{'adaptive':>10}")
    short = 0
    for who in PEOPLE:
        for bar in BARS:
            found = {kind: share_of_runs(who, runs, bar, kind) for kind in ("fixed", "adaptive")}
            promised = {"without a look": ("fixed", "adaptive"), "by verdicts": ("adaptive",)}
            short += sum(found[kind] > 1 - LEVEL + slack for kind in promised.get(who, ()))
            print(
                f"{who:<16}{bar:>6g}{found['fixed']:>10.4f}{found['adaptive']:>10.4f}", flush=True
            )
    return short


if __name__ == "__main__":
    began = time.perf_counter()
    failures = main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    print(f"\n{failures} short, {time.perf_counter() - began:.0f} s")
    sys.exit(bool(failures))
