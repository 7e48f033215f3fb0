"""True against predicted labels, mergeable: a confusion table whose labels are values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gatekit.errors import DataError
from gatekit.evidence.confusion import MOST_LABELS, ConfusionTable, confusion_table

KINDS = "bifU"  # of labels, the more general later; words are apart from all numbers


@dataclass(frozen=True, slots=True, eq=False)
class LabelCounts:
    """Rows by (true label, predicted label), (K, K). Labels are text in the order of their values.

    `kind` is what they are: b, i, f or U as numpy has it. Over 100 labels nothing is kept.
    """

    kind: str
    labels: tuple[str, ...]
    counts: NDArray[np.int64]
    too_many: bool = False

    @classmethod
    def of(cls, y: NDArray[Any], said: NDArray[Any]) -> Self:
        """Count the rows of one block, (n,) both."""
        kind = _kind(y, said)
        table = confusion_table(y, said)
        if table is None:
            return cls._none(kind)
        return cls(kind, tuple(map(_text, table.labels)), table.counts)

    @classmethod
    def _none(cls, kind: str) -> Self:
        return cls(kind, (), np.zeros((0, 0), dtype=np.int64), too_many=True)

    def merge(self, more: Self) -> Self:
        """The counts of the rows of both.

        Raises:
            DataError: labels are words in one and numbers in the other.
        """
        if (self.kind == "U") != (more.kind == "U"):
            raise DataError(
                "labels and predictions are words in some rows and numbers in others",
                "Let the model answer labels of one type",
            )
        kind = max(self.kind, more.kind, key=KINDS.index)
        labels = sorted({*self.labels, *more.labels}, key=str if kind == "U" else float)
        if self.too_many or more.too_many or len(labels) > MOST_LABELS:
            return self._none(kind)
        counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
        for each in (self, more):
            place = [labels.index(label) for label in each.labels]
            counts[np.ix_(place, place)] += each.counts
        return type(self)(kind, tuple(labels), counts)

    def table(self) -> ConfusionTable | None:
        """As the measures take it; None over 100 labels."""
        if self.too_many:
            return None
        if self.kind == "U":
            return ConfusionTable(np.array(self.labels, dtype=str), self.counts)
        wanted: type = {"b": bool, "i": int, "f": float}[self.kind]
        values = [wanted(float(each)) if wanted is not int else int(each) for each in self.labels]
        return ConfusionTable(np.array(values, dtype=wanted), self.counts)


def _kind(y: NDArray[Any], said: NDArray[Any]) -> str:
    if y.dtype.kind in "OUS" or said.dtype.kind in "OUS":
        return "U"
    return np.result_type(y, said).kind.replace("u", "i")


def _text(label: Any) -> str:
    """1 for 1, 1.0 and True alike; words as they are."""
    if isinstance(label, str):
        return str(label)
    number = float(label)
    return str(int(label)) if number.is_integer() else repr(number)
