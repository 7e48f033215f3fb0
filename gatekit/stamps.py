"""How a file is known again without reading it: its size, its time, what a store tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gatekit.errors import DataError

Stamp = tuple[str, ...]  # empty: it was not looked at
TOLD = ("Content-Length", "Last-Modified", "ETag", "VersionId")  # by an S3-compatible store


def file_stamp(path: Path) -> Stamp:
    """Of a file on this machine: bytes, and nanoseconds since 1970 of its last change."""
    try:
        found = path.stat()
    except OSError as error:
        where = "The data has to lie at the same path wherever it is counted"
        raise DataError(f"{path.name} is not there: {error.strerror}", where) from error
    return str(found.st_size), str(found.st_mtime_ns)


def object_stamp(file: Any) -> Stamp:
    """Of a file of a store that pyarrow has opened: size, time and tag."""
    told = file.metadata() or {}
    return tuple(told.get(key, b"").decode() for key in TOLD)


def check_stamp(name: str, wanted: Stamp, found: Stamp) -> None:
    """Raise DataError if a file is no longer the one that was hashed."""
    if wanted and wanted != found:
        sizes = f"{wanted[0]} bytes then, {found[0]} now"
        same = "as many bytes, and written at another time"
        raise DataError(
            f"{name} has changed since it was hashed: {sizes if wanted[0] != found[0] else same}",
            "Let nobody write to data that is being judged, and run again",
        )
