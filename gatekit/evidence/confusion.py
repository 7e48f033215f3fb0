"""The confusion table: all that the measures on labels need to know of a pass over the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.evidence.counts import is_label

MOST_LABELS = 100  # more are scores or names, not labels
ROWS_AT_ONCE = 1 << 15  # so that their codes stay in the cache


@dataclass(frozen=True, slots=True)
class ConfusionTable:
    """counts[y, p]: rows with true label y and predicted label p.

    `labels` are sorted and hold what was true or predicted anywhere, (K,), as scikit-learn does.
    """

    labels: NDArray[Any]
    counts: NDArray[np.int64]  # (K, K)

    def rows(self) -> int:
        """How many rows were counted."""
        return int(self.counts.sum())

    def hit(self) -> NDArray[np.int64]:
        """Rows labelled right, by label, (K,)."""
        return np.asarray(np.diagonal(self.counts))

    def true(self) -> NDArray[np.int64]:
        """Rows that have each label, (K,)."""
        return np.asarray(self.counts.sum(axis=1))

    def said(self) -> NDArray[np.int64]:
        """Rows predicted to have each label, (K,)."""
        return np.asarray(self.counts.sum(axis=0))

    def of(self, positive: Any) -> PositiveCounts:
        """The counts of one label against all others."""
        one = is_label(self.labels, positive)
        hit, true, said = self.hit(), self.true(), self.said()
        return PositiveCounts(
            int(hit[one].sum()),
            int(true[one].sum()),
            int(said[one].sum()),
            int(hit[~one].sum()),
            int(true[~one].sum()),
        )


@dataclass(frozen=True, slots=True)
class PositiveCounts:
    """Rows of the positive label: said so rightly, having it, said to; and of the other label.

    A predicted label that is neither of the two is a miss on either side, never a true negative.
    """

    hit: int
    true: int
    said: int
    other_hit: int
    other_true: int


def confusion_table(y: NDArray[Any], prediction: NDArray[Any]) -> ConfusionTable | None:
    """Count rows by (true label, predicted label) in one pass; None over 100 labels.

    Labels are the same by the rule of `counts.right`: as text if either side is text.
    """
    if y.dtype.kind in "bi" and prediction.dtype.kind in "bi" and y.size:
        if (two := _of_two_labels(y, prediction)) is not None:
            return two
        low = min(int(y.min()), int(prediction.min()))
        span = max(int(y.max()), int(prediction.max())) - low + 1
        if span <= MOST_LABELS:
            return _of_near_integers(y, prediction, low, span)
    if y.dtype.kind in "OUS" or prediction.dtype.kind in "OUS":
        both = np.concatenate([y.astype(str), prediction.astype(str)])
    else:
        both = np.concatenate([y, prediction])
        if both.dtype.kind == "f":
            both = both + 0.0  # -0.0 is 0.0
    coded = pa.array(both).dictionary_encode()  # tenfold np.unique on a million rows
    if len(coded.dictionary) > MOST_LABELS:
        return None
    found = np.asarray(coded.dictionary.to_numpy(zero_copy_only=False))
    if both.dtype.kind == "U":
        found = found.astype(str)
    order = np.argsort(found, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    codes = rank[coded.indices.to_numpy()]
    k = order.size
    cells = np.bincount(codes[: y.size] * k + codes[y.size :], minlength=k * k)
    return ConfusionTable(found[order], cells.reshape(k, k).astype(np.int64))


def _of_near_integers(
    y: NDArray[Any], prediction: NDArray[Any], low: int, span: int
) -> ConfusionTable:
    """Labels that are their own codes: nothing has to be looked up."""
    counted = np.zeros(span * span, dtype=np.int64)
    for start in range(0, y.size, ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        codes = y[part].astype(np.int64)
        codes *= span
        codes += prediction[part]
        codes -= low * (span + 1)
        counted += np.bincount(codes, minlength=span * span)
    cells = counted.reshape(span, span)
    found = np.flatnonzero(cells.sum(axis=0) + cells.sum(axis=1))
    labels = (found + low).astype(np.result_type(y, prediction))
    return ConfusionTable(labels, cells[np.ix_(found, found)].astype(np.int64))


def _of_two_labels(y: NDArray[Any], prediction: NDArray[Any]) -> ConfusionTable | None:
    """Rows with a label and the next, counted as flags; None where there are others.

    Looked at and counted while a part of the rows is in the cache.
    """
    parts = [slice(at, at + ROWS_AT_ONCE) for at in range(0, y.size, ROWS_AT_ONCE)]
    low = min(int(y[parts[0]].min()), int(prediction[parts[0]].min()))
    true = said = both = 0
    for part in parts:
        mine, theirs = y[part], prediction[part]
        if min(mine.min(), theirs.min()) < low or max(mine.max(), theirs.max()) > low + 1:
            return None
        mine, theirs = mine != low, theirs != low
        true += int(np.count_nonzero(mine))
        said += int(np.count_nonzero(theirs))
        both += int(np.count_nonzero(mine & theirs))
    neither = y.size - true - said + both
    cells = np.array([[neither, said - both], [true - both, both]], dtype=np.int64)
    found = np.flatnonzero(cells.sum(axis=0) + cells.sum(axis=1))
    labels = (found + low).astype(np.result_type(y, prediction))
    return ConfusionTable(labels, cells[np.ix_(found, found)])
