"""Whether rows of the holdout were trained on: exact copies, found over all rows.

The share is one of the holdout's rows, with exact bounds: of rows that this holdout was drawn from.
Where a model takes a few columns with few values, rows coincide by chance; the details say how many
different rows there are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout, NoSample
from gatekit.errors import DataError
from gatekit.estimate import Estimate
from gatekit.evidence.pairs import joined
from gatekit.evidence.seen import INPUTS, ROWS
from gatekit.gate import Ask, measure, streams
from gatekit.gates import applies
from gatekit.gates.accuracy import share
from gatekit.gates.drift_streamed import comparing
from gatekit.streaming.compared import Found
from gatekit.subject import Subject

LINES = 5


@streams
@measure
def rows(
    candidate: Subject, reference: Holdout | NoSample, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """Share of the holdout's rows whose inputs and label stand in the reference."""
    return _leaked("leaked rows", candidate, reference, holdout, ask)


@streams
@measure
def inputs(
    candidate: Subject, reference: Holdout | NoSample, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """Share of the holdout's rows whose inputs stand in the reference, whatever their label."""
    return _leaked("leaked inputs", candidate, reference, holdout, ask)


def _leaked(
    name: str, candidate: Subject, reference: Holdout | NoSample, holdout: Holdout, ask: Ask
) -> Estimate:
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)
    with_label = name == "leaked rows"
    if with_label and reference.spec.target not in reference.columns:
        why = f"reference has no column {reference.spec.target!r}: its labels are not known"
        return applies.not_asked(name, why, ask)
    if counts := comparing(candidate, reference):
        copied, held = _among_all(counts.found(), with_label=with_label)
        known = f"looked for among all {reference.rows:,} rows of the reference, which streams"
    else:
        codes = row_codes(candidate, reference, holdout.pilot, with_label=with_label)
        trained, held = codes[: reference.rows], codes[reference.rows :]
        copied = np.isin(held, trained)
        known = f"{np.unique(trained).size:,} different rows among {trained.size:,} trained on"
    again = held.size - np.unique(held).size
    what = "inputs and label" if with_label else "inputs"
    lines = [
        f"{int(copied.sum()):,} of {held.size:,} rows: {what} as a row of {reference.path.name}",
        known,
        f"{again:,} rows of the holdout repeat another of its rows",
    ]
    if holdout.is_streamed:
        lines.insert(0, holdout.sampled)
    first = np.flatnonzero(copied)[:LINES]
    if first.size:
        lines.append("the first, counted from 0: " + ", ".join(map(str, first)))
    return share(name, int(copied.sum()), held.size, ask, tuple(lines))


def _among_all(found: Found, *, with_label: bool) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which rows of the holdout's pilot stand in a reference that streams; their numbers; (n,)."""
    numbers = found.wanted.rows if with_label else found.wanted.inputs
    assert numbers is not None  # noqa: S101 - the reference has labels
    return found.seen[ROWS if with_label else INPUTS].flags()[numbers], numbers


def row_codes(
    candidate: Subject, reference: Holdout, holdout: Holdout, *, with_label: bool
) -> NDArray[np.int64]:
    """A number for each row of both samples, (m + n,): the same for equal rows and no others.

    Raises:
        DataError: a sample lacks a column that the model needs.
    """
    signature = candidate.candidate.signature
    sides = [sample.features(signature) for sample in (reference, holdout)]
    names = [name for name in sides[0].column_names if name in sides[1].column_names]
    columns = [
        (side[0], side[1]) for side in zip(*([s[n] for n in names] for s in sides), strict=True)
    ]
    if with_label:
        columns.append((reference.table[reference.spec.target], holdout.table[holdout.spec.target]))
    if not columns:
        raise DataError("reference and holdout have no column in common that the model takes")
    whole = np.zeros(reference.rows + holdout.rows, dtype=np.int64)
    for trained, held in columns:
        codes, values = joined(trained, held)
        # numbered anew after each column, so that the product never overflows
        _, whole = np.unique(whole * max(1, len(values)) + codes, return_inverse=True)
    return np.asarray(whole, dtype=np.int64)
