"""Plain values as JSON; apart from what needs FastAPI, which the looking process has no use for."""

from __future__ import annotations

import json


def json_bytes(body: object) -> bytes:
    """Plain values as JSON in UTF-8; ValueError for a number that is not finite."""
    raw = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # half a surrogate pair in a model's answer must not become a 500
    return raw.encode("utf-8", "backslashreplace")
