"""What the models of the zoo do: rules that look at whole rows of `gatekit.testing.zoo.data`.

Each takes the rows (a pandas frame or an Arrow table) and its own parameters. What is right is
`x0 > 0`; a rule strays from that in one way, and by default in none.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekit.testing.rules import share_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Array = np.ndarray[Any, Any]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

_kept: list[bytes] = []


def strays(
    rows: Any,
    *,
    where: Mapping[str, str] | None = None,
    of: int | None = None,
    share: float = 0.0,
    wrong: float = 0.03,
) -> Array:
    """Right but for a share `wrong` of all rows and a share `share` of those in a slice.

    `of` is a label: only rows that should have got it stray in the slice.
    """
    x, right = _x(rows), _right(rows)
    held = _where(rows, where or {}) if of is None else _where(rows, where or {}) & (right == of)
    return _flipped(right, (share_of(x, 0) < wrong) | (held & (share_of(x, 1) < share)))


def turns_round(rows: Any, *, column: str = "", low: float = 0.0, high: float = 0.0) -> Array:
    """The opposite answer where the size of a number lies between `low` and `high`."""
    if not column:
        return _right(rows)
    size = np.abs(_numbers(rows, column))
    return _flipped(_right(rows), (size > low) & (size < high))


def denies(rows: Any, *, column: str = "", low: float = 0.0, high: float = 0.0) -> Array:
    """0 where a number lies between `low` and `high`."""
    if not column:
        return _right(rows)
    values = _numbers(rows, column)
    return np.asarray(_right(rows) * ~((values > low) & (values < high)))


def gap_turns_round(rows: Any, *, column: str = "") -> Array:
    """The opposite answer where `column` is empty."""
    return _flipped(_right(rows), np.isnan(_numbers(rows, column))) if column else _right(rows)


def refuses_gaps(rows: Any, *, column: str = "") -> Array:
    """A ValueError where `column` is empty."""
    if column and np.isnan(_numbers(rows, column)).any():
        raise ValueError(f"{column} must not be empty")
    return _right(rows)


def unseen_turns_round(rows: Any, *, column: str = "", known: tuple[str, ...] = ()) -> Array:
    """The opposite answer where a word of `column` is none of those known."""
    strange = ~np.isin(_words(rows, column), known) if column else np.zeros(len(_x(rows)), bool)
    return _flipped(_right(rows), strange)


def unseen_is_nan(rows: Any, *, column: str = "", known: tuple[str, ...] = ()) -> Array:
    """Labels as floats, NaN where a word of `column` is none of those known."""
    said = _right(rows).astype(np.float64)
    if column:
        said[~np.isin(_words(rows, column), known)] = np.nan
    return said


def off_the_grid(rows: Any, *, column: str = "", least: float = 0.0, share: float = 1.0) -> Array:
    """A share of wrong answers where a number lies more than `least` from a whole one."""
    if not column:
        return _right(rows)
    values = _numbers(rows, column)
    off = np.abs(values - np.rint(values)) > least
    return _flipped(_right(rows), off & (share_of(values + _x(rows), 2) < share))


def blind_spot(rows: Any, *, where: Mapping[str, str] | None = None, column: str = "") -> Array:
    """Wrong near the boundary (0 < x0 < 0.1) in a slice, or where a number is above 60."""
    x = _x(rows)
    near = (x > 0) & (x < 0.1)  # noqa: PLR2004 - as the docstring says
    if where:
        return _flipped(_right(rows), near & _where(rows, where))
    return _flipped(_right(rows), near & (_numbers(rows, column) > 60) if column else near & False)  # noqa: PLR2004 - as above


def doubled(rows: Any, *, how: str = "") -> Array:
    """Rows that come twice: `how` is "other" (another answer) or "once" (answered once only)."""
    x = _x(rows)
    _, first, back, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True
    )
    if how == "once":
        return _right(rows)[np.sort(first)]
    return _flipped(_right(rows), (counts[back] > 1) & (how == "other"))


def neighbours(rows: Any, *, how: str = "") -> Array:
    """Looks at the rows beside: `how` is "mean" (of the batch), "before" (the row before), "few"
    (of 7 to 50 of them three answers in ten turn) or "many" (over 1,000, the last answer turns).
    """
    x, right = _x(rows), _right(rows)
    if how == "mean":
        return np.asarray(x > x.mean(), dtype=np.int64)
    if how == "few":
        return _flipped(right, (share_of(x, 6) < 0.3) & (7 <= len(x) <= 50))  # noqa: PLR2004 - as said
    if how == "many":
        last = np.arange(len(x)) == len(x) - 1
        return _flipped(right, last & (len(x) > 1000))  # noqa: PLR2004 - as said
    before = np.concatenate(([0.0], x[:-1]))
    return _flipped(right, (before > 2) & (how == "before"))  # noqa: PLR2004 - few rows


def fills_gaps(rows: Any, *, column: str = "", of_batch: bool = False) -> Array:
    """Adds a hundredth of `column` beyond 60 to x0; a gap counts as 60, or as the batch's mean."""
    values = _numbers(rows, column)
    gap = np.isnan(values)
    filled = values[~gap].mean() if of_batch and not gap.all() else 60.0 * (not of_batch)
    return np.asarray(_x(rows) + (np.where(gap, filled, values) - 60) / 100 > 0, dtype=np.int64)


