"""The effects in columns of two samples whose rows are held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gatekit.data import Holdout
from gatekit.evidence.pairs import Numbers, Values, by_value, paired
from gatekit.gates.drift_columns import Found, Kind, columns_of
from gatekit.stats import drift
from gatekit.stats.drift import FEWEST_OF_A_BIN, Divergence, Effect
from gatekit.subject import Subject


@dataclass(frozen=True, slots=True)
class HeldColumns:
    """Two samples, column by column."""

    candidate: Subject
    reference: Holdout
    current: Holdout

    @property
    def words(self) -> tuple[str, ...]:
        """What is to be said of how rows were counted: nothing."""
        return ()

    def psi(self) -> list[Found]:
        """The population stability index of each column, of numbers first."""
        return [*self._each(Numbers, _psi_of_numbers), *self._each(Values, psi)]

    def ks(self) -> list[Found]:
        """The gap of each column of numbers."""
        return self._each(Numbers, _ks)

    def wasserstein(self) -> list[Found]:
        """How far each column of numbers was moved."""
        return self._each(Numbers, lambda both: drift.wasserstein(both.reference, both.current))

    def cramers_v(self) -> list[Found]:
        """Cramer's V of each column of values."""
        return self._each(Values, cramers_v)

    def predictions(self) -> Effect:
        """Of what the model says: a gap of scores and numbers, V of labels."""
        said = [pa.chunked_array([self._said(each)]) for each in (self.reference, self.current)]
        by_score = bool(self.candidate.score) and self.candidate.task == "binary"
        return _of_one(said, as_numbers=by_score or self.candidate.task == "regression")

    def labels(self) -> Effect:
        """Likewise of true labels."""
        sides = [each.table[each.spec.target] for each in (self.reference, self.current)]
        return _of_one(sides, as_numbers=self.candidate.task == "regression")

    def _each(self, kind: type[Kind], of: Callable[[Kind], Effect]) -> list[Found]:
        """Of every column of that kind; one without a number in a sample has too few."""
        columns = columns_of(self.candidate, self.reference, self.current)
        return [Found(c.name, of(c)) for c in columns if isinstance(c, kind)]

    def _said(self, sample: Holdout) -> object:
        if self.candidate.score and self.candidate.task == "binary":
            return self.candidate.scores(sample)
        return np.asarray(self.candidate.predictions(sample))


def _of_one(sides: list[pa.ChunkedArray], *, as_numbers: bool) -> Effect:
    both = paired("", *sides) if as_numbers else None
    if isinstance(both, Numbers):
        return _ks(both)
    return cramers_v(by_value("", *sides) if both is None else both)


def _ks(column: Numbers) -> Effect:
    return drift.ks(column.reference, column.current)


def cramers_v(column: Values) -> Divergence:
    """V of sample against value, values with few rows as one."""
    known = column.pooled(FEWEST_OF_A_BIN)
    return drift.cramers_v(known.reference, known.current)


def psi(column: Values) -> Divergence:
    """The index by value, values with few rows as one."""
    known = column.pooled(FEWEST_OF_A_BIN)
    return drift.psi(known.reference, known.current)


def _psi_of_numbers(column: Numbers) -> Divergence:
    edges = drift.quantile_bins(column.reference)
    sides = (column.reference, column.missing[0]), (column.current, column.missing[1])
    reference, current = (drift.counts(numbers, edges, missing) for numbers, missing in sides)
    if not sum(column.missing):
        reference, current = reference[:-1], current[:-1]
    return drift.psi(reference, current)
