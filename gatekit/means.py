"""A team's measure of means: what each row adds, and what the means of all rows come to.

Such a measure can be counted row by row, so that a holdout that streams is judged by all its rows.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.errors import DataError

Columns = dict[str, NDArray[np.float64]]
Rows = Callable[[NDArray[Any], NDArray[Any]], Any]
Value = Callable[[Any], Any]
ALONE = ""  # what the column of a measure is called that gives one array and no names


class OfMeans:
    """A measure made by `of_means`: of labels and answers, (n,) each, one number.

    `@measure.value` says what the means come to. Without it the measure is the mean of the one
    array that its function gives.
    """

    gatekit_streams = True  # of a holdout that streams it takes all rows, if the pass counted it

    def __init__(self, rows: Rows, value: Value | None = None) -> None:
        functools.update_wrapper(self, rows)
        self._rows, self._value = rows, value

    def value(self, function: Value) -> Value:
        """Take the function of the means, by name, that gives the number; once.

        Of a measure whose rows add one array without a name it is given that mean.
        """
        if self._value is not None:
            raise TypeError(f"{self.name} has its value by {self._value.__name__} already")
        self._value = function
        return function

    @property
    def name(self) -> str:
        """The function's name."""
        return str(getattr(self._rows, "__name__", "own measure"))

    @property
    def file(self) -> Path:
        """Where the function is written."""
        return Path(self._rows.__code__.co_filename)

    def columns(self, y: NDArray[Any], said: NDArray[Any]) -> Columns:
        """What each of n rows adds, (n,) by name.

        Raises:
            DataError: the function gave anything else than n finite numbers by name.
        """
        given = self._rows(y, said)
        by_name = given if isinstance(given, Mapping) else {ALONE: given}
        if not by_name or not all(isinstance(name, str) for name in by_name):
            raise DataError(f"{self.name} gave a dict of no names", "Name what each row adds")
        made = {name: self._column(name, each, y.size) for name, each in by_name.items()}
        if ALONE not in made and self._value is None:
            raise DataError(
                f"{self.name} gives {', '.join(map(repr, made))}, and nothing says what their "
                "means come to",
                f"Write a function of the means below it, with @{self.name}.value above",
            )
        return made

    def _column(self, name: str, given: Any, rows: int) -> NDArray[np.float64]:
        what = f"{self.name} gave {repr(name) if name else 'an array'}"
        hint = f"It is asked for one number of each row: an array of shape ({rows},)"
        values = np.asarray(given)
        if values.dtype.kind not in "biuf":
            raise DataError(f"{what} of type {_kind(given, values)} for {rows:,} rows", hint)
        if values.shape != (rows,):
            raise DataError(f"{what} of shape {values.shape} for {rows:,} rows", hint)
        values = values.astype(float)
        if odd := int(np.count_nonzero(~np.isfinite(values))):
            raise DataError(f"{what} with {odd:,} of {rows:,} values that are not finite", hint)
        return values

    def of(self, means: Mapping[str, Any]) -> float:
        """What these means come to.

        Raises:
            TypeError: the function of the means gave something that is no number.
        """
        given: Any = means[ALONE] if means.keys() == {ALONE} else dict(means)
        found = given if self._value is None else self._value(given)
        try:
            return float(found)
        except (TypeError, ValueError):
            raise TypeError(
                f"the value of {self.name} is {type(found).__name__}; a measure is one number"
            ) from None

    def __call__(self, y: NDArray[Any], said: NDArray[Any]) -> float:
        """The measure of rows that are held, as of any plain metric."""
        return self.of({name: each.mean() for name, each in self.columns(y, said).items()})

    def __reduce__(self) -> tuple[Callable[[bytes], OfMeans], tuple[bytes]]:
        """By value: whoever counts for a cluster has no file of the team's."""
        import cloudpickle

        return _from_bytes, (cloudpickle.dumps((self._rows, self._value)),)


def of_means(rows: Rows) -> OfMeans:
    """Mark a function of labels and answers, (n,) each, that gives what each row adds.

    It gives a dict of arrays (n,) by name, or one such array; what it gives of a row depends on
    that row alone.
    """
    return OfMeans(rows)


@dataclass(frozen=True, slots=True)
class Named:
    """A measure that the policy names, as "metrics.py:cost_per_case", and its file's sha256."""

    said: str
    measure: OfMeans
    sha256: str

    def is_same(self, other: OfMeans) -> bool:
        """Whether a suite's measure is this one: of that name, from a file of these bytes."""
        return other.name == self.measure.name and source_sha256(other.file) == self.sha256


def source_sha256(file: Path) -> str:
    """sha256 of a file's bytes; empty if there is none, as of what was typed into a notebook."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _from_bytes(raw: bytes) -> OfMeans:
    import cloudpickle

    return OfMeans(*cloudpickle.loads(raw))


def _kind(given: Any, values: NDArray[Any]) -> str:
    return str(values.dtype) if isinstance(given, np.ndarray) else type(given).__name__
