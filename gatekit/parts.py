"""The rows of a file or folder in parts, and each part in blocks that are the same everywhere.

It lies on this machine, or in a store (`gatekit.objects`).

A part is a row group of a Parquet file, a record batch of an Arrow file, or a whole CSV file. Its
blocks begin at its first row and hold 65,536 rows, the last one fewer: the last bit of a prediction
may change with the size of the batch that it was made in, so every engine has to use the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from gatekit.objects import is_object, opened_object
from gatekit.stamps import Stamp, check_stamp, file_stamp

BLOCK = 1 << 16  # rows
Constants = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a file: which, and how many its metadata tell.

    `name` is the file's below the folder, which may be in a store; `constants` are the columns that
    its path spells out (year=2026/). `stamp` is the file's when it was hashed, if it was.
    """

    folder: str
    name: str
    place: int
    rows: int
    constants: Constants = ()
    stamp: Stamp = ()

    @property
    def id(self) -> str:
        """Where it is, without the path of a machine."""
        return f"{self.name}#{self.place}"

    @property
    def path(self) -> Path:
        """The file, if it is on this machine."""
        return Path(self.folder) / self.name


def find_object_parts(
    address: str, names: Sequence[str], *, spelled: bool = True
) -> tuple[Part, ...]:
    """The parts of Parquet files in a store, by their names below an address; as `find_parts`."""
    said = zip(names, _spelled_out(names) if spelled else [()] * len(names), strict=True)
    found = [_of_parquet(address, name, constants) for name, constants in said]
    return tuple(part for parts in found for part in parts)


def stamped(parts: Sequence[Part], stamps: Mapping[str, Stamp]) -> tuple[Part, ...]:
    """The parts, each with the stamp of its file."""
    return tuple(replace(part, stamp=stamps[part.name]) for part in parts)


