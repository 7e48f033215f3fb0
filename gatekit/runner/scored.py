"""Labels and scores between gatekit and a candidate's process: one Arrow table, no pickle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from gatekit.runner.answer import checked
from gatekit.runner.protocol import Frame, Garbage, bytes_to_table, table_to_bytes
from gatekit.scoring.answers import LABEL, Scored

MOST_CLASSES = 1000


def scored_to_frame(header: dict[str, Any], said: Scored) -> Frame:
    """Labels and scores as a frame; the classes go into its header.

    Raises:
        TypeError: labels or classes are of no type that a prediction may have.
    """
    table, classes = scored_to_table(said)
    return Frame({**header, "array": "scored", "classes": classes}, table_to_bytes(table))


def frame_to_scored(frame: Frame, rows: int) -> Scored:
    """What `scored_to_frame` packed, looked at: as many as `rows`, none empty, all finite.

    Raises:
        Garbage: the body is not what the header says.
        ModelMisbehaved: see `gatekit.runner.answer.checked`.
    """
    if frame.header.get("array") != "scored":
        raise Garbage("its answer holds no scores")
    return table_to_scored(bytes_to_table(frame.body), frame.header.get("classes"), rows)


def scored_to_table(said: Scored) -> tuple[pa.Table, list[Any]]:
    """One column for the labels, where there are any, and one for each class."""
    scores = said.scores.reshape(len(said.scores), -1)
    columns = {} if said.labels is None else {LABEL: pa.array(said.labels, from_pandas=True)}
    columns |= {str(k): pa.array(scores[:, k]) for k in range(scores.shape[1])}
    classes = [item.item() if hasattr(item, "item") else item for item in said.classes]
    if not all(isinstance(item, (str, bool, int, float)) for item in classes):
        raise TypeError("classes of a type that no label has")
    return pa.table(columns), classes


def table_to_scored(table: pa.Table, classes: object, rows: int) -> Scored:
    """The inverse of `scored_to_table`; raises as `frame_to_scored`."""
    if not isinstance(classes, list) or len(classes) > MOST_CLASSES:
        raise Garbage("its classes are no list of labels")
    wide = len(classes) or 1
    names = [str(k) for k in range(wide)]
    if [name for name in table.column_names if name != LABEL] != names:
        raise Garbage("its table does not hold one column for each class")
    if not all(isinstance(item, (str, bool, int, float)) for item in classes):
        raise Garbage("its classes are no labels")
    if any(table.column(name).type != pa.float64() for name in names):
        raise Garbage("its scores are no numbers")
    columns = [checked(table.column(name), rows) for name in names]
    labels = checked(table.column(LABEL), rows) if LABEL in table.column_names else None
    scores = np.column_stack(columns) if classes else columns[0]
    return Scored(labels, scores, tuple(classes))
