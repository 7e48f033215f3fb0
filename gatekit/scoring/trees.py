"""Forests and boosting through treelite, whose import reads a fitted scikit-learn ensemble.

A call costs tens of microseconds where scikit-learn's costs milliseconds; the sums are the same
but for the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gatekit.scoring.compiled import Array, Given, matrix
from gatekit.scoring.form import Part
from gatekit.scoring.grown import Grown

FORESTS = (
    *("RandomForestClassifier", "ExtraTreesClassifier"),
    *("RandomForestRegressor", "ExtraTreesRegressor"),
)
BOOSTED = (
    *("GradientBoostingClassifier", "GradientBoostingRegressor"),
    *("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"),
)
TREES = (*FORESTS, *BOOSTED)
SAME_AS_MARGIN = ("squared_error", "absolute_error", "quantile", "huber")

Score = Callable[[Given], Array]


def describe_trees(estimator: Any, name: str, refusal: Callable[[str], Exception]) -> Part:
    """The ensemble as a part; `refusal` makes the error of what cannot be had."""
    try:
        import treelite
        import treelite.sklearn
    except ModuleNotFoundError:
        raise refusal("treelite is not installed (pip install treelite)") from None
    if getattr(estimator, "n_outputs_", 1) != 1:
        raise refusal("it gives more than one answer a row")
    if getattr(estimator, "is_categorical_", None) is not None:
        raise refusal("its boosting treats columns as categories")
    regresses = name.endswith("Regressor")
    if regresses and getattr(estimator, "loss", "huber") not in SAME_AS_MARGIN:
        raise refusal(f"its loss is {estimator.loss}")
    try:
        model = treelite.sklearn.import_model(estimator)
    except (treelite.TreeliteError, NotImplementedError) as error:
        raise refusal(f"treelite does not take {name}: {type(error).__name__}") from error
    return {
        "do": "trees",
        "grown": model.serialize_bytes(),
        "votes": name in FORESTS,
        "single": not name.startswith("Hist"),  # scikit-learn casts rows to float32 for these
        "classes": None if regresses else np.asarray(estimator.classes_),
        "odds": "" if regresses else "trees",
    }


def plant(
    grown: bytes, classes: Array | None, *, votes: bool, single: bool
) -> tuple[Score, Score | None]:
    """What predicts and what gives probabilities, of a part that `describe_trees` made.

    Rows with infinite cells raise ValueError where scikit-learn raises one.
    """
    ensemble = Grown(grown)

    def asked(given: Given, *, margin: bool = False) -> Array:
        rows = matrix(given)
        return ensemble(_single(rows, nan=votes) if single else rows, margin=margin)

    if classes is None:
        return (lambda given: asked(given)[:, 0]), None
    if votes:
        return (lambda given: _taken(classes, asked(given).argmax(axis=1))), asked
    return _boosted(asked, classes, even=1 if single else 0), _both(asked)


def _boosted(grown: Any, classes: Array, even: int) -> Score:
    """The likelier class; `even` is the one that a margin of nought means."""

    def predict(given: Given) -> Array:
        margin = grown(given, margin=True)
        if margin.shape[1] > 1:
            return _taken(classes, margin.argmax(axis=1))
        first = margin[:, 0]
        return _taken(classes, (first >= 0 if even else first > 0).astype(np.intp))

    return predict


def _taken(classes: Array, chosen: Array) -> Array:
    said: Array = classes.take(chosen)
    return said


def _both(grown: Any) -> Score:
    def probabilities(given: Given) -> Array:
        from scipy.special import expit, softmax

        margin = grown(given, margin=True)
        if margin.shape[1] > 1:  # treelite's own softmax is taken in float32
            several: Array = softmax(margin, axis=1)
            return several
        positive = expit(margin[:, 0])
        return np.column_stack((1 - positive, positive))

    return probabilities


def _single(rows: Array, *, nan: bool) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        cast = np.ascontiguousarray(rows, dtype=np.float32)
        total = float(cast.sum())
    if not math.isfinite(total):  # the sum alone may be too large, or hold what may be empty
        wrong = np.isinf(cast) if nan else ~np.isfinite(cast)
        if wrong.any():
            raise ValueError("a row holds a value that is empty or too large for float32")
    return cast