def find_parts(path: Path, *, spelled: bool = False) -> tuple[Part, ...]:
    """The parts of a file, or of the Parquet files below a folder, in their order.

    `spelled` takes folders called column=value for columns; parts without rows are left out.
    """
    if not path.is_dir():
        return tuple(_parts(path.parent, path.name, ()))
    files = parquet_files(path)
    names = [each.relative_to(path).as_posix() for each in files]
    said = _spelled_out(names) if spelled else [()] * len(names)
    found = [_parts(path, name, constants) for name, constants in zip(names, said, strict=True)]
    return tuple(part for parts in found for part in parts)


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files below a folder, sorted; hidden ones are not yet written."""
    found = (each for each in folder.rglob("*.parquet") if each.is_file())
    return sorted(each for each in found if not each.name.startswith((".", "_")))


def blocks(part: Part, columns: Sequence[str], words: Collection[str] = ()) -> Iterator[pa.Table]:
    """The rows of a part with these columns alone, in blocks.

    Those of `words` that are text may come as codes with a dictionary, as Parquet keeps them. A
    column that other files of the folder have, and this one has not, is empty.

    Raises:
        DataError: the file has changed since it was hashed, or cannot be read.
    """
    spelled = dict(part.constants)
    read = [name for name in columns if name not in spelled]
    for table in _exactly(_batches(part, read, words)):
        whole = with_constants(table, part.constants)
        for name in columns:
            if name not in whole.column_names:
                whole = whole.append_column(name, pa.nulls(whole.num_rows))
        yield whole.select(list(columns))
    if part.stamp:
        with _source(part.folder, part.name, part.stamp):
            pass  # nor has it changed while it was read


def with_constants(table: pa.Table, constants: Constants) -> pa.Table:
    """The rows with columns more, of one value each."""
    for name, value in constants:
        table = table.append_column(name, pa.repeat(value, table.num_rows))
    return table


def column_names(parts: Sequence[Part]) -> tuple[str, ...]:
    """The columns of the files and those that their paths spell out, each once."""
    firsts = {part.name: part for part in reversed(parts)}
    names: dict[str, None] = {}
    for part in reversed(firsts.values()):
        names |= dict.fromkeys([*_schema(part).names, *dict(part.constants)])
    return tuple(names)


def _of_parquet(folder: str, name: str, constants: Constants) -> Iterator[Part]:
    from pyarrow import parquet

    with _source(folder, name) as source:
        metadata = parquet.read_metadata(source)
    for place in range(metadata.num_row_groups):
        rows = metadata.row_group(place).num_rows
        if rows:
            yield Part(folder, name, place, rows, constants)


def _source(folder: str, name: str, stamp: Stamp = ()) -> AbstractContextManager[Any]:
    """A file as its reader takes it; of that stamp, if there is one."""
    if is_object(folder):
        return opened_object(f"{folder}/{name}", stamp)
    path = Path(folder) / name
    if stamp:
        check_stamp(name, stamp, file_stamp(path))
    return nullcontext(path)


def _parts(folder: Path, name: str, constants: Constants) -> Iterator[Part]:
    path = folder / name
    if path.suffix == ".parquet":
        yield from _of_parquet(str(folder), name, constants)
    elif path.suffix == ".csv":
        rows = sum(len(batch) for batch in _csv(path, [_schema_of_csv(path).names[0]]))
        yield Part(str(folder), name, 0, rows, constants)
    else:
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            for place in range(reader.num_record_batches):
                rows = reader.get_batch(place).num_rows
                if rows:
                    yield Part(str(folder), name, place, rows, constants)


def _batches(part: Part, columns: list[str], words: Collection[str]) -> Iterable[pa.RecordBatch]:
    suffix, opened = part.path.suffix, _source(part.folder, part.name, part.stamp)
    if suffix == ".parquet":
        from pyarrow import parquet

        # pre_buffer would keep a whole row group in memory, which only a store's distance is worth
        far = is_object(part.folder)
        coded = [name for name in columns if name in words]
        with (
            opened as source,
            parquet.ParquetFile(source, pre_buffer=far, read_dictionary=coded) as file,
        ):
            yield from file.iter_batches(BLOCK, row_groups=[part.place], columns=columns)
    elif suffix == ".csv":
        yield from _csv(part.path, columns)
    else:
        with pa.memory_map(str(part.path)) as mapped:
            yield pa.ipc.open_file(mapped).get_batch(part.place).select(columns)


def _csv(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    from pyarrow import csv

    wanted = csv.ConvertOptions(include_columns=columns)
    with csv.open_csv(path, convert_options=wanted) as reader:
        yield from reader


def _schema(part: Part) -> pa.Schema:
    path = part.path
    if path.suffix == ".parquet":
        from pyarrow import parquet

        with _source(part.folder, part.name) as source:
            return parquet.read_schema(source)
    if path.suffix == ".csv":
        return _schema_of_csv(path)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).schema


def _schema_of_csv(path: Path) -> pa.Schema:
    from pyarrow import csv

    with csv.open_csv(path) as reader:
        return reader.schema


def _exactly(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows in tables of a block each, one chunk a column, whatever the batches' sizes are."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        left = batch
        while rows + left.num_rows >= BLOCK:
            taken = BLOCK - rows
            yield pa.Table.from_batches([*held, left.slice(0, taken)]).combine_chunks()
            held, rows, left = [], 0, left.slice(taken)
        if left.num_rows:
            held.append(left)
            rows += left.num_rows
    if rows:
        yield pa.Table.from_batches(held).combine_chunks()


def _spelled_out(names: Sequence[str]) -> list[Constants]:
    """What folders called column=value say of each file; numbers where all of a column are."""
    found = [
        [tuple(step.split("=", 1)) for step in name.split("/")[:-1] if "=" in step]
        for name in names
    ]
    said: dict[str, set[str]] = {}
    for pairs in found:
        for column, value in pairs:
            said.setdefault(column, set()).add(value)
    whole = {column for column, values in said.items() if all(map(_is_whole, values))}
    return [
        tuple((column, int(value) if column in whole else value) for column, value in pairs)
        for pairs in found
    ]


def _is_whole(text: str) -> bool:
    return text.isdecimal() and text.isascii()
