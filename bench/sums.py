"""What sums over all rows cost, in processor time: of own measures, of R2 and the rise of RMSE.

    python bench/sums.py [ROWS] [REPLICATES] [ROUNDS]      1,000,000, 200 and 5 unless said

Ratios are of medians of interleaved rounds on the same rows, in blocks of a pass.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa

import gatekit
from gatekit.data import Holdout
from gatekit.means import Named
from gatekit.parts import BLOCK
from gatekit.policy import DataSpec
from gatekit.streaming import numeric
from gatekit.streaming.filling import fill
from gatekit.streaming.own import Own
from gatekit.streaming.question import CANDIDATE, CHAMPION, Said, ask

SPEC = DataSpec(path="-", target="y")


@gatekit.of_means
def cost_per_call(y, said):
    return {"cost": 120.0 * y * (1 - said) + 15.0 * said, "calls": said}


@cost_per_call.value
def ratio(means):
    return means["cost"] / means["calls"]


def asked(task, y, said, own=None):
    pilot = pa.table({"y": y[:BLOCK]})
    holdout = Holdout(Path("rows"), SPEC, "", ("y",), given=pilot)
    first = {role: Said(each[:BLOCK]) for role, each in said.items()}
    return ask(holdout, task, 1, 0.5, first, own or Own())


def passed(question, y, said):
    for start in range(0, y.size, BLOCK):
        rows = slice(start, start + BLOCK)
        table = pa.table({"y": y[rows]})
        answers = {role: Said(each[rows]) for role, each in said.items()}
        fill(question, table, answers, ("rows#0", start))


def resampled(y, said, replicates):
    """What anybody would write: rows drawn anew, and the measure of them."""
    random = np.random.default_rng(1)
    for _ in range(replicates):
        rows = random.integers(0, y.size, y.size)
        cost_per_call(y[rows], said[rows])


def poisson(y, said, replicates):
    """The same by weights that numpy draws, of the two columns made once."""
    random = np.random.default_rng(1)
    columns = [np.asarray(each, float) for each in cost_per_call.columns(y, said).values()]
    for _ in range(replicates):
        weights = random.poisson(1.0, y.size)
        for each in columns:
            np.einsum("i,i->", weights, each)


def roots_alone(question, y, said):
    """What R2 and the rise of RMSE take of a regression's pass."""
    new, old = ((said[role] - y) / question.scales.error for role in (CANDIDATE, CHAMPION))
    for start in range(0, y.size, BLOCK):
        rows = slice(start, start + BLOCK)
        made = {name: {} for name in ("products", "outermost", "ends")}
        numeric.add_determination(made, question, y[rows], new[rows] ** 2)
        numeric.add_roots(made, question, new[rows], old[rows])


def medians(pieces, rounds):
    taken = {name: [] for name in pieces}
    for _ in range(rounds):
        for name, piece in pieces.items():
            start = time.process_time()
            piece()
            taken[name].append(time.process_time() - start)
    return {name: median(each) for name, each in taken.items()}


def main(n=1_000_000, replicates=200, rounds=5):
    random = np.random.default_rng(2)
    y = random.integers(0, 2, n)
    said = np.where(random.random(n) < 0.9, y, 1 - y)
    numbers, noise = random.normal(size=n), random.normal(size=(2, n))
    answers = {CANDIDATE: said}
    lines = {CANDIDATE: numbers + noise[0], CHAMPION: numbers + noise[1]}
    own = Own((Named("own", cost_per_call, ""),), replicates)
    of_labels = asked("binary", y, answers)
    with_own = replace(of_labels, own=asked("binary", y, answers, own).own)
    of_numbers = asked("regression", numbers, lines)
    pieces = {
        "a  labels": partial(passed, of_labels, y, answers),
        "b  labels and an own measure": partial(passed, with_own, y, answers),
        "c  rows resampled by numpy": partial(resampled, y, said, replicates),
        "d  Poisson weights by numpy": partial(poisson, y, said, replicates),
        "e  a regression beside its champion": partial(passed, of_numbers, numbers, lines),
        "f  R2 and the rise of RMSE of that alone": partial(
            roots_alone, of_numbers, numbers, lines
        ),
    }
    found = medians(pieces, rounds)
    print(f"{n:,} rows, {replicates:,} replicates, processor seconds, medians of {rounds}")
    for name, seconds in found.items():
        print(f"{name:<48} {seconds:8.3f}")
    mine = found["b  labels and an own measure"] - found["a  labels"]
    print(f"{'an own measure, ns a row and replicate':<48} {mine / n / replicates * 1e9:8.2f}")
    by = {name[0]: seconds for name, seconds in found.items()}
    for name, value in (("c / (b - a)", by["c"] / mine), ("d / (b - a)", by["d"] / mine)):
        print(f"{name:<48} {value:8.2f}")
    print(f"{'f, us a row':<48} {by['f'] / n * 1e6:8.3f}")
    print(f"{'f / e':<48} {by['f'] / by['e']:8.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
