"""Does the candidate keep the promise of its signature, on rows nobody collected?

Small batches are drawn from the signature, with values as the holdout has them and around them,
gaps where it has gaps. What a service would let through is the measure of what may come.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from gatekit.data import Holdout
from gatekit.errors import ModelGone, ModelMisbehaved, ModelRefused, NotAsked
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask, measure
from gatekit.gates.promises import (
    Drawn,
    First,
    Given,
    Promise,
    answers,
    broken,
    draw,
    given,
    search,
    unlike,
)
from gatekit.gates.rows import Rows
from gatekit.gates.schema_answers import judged_by
from gatekit.gates.stated import ROW_SUM
from gatekit.scoring.reading import Answer
from gatekit.subject import Subject

ASKED = 64  # rows of the holdout that are asked again in smaller batches
SIZES = (1, 8, 32)  # of these: as single requests, and those that a service answers together


@measure
def unanswered(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows the signature allows and the model does not answer: it raises, dies, gives no number.

    A row with a value outside of what the holdout has may also be refused: by an error that is
    none of a program's accidents (`KeyError` is one, `ValueError` is not).
    """
    rows = Rows(candidate.candidate.signature, holdout)

    def answered(table: pa.Table, first: First, _: object) -> str:
        try:
            first()
        except ModelRefused:
            inside = rows.inside(table)
            if inside.num_rows:
                candidate.said(inside)  # it is these that have to be answered
            if inside.num_rows == table.num_rows:
                raise
        return ""

    return search("unanswered rows", Promise(answered), candidate, _drawn(rows, holdout), ask)


@measure
def batch_dependence(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows whose answer changes with the rows beside them, or with how many there are.

    Of the holdout, too: what a service is asked row by row was judged in one batch.
    """

    def singly(table: pa.Table) -> list[pa.Table]:
        # one that was alone is not asked: to be answered alike again is another promise
        return [table.slice(i, 1) for i in range(table.num_rows)] if table.num_rows > 1 else []

    def alone(table: pa.Table, first: First, single: Sequence[Answer]) -> str:
        joined = [np.concatenate(parts) for parts in zip(*single, strict=True)]
        return unlike(first(), joined, "together", "alone") if table.num_rows > 1 else ""

    name = "batch-dependent rows"
    found = _searched(name, Promise(alone, singly), candidate, holdout, ask)
    if found.value or not (words := _unlike_in_small(candidate, holdout)):
        return found
    return exact(name, 1, n=found.n, method=f"{ASKED} rows of the holdout", detail=(words,))


def _unlike_in_small(candidate: Subject, holdout: Holdout) -> str:
    """Where a row of the holdout gets another answer in a small batch than among all, in words."""
    rows = holdout.features(candidate.candidate.signature)
    places = np.linspace(0, rows.num_rows - 1, min(ASKED, rows.num_rows)).astype(np.int64)
    try:
        among_all = judged_by(candidate, holdout, places)
    except ModelMisbehaved:
        if candidate.is_alive:
            return ""  # that there is no answer is another promise's
        raise

    asked = [
        (f"in a batch of {size}" if size > 1 else "alone", slice(start, start + size))
        for size in SIZES
        for start in range(0, places.size, size)
    ]

    def judge(name: str, part: slice, said: Given) -> str:
        return unlike([each[part] for each in among_all], given(said), "among all", name)

    small = answers(candidate, [rows.take(pa.array(places[part])) for _, part in asked])
    for (name, part), said in zip(asked, small, strict=False):
        if words := broken(partial(judge, name, part, said)):
            return f"from row {places[part.start]} of the holdout on: {words}"
    return ""


@measure
def order_dependence(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows whose answer changes when the batch is turned round."""

    def turned(table: pa.Table) -> list[pa.Table]:
        return [table.take(pa.array(range(table.num_rows - 1, -1, -1)))]

    def reversed_(_: pa.Table, first: First, more: Sequence[Answer]) -> str:
        return unlike(first(), [part[::-1] for part in more[0]], "forward", "backward")

    name = "order-dependent rows"
    return _searched(name, Promise(reversed_, turned), candidate, holdout, ask)


@measure
def nondeterminism(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows that get another answer when asked again."""

    def again(_: pa.Table, first: First, more: Sequence[Answer]) -> str:
        return unlike(first(), more[0], "first", "again")

    promise = Promise(again, lambda table: [table], by_one=True)
    return _searched("unrepeatable rows", promise, candidate, holdout, ask)


@measure
def disturbed_input(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows that the model writes into while it answers them: whoever asks next gets others.

    Looked at in the model's process, where the frame or the array is that it is handed, also
    behind the copy that MLflow makes.
    """

    def disturbed(table: pa.Table, *_: object) -> str:
        return candidate.disturbed(table)

    return _searched("disturbed rows", Promise(disturbed), candidate, holdout, ask)


@measure
def improbable(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows with scores that are no probabilities: outside 0 to 1, or not summing to 1."""
    name = "rows with improbable scores"
    if not candidate.score:
        return exact(name, 0, n=0, method="the policy declares no score")
    if not getattr(ask.settings, "probabilities", True):
        return exact(name, 0, n=0, method="the policy says that scores are no probabilities")

    def probable(_: pa.Table, first: First, __: object) -> str:
        scores = first()[1]
        wide = scores.reshape(len(scores), -1)
        outside = ((wide < 0) | (wide > 1)).any(axis=1)
        if outside.any():
            row = int(outside.argmax())
            return f"the scores of row {row} are {wide[row]}, not between 0 and 1"
        off = np.abs(wide.sum(axis=1) - 1) > ROW_SUM
        if scores.ndim > 1 and off.any():
            row = int(off.argmax())
            return f"the scores of row {row} sum to {wide[row].sum():.9g}, not to 1"
        return ""

    return _searched(name, Promise(probable), candidate, holdout, ask)


def _searched(
    name: str, promise: Promise, candidate: Subject, holdout: Holdout, ask: Ask
) -> Estimate:
    """Of rows that are not answered at all nothing else is asked: that is another promise's."""
    rows = Rows(candidate.candidate.signature, holdout)

    def judge(table: pa.Table, first: First, more: Sequence[Answer]) -> str:
        try:
            first()
        except (ModelGone, NotAsked):
            raise
        except ModelMisbehaved:
            return ""
        return promise.judge(table, first, more)

    kept = Promise(judge, promise.asks)
    return search(name, kept, candidate, _drawn(rows, holdout), ask)


def draw_ahead(candidate: Subject, holdout: Holdout, examples: int) -> None:
    """Draw the rows that the promises of this room will ask about; no model is asked."""
    draw(candidate, _drawn(Rows(candidate.candidate.signature, holdout), holdout), examples)


def _drawn(rows: Rows, holdout: Holdout) -> Drawn:
    return Drawn(("schema", holdout.sha256), rows.columns, rows.batches())
