"""From a form of parts to plain functions of rows. The runner and the service both come here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatekit.errors import CandidateError
from gatekit.scoring import compiled
from gatekit.scoring.compiled import Array, Given, Step
from gatekit.scoring.form import Form, Part

Score = Callable[[Given], Array]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Functions of rows: `predict` gives labels or numbers, (rows,); `probabilities` (rows, K)."""

    predict: Score
    probabilities: Score | None
    by_columns: bool  # whether rows come as a list of columns, not as a matrix


def assemble(form: Form) -> Compiled:
    """The functions of a form.

    Raises:
        CandidateError: a part has a name that is not known here.
    """
    predict, probabilities = _head(form.head)
    if not form.steps:
        return Compiled(predict, probabilities, form.by_columns)
    ready = compiled.chain([_step(part) for part in form.steps])
    odds = None if probabilities is None else _after(ready, probabilities)
    return Compiled(_after(ready, predict), odds, form.by_columns)


def _after(ready: Step, then: Score) -> Score:
    return lambda given: then(ready(given))


def _head(part: Part) -> tuple[Score, Score | None]:
    if part["do"] == "trees":
        from gatekit.scoring.trees import plant

        return plant(part["grown"], part["classes"], votes=part["votes"], single=part["single"])
    if part["do"] != "linear":
        raise CandidateError(f"a compiled model that ends in {part['do']!r}, which is not known")
    score = compiled.weighted(part["coefficients"], part["intercept"])
    if part["classes"] is None:
        return score, None
    return _labels(score, part["classes"]), _odds(score, part["odds"])


def _labels(score: Score, classes: Array) -> Score:
    first, second = classes[:1], classes[1:2]

    def predict(given: Given) -> Array:
        found = score(given)
        if found.shape == (1,):  # one row and two classes: what follows, without its arrays
            return second if found.item() > 0 else first
        chosen = (found > 0).astype(np.intp) if found.ndim == 1 else found.argmax(axis=1)
        return classes.take(chosen)

    return predict


def _odds(score: Score, how: str) -> Score | None:
    def softmax(given: Given) -> Array:
        from scipy.special import softmax

        several: Array = softmax(score(given), axis=1)
        return several

    def expit(given: Given) -> Array:
        from scipy.special import expit

        positive = expit(score(given))
        return np.column_stack((1 - positive, positive))

    return {"softmax": softmax, "expit": expit}.get(how)


def _step(part: Part) -> Step:
    maker = STEPS.get(part["do"])
    if maker is None:
        raise CandidateError(f"a compiled model with a step {part['do']!r}, which is not known")
    return maker(part)


def _side_by_side(part: Part) -> Step:
    return compiled.side_by_side(
        [
            (one["positions"], _chain(one["steps"]) if one["steps"] else None)
            for one in part["parts"]
        ]
    )


def _chain(parts: Sequence[Part]) -> Step:
    return compiled.chain([_step(part) for part in parts])


STEPS: dict[str, Callable[[Any], Step]] = {
    "scale": lambda part: compiled.scale(part["mean"], part["divisor"]),
    "stretch": lambda part: compiled.stretch(part["factor"], part["shift"]),
    "fill": lambda part: compiled.fill(part["statistics"]),
    "one_hot": lambda part: compiled.one_hot(part["codes"], part["width"], strict=part["strict"]),
    "ordinal": lambda part: compiled.ordinal(part["codes"], part["unknown"]),
    "side_by_side": _side_by_side,
}
