"""Does the engine that will serve give pyfunc's answers? What is gated is what serves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.estimate import Estimate, exact
from gatekit.evidence.counts import right
from gatekit.gate import Ask, measure
from gatekit.policy_gates import ParityGate
from gatekit.subject import Subject

SHOWN = 5
Flags = NDArray[np.bool_]


@measure
def disagreements(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows of the whole holdout that the serving engine answers unlike pyfunc: a count.

    Labels have to be equal. Scores, and the numbers of a regression, may be `score_tolerance`
    apart, measured from 1 on relative to pyfunc's: |a - b| <= tolerance max(1, |b|).
    """
    tolerance = float(getattr(ask.settings, "score_tolerance", ParityGate().score_tolerance))
    served = candidate.predictions(holdout)
    reference = candidate.predictions(holdout, engine="pyfunc")
    method = f"count, {candidate.engine} against pyfunc on every row"
    if candidate.task == "regression" and {served.dtype.kind, reference.dtype.kind} <= set("biuf"):
        unlike = _apart(served, reference, tolerance)
        method = f"{method}, numbers within {tolerance:g}"
    else:
        unlike = ~right(served, reference)
    detail = _rows(candidate, unlike, served, reference)
    if candidate.score:
        by_score, words = _score_disagreements(candidate, holdout, tolerance)
        unlike, detail = unlike | by_score, (*detail, *words)
        method = f"{method}, scores within {tolerance:g}"
    return exact("parity disagreements", unlike.sum(), n=unlike.size, method=method, detail=detail)


def _score_disagreements(
    candidate: Subject, holdout: Holdout, tolerance: float
) -> tuple[Flags, tuple[str, ...]]:
    served = candidate.scored(holdout)
    reference = candidate.scored(holdout, engine="pyfunc")
    one, other = served.scores, reference.scores
    if one.shape != other.shape or served.classes != reference.classes:
        words = f"{candidate.engine} scores {_classes(served)}, pyfunc {_classes(reference)}"
        return np.ones(holdout.rows, dtype=bool), (words,)
    apart = _apart(one, other, tolerance)
    unlike = np.asarray(apart.reshape(len(apart), -1).any(axis=1))
    largest = f"largest difference of two scores {np.abs(one - other).max():.3g}"
    return unlike, (largest, *_rows(candidate, unlike, one, other))


def _apart(one: NDArray[Any], other: NDArray[Any], tolerance: float) -> Flags:
    one, other = one.astype(float), other.astype(float)
    return np.asarray(np.abs(one - other) > tolerance * np.maximum(1, np.abs(other)))


def _rows(
    candidate: Subject, unlike: Flags, served: NDArray[Any], reference: NDArray[Any]
) -> tuple[str, ...]:
    return tuple(
        f"row {row}: {candidate.engine} says {_words(served[row])}, pyfunc {_words(reference[row])}"
        for row in np.flatnonzero(unlike)[:SHOWN]
    )


def _words(answer: Any) -> str:
    if isinstance(answer, np.ndarray):
        return "[" + ", ".join(f"{score:.9g}" for score in answer) + "]"
    return f"{answer:.12g}" if isinstance(answer, (float, np.floating)) else str(answer)


def _classes(said: Any) -> str:
    return f"the classes {', '.join(map(str, said.classes[:8]))}" if said.classes else "one class"
