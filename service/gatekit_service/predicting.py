"""From the bytes of a request to an answer as plain JSON values, in a worker thread."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

from gatekit.errors import BadRows
from gatekit.scoring.casting import to_rows
from gatekit_service.state import Served

LOG = logging.getLogger("gatekit_service")
PLAIN = (str, bool, int, float)


def predict(served: Served, raw: bytes) -> tuple[list[list[Any]], list[Any]]:
    """The rows in the order of the signature, and one plain value for each.

    Raises:
        BadRows: the body is no JSON, no rows of the signature, or the model refused them.
    """
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError):  # ValueError: no JSON, no UTF-8, a number too long
        raise BadRows("the body is not valid JSON") from None
    table = served.decoder.decode(payload)
    try:
        said: list[Any] = served.engine.predict(table).tolist()
    except Exception as error:  # noqa: BLE001 - a model may raise anything
        # its message may quote rows, so only the type is written down
        LOG.warning("%s raised %s", served.title, type(error).__name__)
        raise BadRows("the model refused these rows") from None
    if len(said) != table.num_rows or not all(map(_is_plain, said)):
        LOG.warning("%s gave something that is no prediction", served.title)
        raise BadRows("the model gave no finite answer to some of these rows")
    return to_rows(table), said


def _is_plain(value: object) -> bool:
    return isinstance(value, PLAIN) and (not isinstance(value, float) or math.isfinite(value))
