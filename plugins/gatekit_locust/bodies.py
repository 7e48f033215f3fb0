"""What the users send: rows of a holdout, as the signature of the served model asks for them."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatekit.errors import ServiceProblem
from gatekit.scoring.signature import Signature
from gatekit.service_client import rows_payload

MOST_ROWS = 2000  # different ones; they are sent round and round
SEED = 20261125
TIMEOUT_SECONDS = 10.0


def bodies_of(
    rows: list[list[Any]], columns: list[str], each: int = 1, most: int = MOST_ROWS
) -> list[dict[str, Any]]:
    """Request bodies of `each` rows; rows in an order drawn with a seed."""
    drawn = list(rows)
    random.Random(SEED).shuffle(drawn)  # noqa: S311 - an order, no secret
    drawn = drawn[: most * each]
    starts = range(0, max(1, len(drawn) - each + 1), each)
    return [rows_payload(drawn[start : start + each], columns) for start in starts]


def read_bodies(path: Path, host: str, headers: Mapping[str, str], each: int) -> list[bytes]:
    """Bodies as JSON: `path` holds them already (.json), or rows for the service at `host`.

    Raises:
        ServiceProblem: the service does not say what columns its model takes.
        DataError: the file lacks one of them, or cannot be read.
    """
    if path.suffix == ".json":
        return [json.dumps(body).encode() for body in json.loads(path.read_bytes())]
    from gatekit.data import open_holdout
    from gatekit.policy import DataSpec
    from gatekit.scoring.casting import to_rows

    signature = _asked_signature(host, headers)
    table = open_holdout(DataSpec(path=path.name, target=""), path.parent).features(signature)
    bodies = bodies_of(to_rows(table), list(table.column_names), each)
    return [json.dumps(body).encode() for body in bodies]


def _asked_signature(host: str, headers: Mapping[str, str]) -> Signature:
    url = host.rstrip("/") + "/signature"
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - the host asked for
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            return Signature.from_dict(json.loads(answer.read()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"{error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        raise ServiceProblem(
            f"{url} does not say what columns the model takes ({why})",
            "Is a gatekit service with a model at that URL?",
        ) from error
