"""The inference log of a service, read back: rows, predictions, and labels where there are any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from gatekit.errors import DataError

REQUEST, ROW, AT = "gatekit_request", "gatekit_row", "gatekit_at"
VERSION, PREDICTION = "gatekit_version", "gatekit_prediction"
OWN = (REQUEST, ROW, AT, VERSION, PREDICTION)


@dataclass(frozen=True, slots=True)
class Logged:
    """Rows that one version answered; `table` has the columns of the signature and `OWN`."""

    model: str
    version: str
    table: pa.Table

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.table.num_rows)

    def span(self) -> str:
        """From when to when, in words."""
        ends = pc.min_max(self.table[AT]).as_py()
        return " to ".join(f"{ends[end]:%Y-%m-%d %H:%M}" for end in ("min", "max"))


def read_log(
    folder: Path, model: str, version: str | None = None, since: datetime | None = None
) -> Logged:
    """The rows of a version, else of the one that answered last; since then, if that is said.

    Raises:
        DataError: no such folder, no such version, nothing in that time, or a file that is no
            part of a log.
    """
    root = folder / quote(model, safe="")
    found = sorted(root.glob("*/*.parquet")) if root.is_dir() else []
    if not found:
        raise DataError(
            f"no inference log of {model} in {folder}",
            "Is it what the service has as GATEKIT_INFERENCES, and was anything answered?",
        )
    if version is None:
        newest = max(found, key=lambda path: path.name)  # a name begins with its moment
        files = sorted(newest.parent.glob("*.parquet"))
    else:
        files = sorted((root / quote(version, safe="")).glob("*.parquet"))
    if not files:
        known = ", ".join(sorted({path.parent.name for path in found}))
        raise DataError(f"the log of {model} has nothing of version {version}", f"It has: {known}")
    table = pa.concat_tables([_read(path) for path in files], promote_options="permissive")
    if since is not None:
        table = table.filter(pc.greater_equal(table[AT], pa.scalar(since.astimezone(UTC))))
    if not table.num_rows:
        raise DataError(f"nothing of {model} was logged since {since:%Y-%m-%d %H:%M}")
    return Logged(model, str(table[VERSION][0].as_py()), table)


def _read(path: Path) -> pa.Table:
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(path).read()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path.name} cannot be read: {type(error).__name__}") from error
    if missing := [name for name in OWN if name not in table.column_names]:
        raise DataError(f"{path.name} has no column {missing[0]!r}: it is no inference log")
    return table


def read_labels(path: Path, target: str) -> pa.Table:
    """Request, row and label of a file: Parquet, CSV or Arrow. Without `gatekit_row` all are 0.

    Raises:
        DataError: it lacks a column, or labels a row twice.
    """
    from gatekit.data import open_holdout
    from gatekit.policy import DataSpec

    table = open_holdout(DataSpec(path=path.name, target=target), path.parent.resolve()).table
    for name in (REQUEST, target):
        if name not in table.column_names:
            raise DataError(
                f"{path.name} has no column {name!r}",
                f"Labels come as {REQUEST}, {ROW} (0 if there is none) and {target}",
            )
    if ROW not in table.column_names:
        table = table.append_column(ROW, pa.array([0] * table.num_rows, pa.int64()))
    table = table.select([REQUEST, ROW, target]).set_column(
        0, REQUEST, table[REQUEST].cast("string")
    )
    table = table.set_column(1, ROW, table[ROW].cast("int64"))
    keys = table.group_by([REQUEST, ROW]).aggregate([([], "count_all")])
    twice = keys.filter(pc.greater(keys["count_all"], 1))
    if twice.num_rows:
        raise DataError(
            f"{path.name} labels {twice.num_rows} rows more than once",
            "Which of the labels is right cannot be known here: keep one for each request and row",
        )
    return table.filter(pc.is_valid(table[target]))


def labelled(logged: Logged, labels: pa.Table, target: str) -> pa.Table:
    """The logged rows that have a label by now, with it as the column `target`.

    Raises:
        DataError: none of them has, or the log has a column of that name itself.
    """
    table = logged.table
    if target in table.column_names:
        raise DataError(
            f"the log has a column {target!r} of its own", "The label's column must have another"
        )
    # a request that was logged twice would count twice
    first = table.append_column("gatekit_place", pa.array(range(table.num_rows), pa.int64()))
    keep = first.group_by([REQUEST, ROW]).aggregate([("gatekit_place", "min")])["gatekit_place_min"]
    unique = table.take(keep.combine_chunks().sort())
    places = unique.select([REQUEST, ROW]).append_column(
        "gatekit_place", pa.array(range(unique.num_rows), pa.int64())
    )
    joined = places.join(labels, keys=[REQUEST, ROW], join_type="inner").sort_by("gatekit_place")
    if not joined.num_rows:
        raise DataError(
            f"none of the {unique.num_rows} logged rows has a label yet",
            f"They are joined by {REQUEST}, the request id that the service answered with",
        )
    return unique.take(joined["gatekit_place"]).append_column(target, joined[target])


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)
