"""How the error of a bound is spent over several uses of the same rows.

A bound at level 1 - alpha is wrong with probability alpha for a model that was chosen without
these rows. Whoever chooses the next model by what the rows said of the last one is another matter:
the model then hangs on the rows. It hangs on them only through what was told, so it is one of as
many models as there are stories that could have been told; a union bound over those is honest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Literal

from gatekit.stats.proportion import POINT

Spending = Literal["fixed", "adaptive"]
Told = tuple[int, int]  # of an earlier use: verdicts told, and how many of them were PASSED


def parts(uses: int, spending: Spending, earlier: Sequence[Told] = ()) -> int:
    """Into how many parts the error of each bound is divided at the use after those `earlier`.

    fixed: `uses`. The parts of all uses sum to the whole (Bonferroni), so with probability `level`
    no model passes that should not, if no model was chosen by a PASSED before it. Choosing by
    refusals is free: up to the first pass there is one story only, "not passed" again and again
    (ease.ml/ci's "firstChange", Renggli et al. 2019).

    adaptive: `uses` times 2^(m + 1) C(N, m), where N verdicts were told before and m of them were
    PASSED. That many parts are enough for every story: the weights 2^-(m + 1) / C(N, m) of all
    stories of one length sum to less than 1 (Kraft's inequality; the Ladder of Blum and Hardt 2015
    counts stories by the same means). So the level holds over all uses, however the models are
    chosen by PASSED or not. Never fewer parts for more passes.
    """
    if spending == "fixed":
        return uses
    told, passed = sum(each[0] for each in earlier), sum(each[1] for each in earlier)
    return uses * max((2 << m) * comb(told, m) for m in range(passed + 1))


def spent(level: float, into: int) -> float:
    """The level of a bound that has one of so many parts of the error; a point decision stays."""
    return level if level == POINT else 1 - (1 - level) / into