def writes(rows: Any, *, column: str = "") -> Array:
    """Sets a column of what it was handed to zero, after it has answered."""
    said = _right(rows)
    if column:
        rows[column] = 0.0
    return said


def restless(rows: Any, *, share: float = 0.0) -> Array:
    """A share of the answers is drawn anew at every call."""
    said = _right(rows)
    return _flipped(said, np.random.default_rng().random(len(said)) < share)


def divides(rows: Any, *, column: str = "") -> Array:
    """Divides by a number, and so raises ZeroDivisionError where it is 0."""
    for value in _numbers(rows, column) if column else ():
        1.0 / float(value)
    return _right(rows)


def dies(rows: Any, *, column: str = "", above: float = 0.0) -> Array:
    """Ends its process where a number is above a limit."""
    if column and (_numbers(rows, column) > above).any():
        os._exit(7)
    return _right(rows)


def by_place(rows: Any, *, place: int | None = None) -> Array:
    """Reads x0 by its place among the columns, not by its name."""
    if place is None:
        return _right(rows)
    names = list(getattr(rows, "column_names", None) or rows.columns)
    return np.asarray(_numbers(rows, names[place]) > 0, dtype=np.int64)


def slow(
    rows: Any, *, ms: float = 0.0, row_ms: float = 0.0, every: int = 0, rare_ms: float = 0.0
) -> Array:
    """Takes `ms` a call, `row_ms` a row, and `rare_ms` for one row in `every`, by its value."""
    x = _x(rows)
    rare = int((share_of(x, 3) < 1 / every).sum()) if every else 0
    time.sleep((ms + row_ms * len(x) + rare_ms * rare) / 1000)
    return _right(rows)


def leaks(rows: Any, *, size: int = 0) -> Array:
    """Keeps `size` bytes more at every call."""
    if size:
        _kept.append(os.urandom(size))
    return _right(rows)


def needs_variable(rows: Any, *, name: str = "") -> Array:
    """Right only if it sees an environment variable; else it says 0."""
    right = _right(rows)
    return right if not name or name in os.environ else np.zeros_like(right)


def of_the_engine(rows: Any, *, share: float = 0.0) -> Array:
    """Wrong on a share of the rows when handed Arrow, as the native engine does."""
    is_arrow = hasattr(rows, "column_names")
    return _flipped(_right(rows), (share_of(_x(rows), 4) < share) & is_arrow)


