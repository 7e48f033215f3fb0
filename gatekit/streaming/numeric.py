"""From one block of a regression's rows to sums: of losses and errors, and for R2 and the RMSEs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.errors import DataError
from gatekit.evidence.outermost import Outermost
from gatekit.evidence.products import Products
from gatekit.evidence.sums import Floats, Sums
from gatekit.stats import regression
from gatekit.streaming.names import (
    ABSOLUTE,
    ERROR,
    FALL,
    LOSSES,
    PINBALL,
    R2,
    ROOTS,
    SQUARE,
    TARGET,
)
from gatekit.streaming.question import CANDIDATE, CHAMPION, SUMMED, Answers, Question

OF_R2 = (2, 1)  # what a row weighs is of the first power of its squared error, the second of y
OF_ROOTS = (1, 1)


def add_numbers(
    made: dict[str, Any], question: Question, y: NDArray[Any], answers: Answers
) -> None:
    """Add what is counted of a regression's block, by name, to what is `made` of it.

    Raises:
        DataError: values that are no numbers, as they were in the pilot, or too large a one.
    """
    scales = question.scales
    truth = _numbers(y, "the target")
    errors = {}
    for role, said in answers.items():
        errors[role] = (_numbers(said.labels, f"the {role}") - truth) / scales.error
    new = errors[CANDIDATE]
    size = np.abs(new)
    square = new * new
    losses = regression.pinball(np.zeros(1), new, question.quantile)
    each = {ABSOLUTE: size, SQUARE: square, ERROR: new, PINBALL: losses}
    most = float(size.max())
    if CHAMPION in errors:
        old = np.abs(errors[CHAMPION])
        each[FALL] = old - size
        most = max(most, float(old.max()))
    made["sums"] |= {name: Sums.of(values) for name, values in each.items()}
    made["ends"][LOSSES] = ends((0.0, most))
    add_determination(made, question, truth, square)
    if CHAMPION in errors:
        add_roots(made, question, new, errors[CHAMPION])


def add_determination(made: dict[str, Any], question: Question, y: Floats, square: Floats) -> None:
    """Add what R2 is judged by, of a block's target and squared errors, (n,) each."""
    scales = question.scales
    beside = (y - scales.centre) / scales.spread
    made["products"][R2] = Products.of(square, beside, OF_R2)
    made["ends"][TARGET] = ends(y)
    made["outermost"][R2] = Outermost.of(square - scales.ratio * (beside * beside), beside)


def add_roots(made: dict[str, Any], question: Question, new: Floats, old: Floats) -> None:
    """Add what the rise of RMSE is judged by, of either model's errors, (n,) each."""
    scales = question.scales
    square = old * old
    apart = (new - old) * (new + old)
    made["products"][ROOTS] = Products.of(apart / scales.apart, square, OF_ROOTS)
    made["outermost"][ROOTS] = Outermost.of(apart + (1 - scales.share) * square, square)


def ends(values: Any) -> tuple[float, float]:
    """The smallest and the largest of some numbers."""
    return float(np.min(values)) + 0.0, float(np.max(values)) + 0.0  # -0.0 is 0.0


def _numbers(values: NDArray[Any], whose: str) -> Floats:
    if values.dtype.kind not in SUMMED:
        raise DataError(f"{whose} is of type {values.dtype} in some rows and numbers in others")
    return values.astype(float)
