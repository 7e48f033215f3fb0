"""Count tables: all that accuracy and fairness need to know of a pass over the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class GroupTable:
    """counts[g, y, p]: rows of group g with true label y and predicted label p (1 = positive)."""

    names: tuple[str, ...]
    counts: NDArray[np.int64]  # (G, 2, 2)

    def rows(self) -> NDArray[np.int64]:
        """Rows per group, (G,)."""
        return np.asarray(self.counts.sum(axis=(1, 2)))

    def selected(self) -> NDArray[np.int64]:
        """Rows predicted positive per group, (G,)."""
        return np.asarray(self.counts[:, :, 1].sum(axis=1))

    def labelled(self, label: int) -> NDArray[np.int64]:
        """Rows with that true label (0 or 1) per group, (G,)."""
        return np.asarray(self.counts[:, label, :].sum(axis=1))

    def selected_of(self, label: int) -> NDArray[np.int64]:
        """Rows with that true label that were predicted positive, per group, (G,)."""
        return np.asarray(self.counts[:, label, 1])


def group_table(
    names: tuple[str, ...],
    group: NDArray[np.int64],
    truth: NDArray[np.bool_],
    said: NDArray[np.bool_],
) -> GroupTable:
    """Count rows by (group, true label, predicted label) in one pass."""
    cell = group * 4 + truth.astype(np.int64) * 2 + said.astype(np.int64)
    counts = np.bincount(cell, minlength=4 * len(names))
    return GroupTable(names, counts.reshape(len(names), 2, 2))


def right(y: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.bool_]:
    """Which predictions equal the label, (n,), whatever the two dtypes are."""
    if y.dtype.kind in "OUS" or prediction.dtype.kind in "OUS":
        return np.asarray(y.astype(str) == prediction.astype(str))
    return np.asarray(y == prediction)


def other_label(y: NDArray[Any], positive: Any) -> Any:
    """The label that is not positive, out of y (n,): the first there is, else a plain no."""
    others = y[~is_label(y, positive)]
    if others.size:
        return others[0]
    return f"not {positive}" if isinstance(positive, str) else 0


def is_label(values: NDArray[Any], label: Any) -> NDArray[np.bool_]:
    """Which values are that label, (n,): 1 and 1.0 are the same, and so are 1 and '1' as text."""
    if values.dtype.kind in "OUS" or isinstance(label, str):
        return np.asarray(values.astype(str) == str(label))
    return np.asarray(values == label)
