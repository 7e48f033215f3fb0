"""The files that rows lie in: their digest, how each is known again, their columns, all rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from gatekit.digest import file_sha256
from gatekit.errors import DataError
from gatekit.objects import object_names, object_sha256
from gatekit.parts import find_parts, parquet_files, with_constants
from gatekit.stamps import Stamp, file_stamp

FORMATS = (".parquet", ".csv", ".arrow", ".feather")


@dataclass(frozen=True, slots=True)
class Hashed:
    """The digest of some files; by name below `folder` each one's stamp, taken before its bytes."""

    sha256: str
    folder: str
    stamps: Mapping[str, Stamp]


def hashed_file(path: Path) -> Hashed:
    """One file: the digest is that of its bytes."""
    stamp = file_stamp(path)
    return Hashed(file_sha256(path), str(path.parent), {path.name: stamp})


def hashed_folder(path: Path) -> Hashed:
    """The Parquet files of a folder: the digest is over theirs and their names."""
    files = {each.relative_to(path).as_posix(): each for each in parquet_files(path)}
    stamps = {name: file_stamp(each) for name, each in files.items()}
    sha256 = _sha256_of((file_sha256(each), name) for name, each in files.items())
    return Hashed(sha256, str(path), stamps)


def hashed_objects(address: str) -> Hashed | None:
    """Likewise at an address of a store, where one file may lie too; None if nothing is there.

    Raises:
        DataError: the store does not answer or refuses.
    """
    names = object_names(address)
    if not names:
        return None
    if names == [""]:  # one file, and no folder
        folder, _, name = address.rpartition("/")
        sha256, stamp = object_sha256(address)
        return Hashed(sha256, folder, {name: stamp})
    found = {name: object_sha256(f"{address}/{name}") for name in names}
    sha256 = _sha256_of((sha256, name) for name, (sha256, _) in found.items())
    return Hashed(sha256, address, {name: stamp for name, (_, stamp) in found.items()})


def data_sha256(path: Path) -> str:
    """sha256 of a file's bytes; of a folder, of those of its Parquet files with their names."""
    return hashed_folder(path).sha256 if path.is_dir() else file_sha256(path)


def _sha256_of(files: Iterable[tuple[str, str]]) -> str:
    lines = (f"{sha256} {name}\n" for sha256, name in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_rows(path: Path, *, spelled: bool = False) -> pa.Table:
    """All rows of a file, or of the Parquet files of a folder."""
    if path.is_dir():
        said = {part.path: part.constants for part in find_parts(path, spelled=spelled)}
        tables = [
            with_constants(read_rows(each), said.get(each, ())) for each in parquet_files(path)
        ]
        return pa.concat_tables(tables, promote_options="permissive")
    # each reader is imported alone: pyarrow.dataset would bring pandas with it
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return parquet.ParquetFile(path).read()
    if path.suffix == ".csv":
        from pyarrow import csv

        return csv.read_csv(path)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def names_of_columns(path: Path) -> tuple[str, ...]:
    """The columns of a file; raises DataError of a format that is not read."""
    if path.suffix not in FORMATS:
        raise DataError(f"{path.name}: gatekit reads {', '.join(FORMATS)}")
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return tuple(parquet.read_schema(path).names)
    return tuple(read_rows(path).column_names)
