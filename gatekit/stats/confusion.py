"""Measures of a confusion table, and bounds on them. counts[..., y, p]: K true by K predicted.

Every function takes any number of tables at once, (..., K, K) to (...,), and gives exactly what
scikit-learn gives with its default `zero_division`: a rate of no rows counts as 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gatekit.stats.proportion import POINT

DRAWS = 2000
TAIL = 100  # draws beyond the bound, at least: a high level takes more draws
LEAST_TAIL = 10
CELLS_AT_ONCE = 4_000_000  # 32 MB
Floats = NDArray[np.float64]
TableMeasure = Callable[[Floats], Floats]


def balanced_accuracy(counts: Floats) -> Floats:
    """Mean recall over the labels that are true of any row."""
    hit, true, _ = _margins(counts)
    known = np.maximum((true > 0).sum(axis=-1), 1)
    return np.asarray(_share(hit, true).sum(axis=-1) / known)


def macro_recall(counts: Floats) -> Floats:
    """Mean recall over all labels."""
    hit, true, _ = _margins(counts)
    return np.asarray(_share(hit, true).mean(axis=-1))


def macro_precision(counts: Floats) -> Floats:
    """Mean precision over all labels."""
    hit, _, said = _margins(counts)
    return np.asarray(_share(hit, said).mean(axis=-1))


def macro_f1(counts: Floats) -> Floats:
    """Mean F1 over all labels."""
    hit, true, said = _margins(counts)
    return np.asarray(_share(2 * hit, true + said).mean(axis=-1))


def macro_specificity(counts: Floats) -> Floats:
    """Mean over all labels of the share of other rows that were not said to have the label."""
    hit, true, said = _margins(counts)
    n = true.sum(axis=-1, keepdims=True)
    return np.asarray(_share(n - true - said + hit, n - true).mean(axis=-1))


def matthews(counts: Floats) -> Floats:
    """Matthews' correlation coefficient (Gorodkin 2004 for K > 2); 0 where it is undefined."""
    hit, true, said = _margins(counts)
    n = true.sum(axis=-1)
    agreed = hit.sum(axis=-1) * n - (true * said).sum(axis=-1)
    spread = (n * n - (true * true).sum(axis=-1)) * (n * n - (said * said).sum(axis=-1))
    return _share(agreed, np.sqrt(np.maximum(spread, 0.0)))


def bounds(
    measure: TableMeasure,
    counts: ArrayLike,
    level: float,
    seed: int,
    kept: dict[tuple[Any, ...], Any] | None = None,
) -> tuple[float, float, float]:
    """The measure of one table (K, K), and one-sided bounds, each holding at `level`.

    A Bayesian bootstrap of the table (Rubin 1981: cell shares drawn from a Dirichlet distribution
    around the counts) that leans against the claim, as Clopper and Pearson's interval does: for
    the lower bound each label gets one wrong row more, spread over the cells where it may fall;
    for the upper bound one right row more. For the recall of one label this is their interval
    exactly. The plain multinomial bootstrap was tried first: at 200 rows and an MCC of 0.96 its
    lower bound held in 86 % instead of 95 % (docs/decisions).

    Where a label is never true or never predicted, the bounds are infinite, at any level; and at
    levels so high that fewer than 10 of 100,000 draws lie beyond. Draws that fit into one block are
    `kept` for the next measure of the table.
    """
    table = np.asarray(counts, dtype=float)
    value = float(measure(table))
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any() or len(table) == 1:
        return value, -math.inf, math.inf
    if level == POINT:
        return value, value, value
    if draws_for(level) * (1 - level) < LEAST_TAIL:
        return value, -math.inf, math.inf
    wrong, right = 1 - np.eye(len(table)), np.eye(len(table))
    kept = {} if kept is None else kept
    key = ("draws", table.tobytes(), level, seed)
    blocks = kept.get(key) or _draws(table + wrong / (len(table) - 1), table + right, level, seed)
    found = []
    for both in blocks:
        if draws_for(level) * table.size <= CELLS_AT_ONCE:
            kept[key] = [both]
        found.append([measure(drawn) for drawn in both])
    below, above = map(np.concatenate, zip(*found, strict=True))
    low = float(np.quantile(below, 1 - level, method="lower"))
    high = float(np.quantile(above, level, method="higher"))
    return value, min(value, low), max(value, high)


def draws_for(level: float) -> int:
    """How many draws a bound at that level takes."""
    return max(DRAWS, min(100_000, math.ceil(TAIL / (1 - level))))


def f1_of_share(share: float) -> float:
    """F1 from TP / (TP + FP + FN), a proportion of the rows where either side says positive."""
    return 2 * share / (1 + share)


def _draws(
    below: Floats, above: Floats, level: float, seed: int
) -> Iterator[tuple[Floats, Floats]]:
    """Tables drawn around either shape, in blocks (B, K, K): a Dirichlet's up to their scale, and
    no measure depends on the scale of a table.
    """
    random = np.random.default_rng(seed)
    total = draws_for(level)
    at_once = max(1, CELLS_AT_ONCE // below.size)
    for start in range(0, total, at_once):
        size = (min(at_once, total - start), *below.shape)
        first, second = (np.broadcast_to(shape, size) for shape in (below, above))
        yield random.standard_gamma(first), random.standard_gamma(second)


def _margins(counts: Floats) -> tuple[Floats, Floats, Floats]:
    counts = np.asarray(counts, dtype=float)
    hit = np.diagonal(counts, axis1=-2, axis2=-1)
    return hit, counts.sum(axis=-1), counts.sum(axis=-2)


def _share(part: Any, whole: Any) -> Floats:
    part, whole = np.broadcast_arrays(np.asarray(part, dtype=float), whole)
    return np.asarray(np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0))
