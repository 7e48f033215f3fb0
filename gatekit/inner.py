"""Sums of products of long columns, added by this thread alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def inner(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The sum of the products of two columns, (n,) each.

    Not `one @ other`: of more than 10,000 values OpenBLAS wakes its threads, and where the cores
    have other work they spin: 8 ms of 65,536 values, where this takes 0.04.
    """
    return float(np.einsum("i,i->", one, other))
