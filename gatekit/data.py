"""The holdout: the rows a candidate is judged on, a file or a folder with a digest; and samples.

Parquet, CSV or an Arrow file, or a folder of Parquet files. Only the schema is read when it is
opened; rows when first needed. A very large one streams: nothing holds all of its rows at once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.data_files import (
    hashed_file,
    hashed_folder,
    hashed_objects,
    names_of_columns,
    read_rows,
)
from gatekit.errors import DataError
from gatekit.evidence.codes import Coded, coded
from gatekit.objects import is_object
from gatekit.parts import (
    Part,
    blocks,
    column_names,
    find_object_parts,
    find_parts,
    parquet_files,
    stamped,
)
from gatekit.pins.pin import Pin
from gatekit.pins.pinned import check_folder, pinned_file
from gatekit.policy import DataSpec, SampleSpec
from gatekit.scoring.signature import Signature
from gatekit.scoring.tables import spread_rows
from gatekit.stamps import Stamp

MOST_VALUES = 50  # of a column to slice by: more are numbers or names, not slices
MOST_SLICES = 10_000
MOST_GROUPS = 1000  # of one sensitive column or crossing: every two of them are compared
PILOT_ROWS = 1 << 16
PILOT_PARTS = 16  # that the pilot's rows are taken from
HOLDOUT = "holdout"


@dataclass(frozen=True)
class Holdout:
    """Rows with labels. `sha256` is of the file's bytes; `pin` is the `.dvc` file's, if one is.

    `parts` are those of a holdout that streams; `given` are rows at hand in place of the file's.
    `spelled` says that folders called column=value are columns of what lies in them; `stamps` are
    those of the files when they were hashed; `what` it is called in words.
    """

    path: Path
    spec: DataSpec
    sha256: str
    columns: tuple[str, ...]
    pin: Pin | None = None
    parts: tuple[Part, ...] = ()
    given: pa.Table | None = None
    spelled: bool = False
    stamps: Mapping[str, Stamp] = field(default_factory=dict, compare=False)
    what: str = HOLDOUT

    @property
    def is_streamed(self) -> bool:
        """Whether its rows are never held all at once."""
        return bool(self.parts)

    @cached_property
    def table(self) -> pa.Table:
        """All rows, as Arrow.

        Raises:
            DataError: it streams.
        """
        if self.is_streamed:
            raise DataError(
                f"{self.path.name} streams: its {self.rows:,} rows are not held at once",
                "Ask holdout.pilot for a sample of them, or measure through gate.measure",
            )
        return read_rows(self.path, spelled=self.spelled) if self.given is None else self.given

    @property
    def rows(self) -> int:
        """How many rows; of one that streams, what the metadata of its files tell."""
        if self.is_streamed:
            return sum(part.rows for part in self.parts)
        return int(self.table.num_rows)

    @cached_property
    def pilot(self) -> Holdout:
        """A fixed sample of its rows, at most 65,536; of one that does not stream, itself.

        From up to 16 parts spread over the whole, of each the first block, and of that evenly.
        """
        if not self.is_streamed:
            return self
        few = min(PILOT_PARTS, len(self.parts))
        places = np.linspace(0, len(self.parts) - 1, few).astype(np.int64)
        firsts = [next(blocks(self.parts[place], self.columns)) for place in places]
        each = max(1, PILOT_ROWS // few)
        taken = [spread_rows(table, each) for table in firsts]
        rows = pa.concat_tables(taken, promote_options="permissive").combine_chunks()
        sha256 = hashlib.sha256(f"gatekit-pilot-v1 {self.sha256}".encode()).hexdigest()
        return replace(self, sha256=sha256, parts=(), given=rows)

    @property
    def sampled(self) -> str:
        """What is to be said of a measure that was given the pilot; nothing if it has all rows."""
        if not self.is_streamed:
            return ""
        few, all_ = self.pilot.rows, self.rows
        return f"of a fixed sample of {few:,} of {all_:,} rows: the {self.what} streams"

    @cached_property
    def y(self) -> NDArray[Any]:
        """The labels, (n,). Raises DataError if one is missing or not finite."""
        return self.column(self.spec.target)

    def column(self, name: str) -> NDArray[Any]:
        """A column without gaps, (n,).

        Raises:
            DataError: a value is missing or not finite.
        """
        return without_gaps(self.table[name], name, f"{self.path.name}: ")

    def groups(self, name: str) -> Coded:
        """The groups of a sensitive or sliced column, and each row's index into them, (n,)."""
        if name not in self._coded:
            self._coded[name] = self._encode(name)
        return self._coded[name]

    @cached_property
    def _coded(self) -> dict[str, Coded]:
        return {}

    def _encode(self, name: str) -> Coded:
        column = self.table[name]
        if column.null_count or pa.types.is_floating(column.type):
            self.column(name)  # refuses gaps
        return coded(column)

    def crossing(self, columns: Sequence[str]) -> Coded:
        """Every combination of the columns' values, "sex=f race=2", and each row's index, (n,)."""
        names, index = [""], np.zeros(self.rows, dtype=np.int64)
        for column in columns:
            values, codes = self.groups(column)
            index = index * len(values) + codes
            names = [f"{name} {column}={value}".strip() for name in names for value in values]
        return tuple(names), index

    def features(self, signature: Signature) -> pa.Table:
        """The columns the model takes, in its order.

        Raises:
            DataError: a column the model needs is not there.
        """
        return self.table.select(self.inputs(signature))

    def inputs(self, signature: Signature) -> list[str]:
        """The names of those columns; raises as `features`."""
        wanted = [c.name for c in signature.inputs if c.required or c.name in self.columns]
        absent = [name for name in wanted if name not in self.columns]
        if absent:
            raise self._lacks(absent[0], "the model's signature")
        return wanted

    def check(self, signature: Signature) -> None:
        """Raise DataError now if anything that will be needed is absent."""
        grouped = (*self.spec.sensitive, *self.spec.slices)
        told_apart = dict.fromkeys(name for columns in grouped for name in columns)
        named = (self.spec.target, *told_apart)
        for name in named:
            if name not in self.columns:
                raise self._lacks(name, "the policy")
        if self.is_streamed:
            self.pilot.check(signature)  # gaps in other rows are found when they are read
            return
        self.features(signature)
        if self.rows == 0:
            raise DataError(f"{self.path.name} has no rows", "A gate on nothing proves nothing")
        for name in named:
            self.column(name)
        self._check_slices()
        self._check_groups()

    def _check_slices(self) -> None:
        for columns in self.spec.slices:
            check_slice(self.path.name, columns, [len(self.table[n].unique()) for n in columns])

    def _check_groups(self) -> None:
        for columns in self.spec.sensitive:
            check_grouping(self.path.name, columns, [len(self.table[n].unique()) for n in columns])

    def _lacks(self, column: str, who: str) -> DataError:
        return DataError(
            f"{self.path.name} has no column {column!r}, which {who} names",
            f"It has: {', '.join(self.columns)}",
        )


