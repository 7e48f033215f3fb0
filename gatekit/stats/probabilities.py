"""What stated probabilities cost when the truth is known, and what they could have cost at most.

`said` is (n,), the probability of the positive label, and `true` (n,) whether it came true; or
`said` is (n, K), of every label, and `true` (n,) the column of the one that did.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST = float(np.finfo(np.float64).eps)  # a probability of 0 counts as this: scikit-learn's way

ROWS_AT_ONCE = 1 << 14  # so that what is made of them stays in the cache
Floats = NDArray[np.float64]


def log_losses(said: Floats, true: NDArray[Any]) -> tuple[Floats, float]:
    """-log of the probability of what came true, in nats, (n,), and the largest there could be."""
    if said.ndim > 1:
        chance, least = said[np.arange(len(said)), true], float(said.min())
        return -np.log(_inside(chance)), float(-np.log(_inside(least)))
    losses = np.empty(said.size)
    for start in range(0, said.size, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        failed = np.logical_not(true[part])
        losses[part] = -np.log(_inside(np.abs(said[part] - failed)))  # 1 - said where it failed
    least = min(float(said.min()), 1 - float(said.max()))
    return losses, float(-np.log(_inside(least)))


def square_losses(said: Floats, true: NDArray[Any]) -> tuple[Floats, float]:
    """Square of probability less what came true, summed over the labels where they are K."""
    if said.ndim == 1:
        furthest = max(float(said.max()), 1 - float(said.min()))
        return np.asarray((said - true) ** 2), furthest**2
    squares = (said**2).sum(axis=1) + 1
    chance = said[np.arange(len(said)), true]
    return squares - 2 * chance, float((squares - 2 * said.min(axis=1)).max())


def ends_of_rise(new: Floats, old: Floats) -> tuple[float, float]:
    """The smallest and largest rise of a row's log loss from `old` to `new`, whatever came true."""
    rises = np.log(_inside(old)) - np.log(_inside(new))
    if new.ndim > 1:
        return float(rises.min()), float(rises.max())
    others = np.log(_inside(1 - old)) - np.log(_inside(1 - new))
    return float(min(rises.min(), others.min())), float(max(rises.max(), others.max()))


def side_by_side(
    new: Floats, old: Floats, mine: tuple[Any, ...], theirs: tuple[Any, ...]
) -> tuple[Floats, Floats]:
    """What both said of the labels that both know, in one order; `mine` and `theirs` name them."""
    if new.ndim == 1:
        return new, old
    known = [list(map(str, classes)) for classes in (mine, theirs)]
    shared = [label for label in known[0] if label in known[1]]
    one, other = ([labels.index(label) for label in shared] for labels in known)
    return new[:, one], old[:, other]


def _inside(chance: Any) -> Any:
    return np.clip(chance, SMALLEST, 1 - SMALLEST)