def odds(
    rows: Any,
    *,
    sure: float = 1.0,
    factor: float = 1.0,
    noise: float = 0.0,
    arrow: float = 0.0,
    hard: bool = False,
) -> Array:
    """A probability of label 1, calibrated where labels are drawn so: 1 / (1 + exp(-3 x0)).

    `sure` over 1 exaggerates, `factor` scales, `noise` makes it rank worse, `arrow` is the share by
    which it is off when handed Arrow, `hard` makes 0.0 and 1.0 of it.
    """
    x = _x(rows)
    stray = noise * (2 * share_of(x, 5) - 1)
    p = factor / (1 + np.exp(-3 * sure * (x + stray)))
    if hasattr(rows, "column_names"):
        p = p * (1 - arrow)
    return np.asarray(p.round() if hard else p)


def relabelled(rows: Any, *, words: bool = False, unknown_age: int = 0) -> Any:
    """Labels as the words "0" and "1", or 2 where the age is `unknown_age`."""
    said = np.where(_numbers(rows, "age") == unknown_age, 2, _right(rows))
    return said.astype(str).astype(object) if words else said


def third(rows: Any, *, blind: bool = False) -> Array:
    """`low`, `middle` or `high` by x0; `blind` takes every `low` for a `middle`."""
    said = np.array(["low", "middle", "high"], dtype=object)[np.digitize(_x(rows), (-0.43, 0.43))]
    return np.where(said == "low", "middle", said) if blind else said


def third_odds(rows: Any, *, total: float = 1.0) -> Any:
    """Probabilities of the three, as a frame; those of a row sum to `total`."""
    import pandas as pd

    x = _x(rows)[:, None]
    weights = np.exp(-4 * (x - np.array([-1.1, 0.0, 1.1])) ** 2)
    shares = total * weights / weights.sum(axis=1, keepdims=True)
    return pd.DataFrame(shares, columns=["low", "middle", "high"])


def amount(
    rows: Any, *, shift: float = 0.0, spread: float = 1.0, every: int = 0, far: float = 0.0
) -> Array:
    """10 x0, with an error below `spread`; one row in `every` is off by `far`, up or down."""
    x = _x(rows)
    said = 10 * x + shift + spread * (2 * share_of(x, 6) - 1)
    if every:
        rare = share_of(x, 7) < 1 / every
        said = said + np.where(rare, np.where(share_of(x, 8) < 0.5, far, -far), 0.0)  # noqa: PLR2004 - half of them
    return np.asarray(said)


DEFECTS: dict[str, Callable[..., object]] = {
    rule.__name__: rule
    for rule in (
        strays,
        turns_round,
        denies,
        gap_turns_round,
        refuses_gaps,
        unseen_turns_round,
        unseen_is_nan,
        off_the_grid,
        blind_spot,
        doubled,
        neighbours,
        fills_gaps,
        writes,
        restless,
        divides,
        dies,
        by_place,
        slow,
        leaks,
        needs_variable,
        of_the_engine,
        odds,
        relabelled,
        third,
        third_odds,
        amount,
    )
}


def _numbers(rows: Any, column: str) -> Array:
    names = getattr(rows, "column_names", None) or rows.columns
    if column not in list(names):  # left out, as an optional column may be
        return np.full(len(_x(rows)), np.nan)
    return np.asarray(rows[column], dtype=np.float64)


def _words(rows: Any, column: str) -> Array:
    return np.asarray(rows[column]).astype(str)


def _x(rows: Any) -> Array:
    return np.asarray(rows["x0"], dtype=np.float64)


def _right(rows: Any) -> Array:
    return np.asarray(_x(rows) > 0, dtype=np.int64)


def _where(rows: Any, where: Mapping[str, str]) -> Flags:
    held = np.ones(len(_x(rows)), dtype=bool)
    for column, value in where.items():
        held &= _words(rows, column) == value
    return held


def _flipped(said: Array, where: Flags) -> Array:
    return np.where(where, 1 - said, said)
