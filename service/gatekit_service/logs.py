"""Log lines as JSON, one object a line, each with the request that it belongs to."""

from __future__ import annotations

import itertools
import json
import logging
import re
import secrets
from contextvars import ContextVar
from datetime import UTC, datetime

REQUEST: ContextVar[str] = ContextVar("gatekit_request", default="")
ALLOWED = re.compile(rb"[!-~]{1,128}")

_begun = secrets.token_hex(6)  # of this process, so that two of them share no id
_count = itertools.count(1)


def request_id(sent: bytes) -> str:
    """The id that the caller sent, if it is one; else a new one."""
    return sent.decode("ascii") if ALLOWED.fullmatch(sent) else f"{_begun}-{next(_count):x}"


class JsonLines(logging.Formatter):
    """`{"at": ..., "level": ..., "message": ..., "request_id": ...}`, ASCII, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line; fields of `extra={"fields": {...}}` stand beside."""
        said: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := REQUEST.get():
            said["request_id"] = request
        said |= getattr(record, "fields", {})
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


def begin(form: str) -> None:
    """Log to stderr from now on, as `json` or as `text`."""
    handler = logging.StreamHandler()
    words = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(JsonLines() if form == "json" else words)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
