"""A column as an index into its sorted values: what every count by group begins with."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NEAR = 10_000  # integers within such a range are counted, not looked up

Coded = tuple[tuple[str, ...], NDArray[np.int64]]


def coded(column: pa.ChunkedArray) -> Coded:
    """The values of a column without gaps, sorted and as text, and each row's index, (n,)."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_signed_integer(column.type) and len(column):
        values = column.to_numpy()
        low = int(values.min())
        if int(values.max()) - low < NEAR:
            return _near(values, low)
    found = column.combine_chunks().dictionary_encode()  # tenfold np.unique of the rows
    names, rank = np.unique(found.dictionary.to_numpy(zero_copy_only=False), return_inverse=True)
    return tuple(map(str, names)), rank.astype(np.int64)[found.indices.to_numpy()]


def _near(values: NDArray[np.signedinteger], low: int) -> Coded:
    codes = np.subtract(values, low, dtype=np.int64) if low else values.astype(np.int64, copy=False)
    found = np.flatnonzero(np.bincount(codes))
    names = tuple(str(value + low) for value in found)
    if found.size == found[-1] + 1:
        return names, codes
    rank = np.zeros(found[-1] + 1, dtype=np.int64)
    rank[found] = np.arange(found.size)
    return names, rank[codes]
