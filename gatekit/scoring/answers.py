"""What a model that gives scores returned, as labels and columns of scores.

Two ways of giving scores, as the policy's `score` says: `predict_proba`, where the whole answer is
one column per class or that of the positive class alone; or a column of that name beside others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekit.errors import ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable

PROBABILITIES = "predict_proba"
LABEL = "prediction"  # the column of labels, where an answer has more than one beside the score
TWO = 2

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of n rows: (n,) of the positive class, `classes` empty; or (n, K) of K classes.

    `labels` are the model's own, (n,); None where it gives scores alone.
    """

    labels: Array | None
    scores: Array
    classes: tuple[Any, ...] = ()


def read_answer(
    raw: Any, score: str, classes: tuple[Any, ...], flat: Callable[[object], Array]
) -> Scored:
    """The scores in what a model returned.

    `classes` name the columns, in order, where the model says so itself; `flat` makes one column
    of an array, series or list.

    Raises:
        ModelMisbehaved: the column is not there, the classes of the columns cannot be known, or
            what should be scores is not made of floating-point numbers.
    """
    if score != PROBABILITIES:
        return _named(raw, score, flat)
    columns = _columns(raw)
    values = np.asarray(raw.to_numpy() if hasattr(raw, "to_numpy") else raw)
    if values.ndim == TWO and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, TWO):
        raise ModelMisbehaved(f"the model returned an array of {values.ndim} dimensions")
    if values.ndim == 1:
        return Scored(None, _floating(values, "the model returned"))
    named = classes or tuple(name for name in columns if isinstance(name, str))
    if len(named) != values.shape[1]:
        raise ModelMisbehaved(
            f"the model returned {values.shape[1]} columns of scores, and nothing says which class "
            "each is of",
            "Return a frame whose columns are named after the labels, or save the estimator with "
            "its classes_ (mlflow.sklearn)",
        )
    return Scored(None, _floating(values, "the model returned"), named)


def _named(raw: Any, score: str, flat: Callable[[object], Array]) -> Scored:
    columns = _columns(raw)
    if score not in columns:
        found = f"its columns are {', '.join(map(repr, columns))}" if columns else "it has no names"
        raise ModelMisbehaved(
            f"the model's answer has no column {score!r}, the policy's score: {found}",
            f'Name one that is there, or say score = "{PROBABILITIES}" where the whole answer is '
            "scores",
        )
    others = [name for name in columns if name != score]
    label = LABEL if LABEL in others else others[0] if len(others) == 1 else None
    if others and label is None:
        raise ModelMisbehaved(
            f"the model's answer has {len(others)} columns beside {score!r}, and none is called "
            f"{LABEL!r}",
            f"Call the column of labels {LABEL!r}",
        )
    scores = _floating(flat(raw[score]), f"column {score!r} holds")
    return Scored(None if label is None else flat(raw[label]), scores)


def _columns(raw: Any) -> tuple[Any, ...]:
    if isinstance(raw, dict):
        return tuple(raw)
    if hasattr(raw, "columns"):
        return tuple(raw.columns)
    name = getattr(raw, "name", None)
    return () if name is None else (name,)


def _floating(values: Array, what: str) -> Array:
    if values.dtype.kind != "f":
        raise ModelMisbehaved(
            f"{what} values of type {values.dtype}, which are labels and no scores",
            "Save the model with pyfunc_predict_fn='predict_proba', or say score = \"\"",
        )
    return values.astype(np.float64, copy=False)
