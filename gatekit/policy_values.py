"""What a key of the policy may hold: values checked by the type of the field they are for."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

ENGINES = "an engine is local, dask://HOST:PORT, spark://HOST:PORT or spark://local[N]"
CLUSTERS = ("dask", "spark")


def engine_problem(engine: str) -> str:
    """What is wrong with the name of an engine, in words; empty where nothing is."""
    kind, separator, where = engine.partition("://")
    if engine in ("", "local") or (kind in CLUSTERS and separator and where):
        return ""
    return f"is {engine!r}"


def nearest(key: str, allowed: tuple[str, ...], hint: str = "") -> str:
    """The nearest name that there is, and all of them, in words."""
    close = get_close_matches(key, allowed, n=1)
    words = f"Did you mean {close[0].rstrip('_')!r}?" if close else ""
    listed = "Allowed: " + ", ".join(sorted(name.rstrip("_") for name in allowed))
    return " ".join(part for part in (words, listed + ".", hint) if part)


def check_kind(hint: Any, value: Any, wrong: Any) -> Any:
    """`value` as `hint` wants it; `wrong(words)` makes the error."""
    options = get_args(hint)
    if get_origin(hint) is Literal:
        if value not in options:
            raise wrong(f"is {value!r}, allowed: {', '.join(map(str, options))}")
        return value
    if get_origin(hint) is tuple:
        return _listed(options[0], value, wrong)
    if float in (hint, *options):
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
        ):
            raise wrong(f"is {value!r}, a finite number is needed")
        return float(value)
    if hint is bool and not isinstance(value, bool):
        raise wrong(f"is {value!r}, true or false is needed")
    if int in (hint, *options) and (
        isinstance(value, bool) or not isinstance(value, int) or value < 1
    ):
        raise wrong(f"is {value!r}, a whole number above 0 is needed")
    if str in (hint, *options) and not isinstance(value, str):
        raise wrong(f"is {value!r}, a string is needed")
    return value


def _listed(hint: Any, value: Any, wrong: Any) -> tuple[Any, ...]:
    if get_origin(hint) is tuple:
        return _columns_of_slices(value, wrong)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong("must be a list of strings")
    if get_origin(hint) is Literal:
        return tuple(check_kind(hint, item, wrong) for item in value)
    return tuple(value)


def _columns_of_slices(value: Any, wrong: Any) -> tuple[tuple[str, ...], ...]:
    """A column's name stands for itself, a list of names for their crossing."""
    shape = 'must be a list of columns and of lists of columns: ["a", ["a", "b"]]'
    slices: list[tuple[str, ...]] = []
    for entry in value if isinstance(value, list) else [None]:
        columns = [entry] if isinstance(entry, str) else entry
        if not isinstance(columns, list) or not columns:
            raise wrong(shape)
        if not all(isinstance(name, str) for name in columns):
            raise wrong(shape)
        slices.append(tuple(columns))
    if len({frozenset(columns) for columns in slices}) < len(slices):
        raise wrong("names the same columns twice")
    if any(len(set(columns)) < len(columns) for columns in slices):
        raise wrong("crosses a column with itself")
    return tuple(slices)
