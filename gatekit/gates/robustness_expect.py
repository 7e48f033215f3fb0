"""What the policy expects an answer to do when a column changes: nothing, rise, or fall.

An answer is the label, or, where the policy says so, the score. With nothing tolerated the estimate
is a count of the rows found to break it, not an inference; with a share tolerated it is that share,
with exact bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.errors import DataError
from gatekit.estimate import Estimate, exact
from gatekit.evidence.counts import is_label, right
from gatekit.gate import Ask, label_free, measure
from gatekit.gates.accuracy import share
from gatekit.gates.damage import another
from gatekit.ledger import Bar
from gatekit.policy_gates import Expectation
from gatekit.scoring.signature import Column, arrow_type
from gatekit.subject import Subject

Measure = Callable[..., Estimate]
NUMBERS = ("double", "float", "long", "integer")
SEED = 20_240_229
Floats = NDArray[np.float64]


def expectations(table: Any) -> Iterator[tuple[Measure, Bar]]:
    """A measure and its bar for each expectation of `gate.policy.robustness`."""
    for name, expected in table.expect.items():
        yield _measure_of(name, expected), Bar(expected.tolerated, f"robustness.expect.{name}")


def _measure_of(name: str, expected: Expectation) -> Measure:
    @label_free
    @measure
    def broken(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
        """Rows whose answer does not do what is expected."""
        wrong, how = breaking(candidate, holdout, expected)
        words = f"breaks {name}"
        detail = (f"{how}: {int(wrong.sum()):,} of {wrong.size:,} {expected.of} break it",)
        if expected.tolerated == 0:
            return exact(words, int(wrong.sum()), n=wrong.size, method="every row", detail=detail)
        return share(words, int(wrong.sum()), wrong.size, ask, detail)

    broken.__name__ = f"expect.{name}"
    return broken


def breaking(
    candidate: Subject, holdout: Holdout, expected: Expectation
) -> tuple[NDArray[np.bool_], str]:
    """Which rows break the expectation, (n,), and what was done to them, in words.

    Raises:
        DataError: the model has no such column, or its answers have no order.
    """
    signature = candidate.candidate.signature
    column = next((c for c in signature.inputs if c.name == expected.column), None)
    table = holdout.features(signature)
    if column is None or column.name not in table.column_names:
        raise DataError(
            f"robustness.expect names {expected.column!r}, which the model does not take",
            f"It takes: {', '.join(signature.names)}",
        )
    changed, how = _changed(table, column, expected)
    if expected.of == "scores":
        old, new = candidate.scores(holdout), candidate.score_rows(changed)
        return _astray(old, new, expected), f"{how}, {_largest(new - old)}"
    before, after = candidate.predictions(holdout), candidate.predict(changed)
    if expected.kind == "invariant" and candidate.task != "regression":
        return ~right(before, after), how
    return _astray(_ordered(before, candidate), _ordered(after, candidate), expected), how


def _astray(old: Floats, new: Floats, expected: Expectation) -> NDArray[np.bool_]:
    """Which rows went further the wrong way than `within`; of several scores a row, any."""
    moved = new - old
    if expected.kind == "invariant":
        wrong = np.abs(moved)
        return np.asarray((wrong.max(axis=1) if wrong.ndim > 1 else wrong) > expected.within)
    if moved.ndim > 1:
        raise DataError(
            f"robustness.expect: scores of {moved.shape[1]} classes do not rise or fall as one",
            "Expect invariance",
        )
    return np.asarray((-moved if expected.kind == "increasing" else moved) > expected.within)


def _largest(moved: Floats) -> str:
    return f"the largest move {moved.flat[int(np.argmax(np.abs(moved)))]:+.4g}"


def _changed(table: pa.Table, column: Column, expected: Expectation) -> tuple[pa.Table, str]:
    place = table.column_names.index(column.name)
    if column.type in NUMBERS:
        values = table[column.name]
        numbers = values.to_numpy(zero_copy_only=False).astype(float)
        change = float(np.nanstd(numbers)) if expected.change is None else expected.change
        if column.type in ("long", "integer"):
            change = float(np.rint(change)) or 1.0
            # added as whole numbers: an id of 2**60 keeps its last digit
            moved = pa.array(values.to_numpy() + int(change))
        else:
            moved = pa.array(numbers + change, from_pandas=True)
        made = moved.cast(arrow_type(column.type))
        return table.set_column(place, column.name, made), f"{column.name} {change:+.6g}"
    if expected.kind != "invariant":
        raise DataError(
            f"robustness.expect: {column.name!r} is {column.type}, which does not rise or fall",
            "Expect it to be invariant, or name a number",
        )
    swapped = another(table[column.name], np.random.default_rng(SEED))
    if swapped is None:
        raise DataError(f"robustness.expect: {column.name!r} has one value in the holdout only")
    return table.set_column(place, column.name, swapped), f"{column.name} set to another value"


def _ordered(labels: NDArray[Any], candidate: Subject) -> NDArray[np.float64]:
    """Labels as numbers that rise: the positive one above the other, or the numbers themselves."""
    if candidate.task == "binary":
        return is_label(labels, candidate.positive).astype(float)
    if labels.dtype.kind not in "biuf":
        raise DataError(
            "robustness.expect: labels that are words do not rise or fall",
            "Expect invariance, or let the labels be numbers",
        )
    return labels.astype(float)
