"""The same column of two samples, as numbers or as counts of its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The finite numbers of a column in either sample, (m,) and (n,), and how many are missing."""

    name: str
    reference: Floats
    current: Floats
    missing: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Values:
    """Rows of either sample by value, (K,) and (K,); a missing one is a value."""

    name: str
    values: tuple[str, ...]
    reference: Floats
    current: Floats

    def pooled(self, least: int) -> Values:
        """Values with fewer rows in the reference, new ones among them, are one value."""
        rare = self.reference < least
        if rare.sum() < 2:  # noqa: PLR2004 - one alone is its own pool
            return self
        kept = tuple(np.asarray(self.values, dtype=object)[~rare])
        pools = [np.append(c[~rare], c[rare].sum()) for c in (self.reference, self.current)]
        return Values(self.name, (*kept, "(other)"), *pools)


def paired(
    name: str, reference: pa.ChunkedArray, current: pa.ChunkedArray
) -> Numbers | Values | None:
    """One column of both samples: numbers and times as numbers, everything else by its values.

    None for lists, structures and bytes, which have neither.
    """
    columns = [plain(reference), plain(current)]
    kind = kind_of(*(each.type for each in columns))
    if kind is None:
        return None
    if kind == "numbers":
        finite, missing = [], []
        for each in columns:
            values = as_floats(each)
            known = values[np.isfinite(values)]
            finite.append(known)
            missing.append(values.size - known.size)
        return Numbers(name, finite[0], finite[1], (missing[0], missing[1]))
    return by_value(name, reference, current)


def kind_of(reference: pa.DataType, current: pa.DataType) -> Literal["numbers", "values"] | None:
    """How a column of these types in either sample is compared; None where it is not."""
    kinds = (reference, current)
    if not all(is_number(each) or is_word(each) for each in kinds):
        return None
    return "numbers" if all(map(is_number, kinds)) else "values"


def by_value(name: str, reference: pa.ChunkedArray, current: pa.ChunkedArray) -> Values:
    """Rows of both samples by the values of one column, numbers too."""
    codes, words = joined(reference, current)
    parts = codes[: len(reference)], codes[len(reference) :]
    counted = [np.bincount(each, minlength=len(words)).astype(float) for each in parts]
    return Values(name, tuple("missing" if w is None else str(w) for w in words), *counted)


def joined(
    reference: pa.ChunkedArray, current: pa.ChunkedArray
) -> tuple[NDArray[np.int64], list[Any]]:
    """Codes of both columns one after the other, (m + n,), and the values they stand for.

    Numbers are equal as numbers, whatever their types are; all else as text.
    """
    columns = [plain(reference), plain(current)]
    if all(is_number(each.type) for each in columns):
        arrays = [pa.array(as_floats(each) + 0.0) for each in columns]  # -0.0 is 0.0
    else:
        arrays = [pc.cast(each, pa.string()).combine_chunks() for each in columns]
    coded = pa.concat_arrays(arrays).dictionary_encode(null_encoding="encode")
    return coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without the dictionary that it may be kept with."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column


def is_word(kind: pa.DataType) -> bool:
    """Whether values of that type are compared as text: truth values and nothing at all, too."""
    words = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return pa.types.is_boolean(kind) or pa.types.is_null(kind) or any(t(kind) for t in words)


def is_number(kind: pa.DataType) -> bool:
    """Whether values of that type are compared as numbers: times, too."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
    )


def as_floats(column: pa.ChunkedArray) -> Floats:
    """The numbers of a column, (n,); what is missing is NaN, a time counts in its own unit."""
    if pa.types.is_temporal(column.type) and not pa.types.is_time(column.type):
        column = pc.cast(pc.cast(column, pa.timestamp("us"), safe=False), pa.int64())
    elif pa.types.is_temporal(column.type):
        column = pc.cast(column, pa.int32() if pa.types.is_time32(column.type) else pa.int64())
    values = pc.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)