def without_gaps(column: pa.ChunkedArray, name: str, where: str = "") -> NDArray[Any]:
    """The values of a column, (n,); raises DataError if one is missing or not finite."""
    missing = column.null_count
    values = column.to_numpy()
    if not missing and values.dtype.kind == "f":
        missing = int(np.count_nonzero(~np.isfinite(values)))
    if missing:
        raise DataError(
            f"{where}column {name!r} lacks {missing} of {len(values)} values",
            "Labels and groups must be known for every row of a holdout",
        )
    return np.asarray(values)


def check_slice(file: str, columns: Sequence[str], sizes: Sequence[int]) -> None:
    """Raise DataError where these columns, of so many values each, make too many slices."""
    for name, size in zip(columns, sizes, strict=True):
        if size > MOST_VALUES:
            raise DataError(
                f"{file}: column {name!r} has {size:,} different values, "
                f"and a column to slice by may have {MOST_VALUES}",
                "Add a column with bands of it, and slice by that one",
            )
    if math.prod(sizes) > MOST_SLICES:
        raise DataError(
            f"{file}: crossing {', '.join(columns)} makes {math.prod(sizes):,} slices, "
            f"and {MOST_SLICES:,} is the most",
            "Cross fewer columns in data.holdout.slices",
        )


def check_grouping(file: str, columns: Sequence[str], sizes: Sequence[int]) -> None:
    """Raise DataError where these columns, of so many values each, make too many groups."""
    if (groups := math.prod(sizes)) > MOST_GROUPS:
        raise DataError(
            f"{file}: {', '.join(columns)} makes {groups:,} groups, "
            f"and {MOST_GROUPS:,} is the most",
            "Name a column with bands, or cross fewer columns, in data.holdout.sensitive",
        )


@dataclass(frozen=True, slots=True)
class Streams:
    """Which holdouts stream: those of more rows than that; `always`: all."""

    above_rows: int
    always: bool = False

    def takes(self, parts: Sequence[Part]) -> bool:
        """Whether a holdout of these parts streams."""
        return self.always or sum(part.rows for part in parts) > self.above_rows


