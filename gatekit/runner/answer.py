"""What came back from a candidate's process: believed only after it was looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from gatekit.errors import DataError, GatekitError, ModelMisbehaved, ModelRefused

LINE_LENGTH = 400
# A process that waits for a core loses time between calls as well as in them, and the gate may
# be the one that waits. Where the kernel says how long they waited, the rest was spent in calls,
# but for some microseconds beside each; where not, only what waiting cannot explain is a lie.
SLACK_MS, SLACK_UNKNOWN_MS = 100.0, 250.0
LEAST_SHARE, LEAST_SHARE_UNKNOWN = 0.8, 0.5
BESIDE_A_CALL_MS = 0.02
# Raised by mistakes in a program; whoever refuses rows says so with an error of another kind.
ACCIDENTS = frozenset(
    """ArithmeticError AssertionError AttributeError BlockingIOError BrokenPipeError
    ChildProcessError ConnectionError ConnectionRefusedError EOFError FileNotFoundError ImportError
    IndexError KeyError KeyboardInterrupt MemoryError ModuleNotFoundError NameError OSError
    NotImplementedError PermissionError RecursionError StopIteration SystemError SystemExit
    TypeError UnboundLocalError
    ZeroDivisionError""".split()  # noqa: SIM905 - a list of words, to be read
)


def checked(column: pa.ChunkedArray | np.ndarray[Any, Any], rows: int) -> np.ndarray[Any, Any]:
    """The predictions, one for each of `rows` rows; words come as an array of str objects.

    Raises:
        ModelMisbehaved: too few or too many, or one is empty or not finite. Rows count from 0.
    """
    if len(column) != rows:
        raise ModelMisbehaved(f"the model gave {len(column)} predictions for {rows} rows")
    array = column if isinstance(column, np.ndarray) else _from_arrow(column, rows)
    if array.dtype.kind == "f":
        _refuse(~np.isfinite(array), "not a number")
    return array


def implausible(
    times_ms: np.ndarray[Any, Any], seen_ms: float, waited_ms: float | None = None
) -> str:
    """Why the times that a process told cannot be, when the gate saw `seen_ms` pass; else ''.

    `waited_ms` of these it and the gate waited for a core; None where nobody knows.
    """
    if times_ms.dtype.kind != "f" or (times_ms < 0).any():
        return "it told times below zero or no times"
    told_ms = float(times_ms.sum())
    slack_ms = SLACK_UNKNOWN_MS if waited_ms is None else SLACK_MS
    if told_ms > seen_ms + slack_ms:
        return f"its calls took {told_ms:.0f} ms by its own clock, in {seen_ms:.0f} ms"
    share = LEAST_SHARE_UNKNOWN if waited_ms is None else LEAST_SHARE
    outside_ms = slack_ms + (waited_ms or 0.0) + BESIDE_A_CALL_MS * times_ms.size
    if told_ms < share * (seen_ms - outside_ms):
        return f"its calls took {told_ms:.3g} ms by its own clock, and {seen_ms:.0f} ms by ours"
    return ""


def raised(error: object, role: str, doing: str, *, alone: bool = False) -> GatekitError:
    """The error that a worker's error frame stands for; `alone`: with what it declares."""
    said = error if isinstance(error, dict) else {}
    message, hint = plain(said.get("message", "")), plain(said.get("hint", ""))
    if said.get("kind") == "data":
        return DataError(message, hint)
    if said.get("kind") == "model":
        return ModelMisbehaved(message, hint)
    name = plain(said.get("type", "an error"))
    reason = f": {message}" if message else ""
    lacks = alone and name == "ModuleNotFoundError"
    hint = "No package that it declares has this module: add the one that does" if lacks else ""
    kind = ModelMisbehaved if name in ACCIDENTS or doing == "loading" else ModelRefused
    return kind(f"the {role} raised {name} while {doing}{reason}", hint)


def plain(text: object) -> str:
    """`text` from a process that is not trusted, on one line, printable and not too long."""
    line = str(text)[:LINE_LENGTH]
    return "".join(letter if letter.isprintable() else " " for letter in line).strip()


def _from_arrow(column: pa.ChunkedArray, rows: int) -> np.ndarray[Any, Any]:
    if column.null_count:
        _refuse(column.is_null().to_numpy(), "empty")
    kind = column.type
    known = (
        pa.types.is_string(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
    )
    if not known:
        raise ModelMisbehaved(f"the {rows} predictions are of type {kind}, not labels or scores")
    array: np.ndarray[Any, Any] = column.to_numpy()
    return array


def _refuse(bad: np.ndarray[Any, Any], what: str) -> None:
    if count := int(bad.sum()):
        verb = "is" if count == 1 else "are"
        first = int(bad.argmax())
        raise ModelMisbehaved(
            f"{count} of {len(bad)} predictions {verb} {what}, the first at row {first}"
        )
