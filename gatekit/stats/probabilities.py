"""What stated probabilities cost when the truth is known, and what they could have cost at most.

`said` is (n,), the probability of the positive label, and `true` (n,) whether it came true; or
`said` is (n, K), of every label, and `true` (n,) the column of the one that did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.stats.mean import AT_ONCE, Adding, Moments

SMALLEST = float(np.finfo(np.float64).eps)  # a probability of 0 counts as this: scikit-learn's way
SINGLE_FROM = 500_000  # rows
AT_A_TIME = 16

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lost:
    """Moments of the losses of rows, and the largest loss there could be."""

    moments: Moments
    most: float


def losses(said: Floats, true: NDArray[Any]) -> tuple[Lost, Lost]:
    """What `log_losses` and `square_losses` give of all rows, in one pass over them.

    Of more than half a million rows the second and third moments are taken in single precision:
    bounds then differ by less than a millionth of their distance from the mean, which is exact.
    """
    if said.ndim > 1:
        (logs, log), (squares, square) = log_losses(said, true), square_losses(said, true)
        return Lost(Moments.of(logs), log), Lost(Moments.of(squares), square)
    of_logs, of_squares = Adding(), Adding()
    least = min(float(said.min()), 1 - float(said.max()))
    for start in range(0, said.size, AT_ONCE):
        chance = _chance(said[start : start + AT_ONCE], true[start : start + AT_ONCE])
        missed = 1 - chance
        missed *= missed
        if said.size > SINGLE_FROM:
            _clip(chance, least)
            of_squares.add(missed.astype(np.float32), float(missed.sum()))
            of_logs.add(-np.log(chance.astype(np.float32)), -_sum_of_logs(chance))
        else:
            of_squares.add(missed)
            of_logs.add(_log_loss(chance, least))
    log = float(-np.log(_inside(least)))
    return Lost(of_logs.moments(), log), Lost(of_squares.moments(), (1 - least) ** 2)


def log_losses(said: Floats, true: NDArray[Any]) -> tuple[Floats, float]:
    """-log of the probability of what came true, in nats, (n,), and the largest there could be."""
    if said.ndim > 1:
        chance, least = said[np.arange(len(said)), true], float(said.min())
        return -np.log(_inside(chance)), float(-np.log(_inside(least)))
    least = min(float(said.min()), 1 - float(said.max()))
    made = np.empty(said.size)
    for start in range(0, said.size, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        made[part] = _log_loss(_chance(said[part], true[part]), least)
    return made, float(-np.log(_inside(least)))


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


def _chance(said: Floats, true: NDArray[Any]) -> Floats:
    """Of what came true: what was said, or 1 less that where it did not."""
    chance: Floats = said - np.logical_not(true)
    np.abs(chance, out=chance)
    return chance


def _log_loss(chance: Floats, least: float) -> Floats:
    """-log of chances that are not below `least`, in their place."""
    _clip(chance, least)
    np.log(chance, out=chance)
    np.negative(chance, out=chance)
    return chance


def _clip(chance: Floats, least: float) -> None:
    if least < SMALLEST:
        np.clip(chance, SMALLEST, 1 - SMALLEST, out=chance)


def _sum_of_logs(chance: Floats) -> float:
    """The sum of the logarithms of clipped chances, (n,): of one product for every 16 of them.

    Sixteen of the smallest there can be are 1e-251 yet.
    """
    even = chance.size // AT_A_TIME * AT_A_TIME
    products = np.multiply.reduce(chance[:even].reshape(AT_A_TIME, -1), axis=0)
    return float(np.log(products).sum() + np.log(chance[even:]).sum())


def _inside(chance: Any) -> Any:
    return np.clip(chance, SMALLEST, 1 - SMALLEST)
