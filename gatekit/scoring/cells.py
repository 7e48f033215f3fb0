"""One JSON value -> one cell of a column, by the column's type; and back.

A cast answers `("", value)`, or `(what it is, None)`: "a string", "a number with a fraction".
"""

from __future__ import annotations

import base64
import datetime
import math
import struct
from collections.abc import Callable
from typing import Any

Cast = Callable[[Any], tuple[str, Any]]

KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}
# what a 64-bit count of nanoseconds can say, in whole days
EARLIEST = datetime.datetime(1677, 9, 22)  # noqa: DTZ001 - columns hold UTC without a zone
LATEST = datetime.datetime(2262, 4, 11)  # noqa: DTZ001 - columns hold UTC without a zone


def is_empty(value: object, kind: str) -> bool:
    """Whether a JSON value is no value at all for a column of that type.

    Beside null these are what pandas, and so MLflow's own input example, writes where there is no
    time, "NaT", and where there is no number, NaN.
    """
    if kind == "datetime" and value == "NaT":
        return True
    number = kind in ("double", "float") and isinstance(value, float)
    return value is None or (number and math.isnan(value))  # type: ignore[arg-type] # a float


def kind_of(value: object) -> str:
    """What a JSON value is, in words that do not hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "a number that is not finite"
    return KINDS.get(type(value), "no JSON value")


def cell_to_json(value: Any) -> Any:
    """A cell of an Arrow table as JSON has it; what is not finite becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime.date):  # a datetime is one
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value


def _double(value: Any) -> tuple[str, Any]:
    if type(value) not in (int, float):
        return kind_of(value), None
    try:
        number = float(value)
    except OverflowError:
        return "a number out of range", None
    return ("", number) if math.isfinite(number) else (kind_of(number), None)


def _float(value: Any) -> tuple[str, Any]:
    wrong, number = _double(value)
    if wrong:
        return wrong, None
    try:
        struct.pack("<f", number)
    except OverflowError:
        return "a number out of range", None
    return "", number


def _whole(bits: int) -> Cast:
    limit = 1 << (bits - 1)

    def cast(value: Any) -> tuple[str, Any]:
        if type(value) is float and math.isfinite(value):
            if not value.is_integer():
                return "a number with a fraction", None
            value = int(value)
        if type(value) is not int:
            return kind_of(value), None
        return ("", value) if -limit <= value < limit else ("a number out of range", None)

    return cast


def _boolean(value: Any) -> tuple[str, Any]:
    return ("", value) if type(value) is bool else (kind_of(value), None)


def _string(value: Any) -> tuple[str, Any]:
    if type(value) is not str:
        return kind_of(value), None
    try:
        value.encode()
    except UnicodeEncodeError:
        return "a string with half a character", None
    return "", value


def _binary(value: Any) -> tuple[str, Any]:
    if type(value) is not str:
        return kind_of(value), None
    try:
        return "", base64.b64decode(value, validate=True)
    except ValueError:
        return "a string that is not base64", None


def _datetime(value: Any) -> tuple[str, Any]:
    if type(value) is not str:
        return kind_of(value), None
    try:
        moment = datetime.datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return "a string that is not an ISO 8601 time", None
    return ("", moment) if EARLIEST <= moment <= LATEST else ("a time out of range", None)


CASTS: dict[str, Cast] = {
    "double": _double,
    "float": _float,
    "long": _whole(64),
    "integer": _whole(32),
    "boolean": _boolean,
    "string": _string,
    "binary": _binary,
    "datetime": _datetime,
}
