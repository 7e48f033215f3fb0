"""A column as a few values to look for weak segments by: bands of numbers, frequent words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BANDS = 8
FEW = 12  # a number with this many different values or fewer is taken as it is
MOST_WORDS = 30  # the rest is one value, "(other)"


@dataclass(frozen=True, slots=True)
class Banded:
    """`values` are in words, "age 31 to 45"; `codes` are each row's index into them, (n,)."""

    values: tuple[str, ...]
    codes: NDArray[np.int64]


def banded(name: str, column: pa.ChunkedArray, seen: NDArray[np.bool_]) -> Banded | None:
    """A column in words and codes, its bands and frequent values chosen from the rows `seen`.

    None where the column tells every second row apart: names, not values; or where it is of a kind
    that has no values to speak of (lists, binary).
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_temporal(kind):
        return _numbers(name, pc.cast(column, pa.timestamp("s"), safe=False), seen)
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if is_number and pc.count_distinct(column).as_py() > FEW:
        return _numbers(name, column, seen)
    if is_number or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return _words(name, column, seen)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _words(name, column.cast(pa.string()), seen)
    return None


def _numbers(name: str, column: pa.ChunkedArray, seen: NDArray[np.bool_]) -> Banded:
    is_time = pa.types.is_temporal(column.type)
    numbers = pc.cast(pc.cast(column, pa.int64()) if is_time else column, pa.float64(), safe=False)
    values = numbers.to_numpy()
    known = np.isfinite(values)
    chosen = values[known & seen]
    if not chosen.size:
        return Banded((f"{name} missing",), np.zeros(values.size, dtype=np.int64))
    edges = np.unique(np.quantile(chosen, np.arange(1, BANDS) / BANDS, method="higher"))
    codes = np.where(known, np.searchsorted(edges, values, side="right"), edges.size + 1)
    shown = [str(np.datetime64(int(e), "s")) if is_time else f"{e:.6g}" for e in edges]
    words = [f"{name} below {shown[0]}"]
    words += [f"{name} {low} to {high}" for low, high in pairwise(shown)]
    words += [f"{name} from {shown[-1]}", f"{name} missing"]
    return Banded(tuple(words), codes.astype(np.int64))


def _words(name: str, column: pa.ChunkedArray, seen: NDArray[np.bool_]) -> Banded | None:
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    indices = coded.indices.to_numpy().astype(np.int64)
    found = coded.dictionary.to_pylist()
    if len(found) > max(FEW, indices.size // 2):
        return None
    often = np.argsort(-np.bincount(indices[seen], minlength=len(found)), kind="stable")
    kept = often[:MOST_WORDS]
    place = np.full(len(found), kept.size, dtype=np.int64)
    place[kept] = np.arange(kept.size)
    words = [f"{name} missing" if found[i] is None else f"{name}={found[i]}" for i in kept]
    return Banded((*words, f"{name}=(other)"), place[indices])
