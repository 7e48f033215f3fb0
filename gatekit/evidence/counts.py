"""Which rows are labelled right, and which have a certain label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


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
