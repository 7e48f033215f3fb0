"""What becomes of the cells that a service lets through and the data may never have shown.

A word nobody has seen, a gap, a column left out, a whole number for a double: the service takes
them by the signature, so the model meets them. What it shall do, the policy declares.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from gatekit.data import Holdout
from gatekit.errors import BadRows, ModelMisbehaved, ModelRefused
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask, measure
from gatekit.gates.promises import Drawn, First, Promise, broken, in_company, search, unlike
from gatekit.gates.rows import Rows
from gatekit.policy_gates import Expected
from gatekit.scoring.casting import Decoder, to_rows
from gatekit.scoring.signature import Column
from gatekit.scoring.tables import NEVER_EMPTY, conform
from gatekit.subject import Subject

STRANGE = ("never seen before", "", " ", "0", "NaN", "\u017dlu\u0165ou\u010dk\u00fd k\u016f\u0148")
BESIDE = 100  # rows of the holdout in whose company altered ones are asked again
FEW = 5  # rows of the holdout that are enough to see a rule


@measure
def unseen_category(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows with a word that the data does not have, treated unlike the policy's `unseen` says."""
    from hypothesis import strategies as st

    words = [c.name for c in candidate.candidate.signature.inputs if c.type == "string"]
    seen = {value for name in words if name in holdout.columns
            for value in holdout.table[name].unique().to_pylist()}  # fmt: skip
    strange = st.sampled_from([word for word in STRANGE if word not in seen])
    name, declared = "unseen categories mistreated", _declared(ask, "unseen")
    rows = Rows(candidate.candidate.signature, holdout)
    return _altered(name, rows, (words, strange), declared, candidate, ask)


@measure
def empty_cell(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows with a gap where the signature allows one, treated unlike the policy's `null` says."""
    from hypothesis import strategies as st

    may_be = [c.name for c in _optional(candidate, holdout) if c.type not in NEVER_EMPTY]
    name, declared = "gaps mistreated", _declared(ask, "null")
    rows = Rows(candidate.candidate.signature, holdout)
    return _altered(name, rows, (may_be, st.none()), declared, candidate, ask)


@measure
def left_out(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Optional columns that, left out, are treated unlike the same columns left empty.

    Where `null` is any, rows without the column may be refused cleanly. Where a column cannot be
    empty it may be left out all the same, and then `null` speaks of it.
    """
    name, declared = "columns left out mistreated", _declared(ask, "null")
    optional = _optional(candidate, holdout)
    table = conform(holdout.features(candidate.candidate.signature), candidate.candidate.signature)
    table = table.slice(0, FEW)
    wrong: list[str] = []
    for column in optional:
        words = broken(partial(_without, candidate, column, declared, table))
        wrong += [f"{column.name}: {words}"] if words else []
    method = f"{len(optional)} optional columns, each left out of {table.num_rows} rows"
    return exact(name, len(wrong), n=len(optional), method=method, detail=tuple(wrong))


@measure
def casting(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:  # noqa: ARG001 - a measure's shape
    """Cells that a service would cast wrongly for this model: 3 for a double, 3.5 for a long.

    The whole number has to be taken and answered as 3.0 is, the fraction has to be refused.
    """
    signature = candidate.candidate.signature
    decoder = Decoder.of(signature)
    table = conform(holdout.features(signature), signature).slice(0, 1)
    cells = dict(zip(table.column_names, to_rows(table)[0], strict=True))
    columns = [c for c in signature.inputs if c.type in CASES and cells.get(c.name) is not None]
    wrong: list[str] = []
    for column in columns:
        words = _miscast(candidate, decoder, cells, column)
        wrong += [f"{column.name}: {words}"] if words else []
    method = f"{len(columns)} columns of numbers, each cast as the service casts"
    return exact("cells miscast", len(wrong), n=len(columns), method=method, detail=tuple(wrong))


CASES = ("double", "float", "long", "integer")


def _miscast(candidate: Subject, decoder: Decoder, cells: dict[str, Any], column: Column) -> str:
    whole = round(float(cells[column.name]))
    if column.type in ("long", "integer"):
        try:
            decoder.decode({"dataframe_records": [{**cells, column.name: whole + 0.5}]})
        except BadRows:
            return ""
        return f"a fraction is taken, and the signature says {column.type}"
    try:
        as_whole, as_float = (
            decoder.decode({"dataframe_records": [{**cells, column.name: number}]})
            for number in (whole, float(whole))
        )
    except BadRows as error:
        return f"a whole number is refused: {error.message}"
    try:
        return unlike(candidate.said(as_whole), candidate.said(as_float), "whole", "with a point")
    except ModelRefused:
        return ""  # rounding may have led outside of what the model was made for
    except ModelMisbehaved as error:
        if not candidate.is_alive:
            raise
        return error.message


def _optional(candidate: Subject, holdout: Holdout) -> list[Column]:
    inputs = candidate.candidate.signature.inputs
    return [c for c in inputs if not c.required and c.name in holdout.columns]


def _declared(ask: Ask, key: str) -> Expected:
    declared: Expected = getattr(ask.settings, key, "any")
    return declared


def _altered(
    name: str,
    rows: Rows,
    put: tuple[Sequence[str], Any],
    declared: Expected,
    candidate: Subject,
    ask: Ask,
) -> Estimate:
    """Look at rows in one of whose columns one of some values was put."""
    names = [column.name for column in rows.columns if column.name in put[0]]
    if not names:
        return exact(name, 0, n=0, method="the signature has no column for it")

    def treated(_: pa.Table, first: First, __: object) -> str:
        return _treated(first, declared)

    drawn = Drawn((name, rows.sha256), rows.columns, rows.altered(names, put[1]))
    found = search(name, Promise(treated), candidate, drawn, ask)
    if found.value or not (words := in_company(candidate, drawn, ask, rows.of_holdout(BESIDE))):
        return found
    return exact(name, 1, n=found.n, method=found.method, detail=(words,))


def _treated(answer: First, declared: Expected) -> str:
    """What is wrong with the way these rows are treated. Accidents go through, and are wrong."""
    try:
        answer()
    except ModelRefused as error:
        if declared == "answer":
            return f"the policy says answer: {error.message}"
        return ""
    return "the policy says refuse, and it is answered" if declared == "refuse" else ""


def _without(candidate: Subject, column: Column, declared: Expected, table: pa.Table) -> str:
    absent = table.drop_columns([column.name])
    if column.type in NEVER_EMPTY:
        return _treated(lambda: candidate.said(absent), declared)
    place = table.column_names.index(column.name)
    empty = pa.nulls(table.num_rows, table.schema.field(place).type)
    emptied = table.set_column(place, column.name, empty)
    try:
        wanted = candidate.said(emptied)
    except ModelRefused:
        wanted = None
    try:
        said = candidate.said(absent)
    except ModelRefused as error:
        if wanted is None or declared == "any":
            return ""
        return f"empty it is answered, left out not: {error.message}"
    if wanted is None:
        return "left out it is answered, empty not"
    return unlike([np.asarray(part) for part in said], wanted, "left out", "empty")
