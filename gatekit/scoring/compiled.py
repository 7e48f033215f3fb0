"""The arithmetic of a fitted scikit-learn model as plain functions of numpy arrays.

Each function does what the step of that name does in scikit-learn, in the same order, without its
checks of every call, its clones and its frames. What `gatekit.scoring.compiling` does not know it
refuses, so nothing here guesses.

`Given` is a matrix, (rows, features) of float64, or a list of columns, each (rows,): numbers in
float64, words as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Column = Sequence[Any] | Array
Given = Array | list[Column]
Step = Callable[[Given], Given]


def matrix(given: Given) -> Array:
    """The columns side by side, (rows, columns) of float64; a matrix as it is."""
    if isinstance(given, np.ndarray):
        return given
    # Columns lie together, as in a frame: the other order changes sums in their last digit.
    array = np.empty((len(given[0]), len(given)), order="F")
    for position, column in enumerate(given):
        array[:, position] = column
    return array


def columns(given: Given) -> list[Column]:
    """One column after the other, each (rows,)."""
    return list(given.T) if isinstance(given, np.ndarray) else given


def chain(steps: Sequence[Step]) -> Step:
    """One step after the other."""
    if len(steps) == 1:
        return steps[0]

    def run(given: Given) -> Given:
        for step in steps:
            given = step(given)
        return given

    return run


def scale(mean: Array | None, divisor: Array | None) -> Step:
    """Each column less its mean, then divided: StandardScaler, MaxAbsScaler, RobustScaler."""

    def run(given: Given) -> Given:
        array = matrix(given)
        if mean is not None:
            array = array - mean
        return array if divisor is None else array / divisor

    return run


def stretch(factor: Array, shift: Array) -> Step:
    """Each column times its factor, plus its shift: MinMaxScaler."""
    return lambda given: matrix(given) * factor + shift


def fill(statistics: Array) -> Step:
    """What is empty becomes the column's statistic: SimpleImputer."""
    if statistics.dtype.kind == "f":

        def run(given: Given) -> Given:
            array = matrix(given)
            return np.where(np.isnan(array), statistics, array)

        return run

    def run_words(given: Given) -> Given:
        return [
            [value if _is_empty(cell) else cell for cell in column]
            for column, value in zip(columns(given), statistics.tolist(), strict=True)
        ]

    return run_words


def one_hot(codes: Sequence[Mapping[Any, int]], width: int, *, strict: bool) -> Step:
    """A column of ones and zeros for each category: OneHotEncoder.

    `codes` tell, for each column, where the one of a category stands; -1 for one that was dropped.
    With `strict` a category that is not there raises ValueError, else it leaves zeros.
    """

    def run(given: Given) -> Given:
        said = columns(given)
        array = np.zeros((len(said[0]), width))
        for column, known in zip(said, codes, strict=True):
            for row, cell in enumerate(column):
                place = known.get(cell)
                if place is None:
                    if strict:
                        raise ValueError("a category that was not there in fitting")
                elif place >= 0:
                    array[row, place] = 1.0
        return array

    return run


def ordinal(codes: Sequence[Mapping[Any, float]], unknown: float | None) -> Step:
    """A category's number: OrdinalEncoder. `unknown` None raises ValueError for a stranger."""

    def run(given: Given) -> Given:
        said = columns(given)
        array = np.empty((len(said[0]), len(codes)), order="F")
        for position, (column, known) in enumerate(zip(said, codes, strict=True)):
            for row, cell in enumerate(column):
                number = known.get(cell, unknown)
                if number is None:
                    raise ValueError("a category that was not there in fitting")
                array[row, position] = number
        return array

    return run


def side_by_side(parts: Sequence[tuple[Sequence[int], Step | None]]) -> Step:
    """Each part of the columns through its own step, the results side by side: ColumnTransformer.

    A part is the positions of its columns and its step; without a step they pass unchanged.
    """

    def run(given: Given) -> Given:
        said = columns(given)
        blocks = []
        for positions, step in parts:
            chosen: Given = [said[position] for position in positions]
            blocks.append(matrix(chosen if step is None else step(chosen)))
        return blocks[0] if len(blocks) == 1 else np.hstack(blocks)

    return run


def weighted(coefficients: Array, intercept: Array | float) -> Callable[[Given], Array]:
    """The linear form, (rows,) for one row of coefficients, else (rows, classes).

    Raises:
        ValueError: a score is not finite, as scikit-learn raises where a cell is not.
    """
    turned, single = coefficients.T, coefficients.shape[0] == 1

    def run(given: Given) -> Array:
        score: Array = matrix(given) @ turned + intercept
        total = score.item() if score.size == 1 else float(score.sum())
        if not math.isfinite(total) and not np.isfinite(score).all():
            raise ValueError("a row holds a value that is empty or not finite")
        return score[:, 0] if single else score

    return run


def _is_empty(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))