def open_holdout(spec: DataSpec, relative_to: Path, streams: Streams | None = None) -> Holdout:
    """The holdout the policy names; a relative path starts at the policy's folder.

    Where a `.dvc` file pins it, these are the pinned bytes, fetched by DVC if they are not here.
    `streams` says when its rows are too many to be held; None: never. What lies in a store
    (s3://bucket/folder) always streams.

    Raises:
        DataError: no such file, a format gatekit does not read, or bytes other than the pinned.
    """
    return _open(spec, HOLDOUT, relative_to, streams)


@dataclass(frozen=True, slots=True)
class NoSample:
    """No rows to compare with, and why."""

    reason: str


def open_sample(
    spec: SampleSpec, what: str, target: str, relative_to: Path, streams: Streams | None = None
) -> Holdout:
    """Rows of [data.reference] or [data.current], `what` they are; their labels may be absent.

    A folder holds Parquet files, in order of their names; its digest is over all of them. They
    stream as the holdout does.

    Raises:
        DataError: nothing there, a format gatekit does not read, or bytes other than the pinned.
    """
    as_data = DataSpec(
        path=spec.path, target=spec.target or target, rev=spec.rev, sha256=spec.sha256
    )
    made = _open(as_data, what, relative_to, streams)
    if not made.rows:
        why = "Nothing can be compared with nothing"
        raise DataError(f"{what}: {made.path.name} has no rows", why)
    return made


def _open(spec: DataSpec, what: str, relative_to: Path, streams: Streams | None) -> Holdout:
    if is_object(spec.path):
        return _open_objects(spec, what, streams)
    path = (relative_to / spec.path).resolve()
    if path.is_dir():
        check_folder(path, spec.rev)
        made = _open_folder(spec, path, what)
    else:
        made = _open_file(spec, relative_to, what)
    if streams is None or (made.path.suffix == ".csv" and not streams.always):
        return made  # how many rows a CSV file has is known only when it is read
    parts = find_parts(made.path, spelled=made.spelled)
    return replace(made, parts=stamped(parts, made.stamps)) if streams.takes(parts) else made


def _open_objects(spec: DataSpec, what: str, streams: Streams | None) -> Holdout:
    address = spec.path.rstrip("/")
    if streams is None or spec.rev:
        why = "no .dvc file pins what lies there" if spec.rev else "only a run of gates reads those"
        raise DataError(f"{address} is in a store, and {why}", "Name a file of this machine")
    hashed = hashed_objects(address)
    if hashed is None:
        raise DataError(f"no Parquet file at {address}", f"Correct data.{what}.path")
    path = Path(spec.path)  # a name for words: nothing of this machine lies there
    _check_pin(path, spec, hashed.sha256)
    spelled = what == HOLDOUT
    parts = find_object_parts(hashed.folder, list(hashed.stamps), spelled=spelled)
    if not parts:
        raise DataError(f"{address} has no rows", "A gate on nothing proves nothing")
    return Holdout(
        path,
        spec,
        hashed.sha256,
        column_names(parts),
        parts=stamped(parts, hashed.stamps),
        stamps=hashed.stamps,
        spelled=spelled,
        what=what,
    )


def _open_file(spec: DataSpec, relative_to: Path, what: str) -> Holdout:
    path, pin = pinned_file((relative_to / spec.path).resolve(), spec.rev, relative_to)
    if not path.is_file():
        raise DataError(
            f"no {what} at {path}", f"Make it first, or correct data.{what}.path in the policy"
        )
    hashed = hashed_file(path)
    _check_pin(path, spec, hashed.sha256)
    try:
        columns = names_of_columns(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path.name} cannot be read: {str(error).splitlines()[0]}") from error
    return Holdout(path, spec, hashed.sha256, columns, pin, stamps=hashed.stamps, what=what)


def _open_folder(spec: DataSpec, path: Path, what: str) -> Holdout:
    if not parquet_files(path):
        raise DataError(f"{what}: no Parquet file in {path}", f"Correct data.{what}.path")
    hashed = hashed_folder(path)
    _check_pin(path, spec, hashed.sha256)
    spelled = what == HOLDOUT  # a log's folders are named for whoever looks for a day
    columns = column_names(find_parts(path, spelled=spelled))
    return Holdout(
        path, spec, hashed.sha256, columns, spelled=spelled, stamps=hashed.stamps, what=what
    )


def _check_pin(path: Path, spec: DataSpec, sha256: str) -> None:
    if spec.sha256 is not None and sha256 != spec.sha256:
        raise DataError(
            f"{path.name} has sha256 {sha256[:12]}..., the policy pins {spec.sha256[:12]}...",
            "Restore the pinned file, or pin the new one in a reviewed change",
        )
