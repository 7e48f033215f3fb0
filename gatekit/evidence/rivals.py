"""Two models' scores on the same rows, mergeable: how the placements of either go together.

A placement is the share of the other label's rows that a row stands above (or below). What it is in
the end is known only when all rows are counted; a pilot gives one for each bin beforehand. Of these
the products are added up exactly, and what the end changes in them is worked out from sums by bin:
exact but for the product of two changes, which is taken from a coarse table of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gatekit.inner import inner

STEPS = 1 << 16  # of a placement: whole numbers, so that sums are exact
COARSE = 64

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Placements:
    """Of each bin of one model, from a pilot: placement of a row of either label, and coarse bin.

    `given` is (B, 2), of another and of a positive row, in units of 1 / STEPS; `coarse` is (B,).
    """

    given: Ints
    coarse: NDArray[np.intp]

    @classmethod
    def of(cls, counts: Ints) -> Self:
        """From the pilot's rows by bin and label, (B, 2)."""
        given = np.rint(placements(counts) * STEPS).astype(np.int64)
        rows = counts.sum(axis=1)
        up_to = np.cumsum(rows) - rows / 2
        coarse = np.minimum((up_to * COARSE / max(1, rows.sum())).astype(np.intp), COARSE - 1)
        return cls(given, coarse)


@dataclass(frozen=True, eq=False)
class Rivals:
    """Of rows of either label, other and positive: sums of the pilot's placements.

    `products` are of both placements; `by_new` (B, 2) and `by_old` (C, 2) of the rival's placement
    by one's own bin; `coarse` is (COARSE, COARSE, 2), rows by the coarse bin of new and old.
    """

    products: tuple[int, int]
    by_new: Ints
    by_old: Ints
    coarse: Ints

    @classmethod
    def of(
        cls,
        new: tuple[Placements, Places],
        old: tuple[Placements, Places],
        mine: NDArray[np.bool_],
    ) -> Self:
        """Count the rows of one block: of either model the pilot's word, and the rows' bins, (n,).

        No more than 2,097,152 rows at once, so that sums of whole numbers are exact in floats.
        """
        rows = [2 * place + mine for _, place in (new, old)]
        said = [
            pilot.given.ravel()[row].astype(float)
            for (pilot, _), row in zip((new, old), rows, strict=True)
        ]
        both = inner(said[0], said[1])
        of_mine = inner(said[0] * mine, said[1])
        crossed = [
            np.bincount(row, other, minlength=pilot.given.size).astype(np.int64).reshape(-1, 2)
            for (pilot, _), row, other in zip((new, old), rows, said[::-1], strict=True)
        ]
        grid = new[0].coarse[new[1]] * (2 * COARSE) + old[0].coarse[old[1]] * 2 + mine
        coarse = np.bincount(grid, minlength=2 * COARSE * COARSE)
        return cls(
            (int(both - of_mine), int(of_mine)),
            crossed[0],
            crossed[1],
            coarse.reshape(COARSE, COARSE, 2),
        )

    def merge(self, more: Self) -> Self:
        """The sums of the rows of both."""
        first, second = (a + b for a, b in zip(self.products, more.products, strict=True))
        return type(self)(
            (first, second),
            self.by_new + more.by_new,
            self.by_old + more.by_old,
            self.coarse + more.coarse,
        )

    def differences(
        self, new: tuple[Placements, Ints], old: tuple[Placements, Ints]
    ) -> list[tuple[float, float]]:
        """Mean and variance of the difference of placements, of positive rows and of the others.

        Of either model: the pilot's word, and all its rows by bin and label. NaN without rows.
        """
        final = [placements(counts) for _, counts in (new, old)]
        found = []
        for label in (1, 0):
            rows = int(new[1][:, label].sum())
            if not rows:
                found.append((math.nan, math.nan))
                continue
            weights = [counts[:, label] / rows for _, counts in (new, old)]
            places = [last[:, label] for last in final]
            means = [inner(p, w) for p, w in zip(places, weights, strict=True)]
            spread = sum(inner((p - m) ** 2, w)
                         for p, m, w in zip(places, means, weights, strict=True))  # fmt: skip
            together = self._product(label, final, new, old) / rows - means[0] * means[1]
            variance = max(0.0, spread - 2 * together) * rows / max(1, rows - 1)
            found.append((means[0] - means[1], variance))
        return found

    def _product(
        self,
        label: int,
        final: list[Floats],
        new: tuple[Placements, Ints],
        old: tuple[Placements, Ints],
    ) -> float:
        """The sum of the products of both final placements over the rows of a label."""
        changed = [
            last[:, label] - pilot.given[:, label] / STEPS
            for last, (pilot, _) in zip(final, (new, old), strict=True)
        ]
        total = self.products[label] / STEPS**2
        total += inner(changed[0], self.by_new[:, label]) / STEPS
        total += inner(changed[1], self.by_old[:, label]) / STEPS
        coarse = [
            _mean_by(pilot.coarse, change, counts[:, label])
            for change, (pilot, counts) in zip(changed, (new, old), strict=True)
        ]
        return total + float(coarse[0] @ self.coarse[:, :, label] @ coarse[1])


def placements(counts: Ints) -> Floats:
    """Of each bin: the share of positive rows above another row, of others below a positive one.

    From rows by bin and label, (B, 2), to (B, 2); rows of one bin count half. Without rows of a
    label one half.
    """
    others, mine = counts.T
    made = np.full((len(counts), 2), 0.5)
    if mine.any():
        made[:, 0] = 1 - (np.cumsum(mine) - mine / 2) / mine.sum()
    if others.any():
        made[:, 1] = (np.cumsum(others) - others / 2) / others.sum()
    return made


def _mean_by(coarse: NDArray[np.intp], values: Floats, rows: Ints) -> Floats:
    """Means of values of bins by coarse bin, (COARSE,), weighted by their rows."""
    weight = np.bincount(coarse, rows, minlength=COARSE)
    sums = np.bincount(coarse, values * rows, minlength=COARSE)
    return np.asarray(sums / np.maximum(weight, 1))
