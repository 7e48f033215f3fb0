"""Parquet files in an S3-compatible store, by addresses such as s3://bucket/folder.

Endpoint, keys and region are those that any client of S3 takes from the environment:
AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import pyarrow as pa

from gatekit.errors import DataError
from gatekit.stamps import Stamp, check_stamp, object_stamp

S3 = "s3://"
PIECE = 1 << 22
SECONDS = 20  # for a connection, and between two pieces of an answer
HINT = "Look at AWS_ENDPOINT_URL, the AWS keys and the region, and at the address in the policy"


def is_object(address: str) -> bool:
    """Whether an address is one of these, and no path of this machine."""
    return address.startswith(S3)


def object_names(address: str) -> list[str]:
    """The Parquet files below an address, sorted; "" alone where it is one file itself.

    Raises:
        DataError: the store does not answer or refuses.
    """
    from pyarrow import fs

    place = address.removeprefix(S3).rstrip("/")
    with _said(address):
        (itself,) = _store().get_file_info([place])
        if itself.type == fs.FileType.File:
            return [""]
        below = fs.FileSelector(place, allow_not_found=True, recursive=True)
        found = [each for each in _store().get_file_info(below) if each.is_file]
    names = [each.path.removeprefix(f"{place}/") for each in found]
    return sorted(n for n in names if n.endswith(".parquet") and not _is_hidden(n))


@contextmanager
def opened_object(address: str, stamp: Stamp = ()) -> Iterator[Any]:
    """A file of the store, read by pieces wherever it is asked.

    Raises:
        DataError: it is not there, is not the one of that stamp, or its bytes are not what was
            asked for.
    """
    with _said(address), _store().open_input_file(address.removeprefix(S3)) as file:
        if stamp:
            check_stamp(address, stamp, object_stamp(file))
        yield file


def object_sha256(address: str) -> tuple[str, Stamp]:
    """sha256 of the bytes of a file, read once from its start, and its stamp as it was then.

    Raises:
        DataError: as `opened_object`.
    """
    found = hashlib.sha256()
    with _said(address), _store().open_input_stream(address.removeprefix(S3)) as file:
        stamp = object_stamp(file)
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest(), stamp


def _is_hidden(name: str) -> bool:
    return name.rpartition("/")[2].startswith((".", "_"))


@contextmanager
def _said(address: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"{address} cannot be read: {said[:300]}", HINT) from error


def _store() -> Any:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", "")
    return _connected(os.environ.get("AWS_ENDPOINT_URL", ""), region)


@lru_cache(maxsize=4)
def _connected(endpoint: str, region: str) -> Any:
    from pyarrow.fs import S3FileSystem

    scheme, _, host = endpoint.rpartition("://")
    given = {"endpoint_override": host.rstrip("/"), "scheme": scheme or "https"} if endpoint else {}
    if region:
        given["region"] = region
    return S3FileSystem(connect_timeout=SECONDS, request_timeout=SECONDS, **given)
