"""Where the candidate loses to the champion: accuracy gained in each declared slice, paired.

A loss in one slice may hide behind a gain in the others, and behind a slice's own floor.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.estimate import Estimate
from gatekit.gate import Ask, measure, streams
from gatekit.gates import applies, slices, tallies
from gatekit.gates.applies import named
from gatekit.ledger import no_champion
from gatekit.stats import paired
from gatekit.stats.proportion import POINT
from gatekit.subject import NoChampion, Subject

NAME = "worst slice gain"
METHOD = "paired Agresti-Min of each slice (Bonferroni above)"


@measure
@streams
@applies.of("labels", NAME)
def worst_slice_gain(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """The smallest gain in accuracy over the champion, of all declared slices and crossings.

    As for `slices.worst`: each slice has to clear the bar at the full level, one is shown to miss
    it only at its share of the error, and a slice with few rows keeps the question open.
    """
    if not holdout.spec.slices:
        return replace(slices.none_declared(ask.level), name=NAME)
    if isinstance(champion, NoChampion):
        return no_champion(NAME, ask.level, champion.reason)
    won, lost = tallies.slice_gains(candidate, champion, holdout)
    support = getattr(ask.settings, slices.DECLARED.support, slices.DECLARED.least)
    judged = won.rows >= support
    if not judged.any():
        words = f"no slice has the {support:,} rows that it needs"
        return applies.undefined(NAME, words, holdout.rows, ask)
    each = ask.level if ask.level == POINT else 1 - (1 - ask.level) / int(judged.sum())
    gains, low, high = [], math.inf, math.inf
    for i in np.flatnonzero(judged):
        counted = int(won.right[i]), int(lost.right[i]), int(won.rows[i])
        value, least, _ = paired.accuracy_difference(*counted, ask.level)
        _, _, most = paired.accuracy_difference(*counted, each)
        low, high = min(low, least), min(high, most)
        line = f"{won.names[i]}: {value:+.3f}, at least {least:+.3f}, n {counted[2]:,}"
        gains.append((value, line))
    gains.sort()
    short = [f"{won.names[i]}: {won.rows[i]:,} rows, {support:,} are needed to judge it"
             for i in np.flatnonzero(~judged)]  # fmt: skip
    return Estimate(
        NAME,
        gains[0][0],
        -math.inf if short else low,
        high,
        ask.level,
        holdout.rows,
        named(METHOD, ask.level),
        rows_for_bound=_rows_for(won.rows[~judged], support, holdout.rows),
        detail=(f"against {champion.title}", *short, *(line for _, line in gains))[: slices.LINES],
    )


def _rows_for(short: NDArray[np.int64], support: int, rows: int) -> int | None:
    if short.size and short.min():
        return math.ceil(rows * support / int(short.min()))
    return None
