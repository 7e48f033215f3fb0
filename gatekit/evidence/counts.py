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


def is_label(values: NDArray[Any], label: Any) -> NDArray[np.bool_]:
    """Which values are that label, (n,): 1 and 1.0 are the same, and so are 1 and '1' as text."""
    if values.dtype.kind in "OUS" or isinstance(label, str):
        return np.asarray(values.astype(str) == str(label))
    return np.asarray(values == label)
