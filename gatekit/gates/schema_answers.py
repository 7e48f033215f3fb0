"""Are the answers of the kind that is promised, and still those that were given at first?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.errors import ModelMisbehaved
from gatekit.estimate import Estimate, exact
from gatekit.evidence.counts import right
from gatekit.gate import Ask, measure
from gatekit.gates.promises import unlike
from gatekit.scoring.signature import declared_kind
from gatekit.scoring.tables import spread_rows
from gatekit.subject import Subject

MOST_ROWS = 2000
KINDS = {"b": "booleans", "i": "numbers", "u": "numbers", "f": "numbers", "O": "words"}


@measure
def unlike_declared(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:  # noqa: ARG001 - a measure's shape
    """Whether the service would give words where the signature says numbers, or the like."""
    name, declared = "answers of another kind", declared_kind(candidate.candidate.folder)
    if not declared:
        return exact(name, 0, n=0, method="the signature declares no single answer a row")
    rows = spread_rows(holdout.features(candidate.candidate.signature), MOST_ROWS)
    try:
        said = candidate.serving_answers(rows)
    except ModelMisbehaved:
        if not candidate.is_alive:
            raise
        return exact(name, 0, n=0, method="it gives no single answer a row, or none")
    given = KINDS.get(said.dtype.kind, "answers of no kind")
    words = () if given == declared else (f"it gives {given}, and its signature says {declared}",)
    return exact(name, len(words), n=said.size, method="the signature's outputs", detail=words)


@measure
def strange_labels(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:  # noqa: ARG001 - a measure's shape
    """Rows of a binary holdout that get a label which no row of it has."""
    name = "labels that nobody has"
    if candidate.task != "binary":
        return exact(name, 0, n=0, method="the task is not binary")
    labels = np.unique(holdout.y)
    if labels.size == 1:
        return exact(name, 0, n=0, method="the holdout has one label only")
    said = candidate.predictions(holdout)
    known = np.zeros(said.size, dtype=bool)
    for label in labels:
        known |= right(np.full(said.size, label), said)
    strange = [f"row {row} gets {said[row]}" for row in np.flatnonzero(~known)[:5]]
    method = "labels of the holdout, every row"
    return exact(name, int((~known).sum()), n=said.size, method=method, detail=tuple(strange))


@measure
def changed_since(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:  # noqa: ARG001 - a measure's shape
    """Whether rows of the holdout, asked again by now, get another answer than they were judged by.

    A model that counts its calls, reads a clock, or answers otherwise in another process. They are
    asked from the last to the first: what hangs on a row's place in the batch shows, too.
    """
    name = "answers that have changed"
    rows = holdout.features(candidate.candidate.signature)
    places = np.linspace(0, rows.num_rows - 1, min(MOST_ROWS, rows.num_rows)).astype(np.int64)
    before = judged_by(candidate, holdout, places)
    backward = candidate.said(rows.take(pa.array(places[::-1])))
    words = unlike(before, [part[::-1] for part in backward], "at first", "by now")
    method = f"{places.size:,} rows of the holdout, asked again"
    return exact(name, bool(words), n=places.size, method=method, detail=(words,) if words else ())


def judged_by(
    candidate: Subject, holdout: Holdout, places: NDArray[np.int64]
) -> tuple[NDArray[Any], ...]:
    """What it said of some rows of the holdout among all: labels, and scores if there are any."""
    labels = candidate.predictions(holdout)[places]
    if not candidate.score:
        return (labels,)
    return labels, candidate.scored(holdout).scores[places]
