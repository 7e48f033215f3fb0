"""What is counted of a sample for drift: chosen once, from pilots of both, the same for both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.errors import DataError
from gatekit.evidence.pairs import as_floats, is_number, kind_of, plain
from gatekit.evidence.seen import Label, Wanted
from gatekit.evidence.spread import ByValue, Ruler, Scale, Spread, spread_of
from gatekit.scoring.signature import Signature

LABEL, SAID = "label", "said"
INPUT = "input "  # before the name of a column

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """How each column of either sample is counted, by name: inputs, the label, what a model says.

    `target` is the column of the label; `by_score` says whether the model's word is its score.
    """

    rulers: Mapping[str, Ruler]
    target: str
    by_score: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        named = (self.column(name) for name in self.rulers if name != SAID)
        return tuple(dict.fromkeys(named))

    def column(self, name: str) -> str:
        """The column that a count is of."""
        return self.target if name == LABEL else name.removeprefix(INPUT)

    def of(self, target: str) -> Sought:
        """The same of a sample whose labels stand in another column."""
        return Sought(self.rulers, target, self.by_score)

    @property
    def asks_model(self) -> bool:
        """Whether what a model says is counted."""
        return SAID in self.rulers


@dataclass(frozen=True, slots=True, eq=False)
class SampleQuestion:
    """What a pass over a sample of its own is asked: its spread, and which rows stand in it."""

    sought: Sought
    wanted: Wanted | None = None

    @property
    def held(self) -> tuple[str, ...]:
        """The columns that are counted."""
        names = self.wanted.names if self.wanted else ()
        return tuple(dict.fromkeys((*self.sought.columns, *names)))


def spread(sought: Sought, table: pa.Table, said: Array | None) -> dict[str, Spread]:
    """The spread of one block: its rows, and what the model said of them, (n,), if that is asked.

    Raises:
        DataError: a column has another type than in the pilots.
    """
    made: dict[str, Spread] = {}
    for name, ruler in sought.rulers.items():
        if name == SAID:
            column = pa.chunked_array([np.asarray(said)])
        else:
            column = table[sought.column(name)]
        made[name] = spread_of(sought.column(name), ruler, column)
    return made


def seek(
    samples: Sequence[Holdout],
    signature: Signature,
    *,
    by_number: bool,
    said: Ruler | None = None,
    by_score: bool = False,
) -> Sought:
    """How to count a reference and a current sample, by their pilots.

    `by_number` says that labels are numbers; `said` is how the model's word is counted, if at all,
    and `by_score` that this is its score.

    Raises:
        DataError: a sample lacks a column that the model needs.
    """
    sides = [sample.pilot.features(signature) for sample in samples]
    rulers: dict[str, Ruler] = {}
    for name in sides[0].column_names:
        if name in sides[1].column_names:
            _measure(rulers, f"{INPUT}{name}", [side[name] for side in sides])
    if all(sample.spec.target in sample.columns for sample in samples):
        labels = [sample.pilot.table[sample.spec.target] for sample in samples]
        _measure(rulers, LABEL, labels, by_value=not by_number)
    if said is not None:
        rulers[SAID] = said
    return Sought(rulers, samples[0].spec.target, by_score)


def seek_rows(reference: Holdout, pilot: Holdout, signature: Signature) -> Wanted:
    """The rows of a holdout's pilot, to be looked for among those of a reference.

    Raises:
        DataError: a sample lacks a column that the model needs, or no column is in both.
    """
    known = reference.pilot.features(signature)
    rows = pilot.features(signature)
    names = [name for name in known.column_names if name in rows.column_names]
    if not names:
        raise DataError("reference and holdout have no column in common that the model takes")
    label, told = None, reference.spec.target
    if told in reference.columns:
        values = pilot.table[pilot.spec.target]
        label = Label(told, values, _are_numbers(reference.pilot.table[told], values))
    return Wanted.of(rows, {name: _are_numbers(known[name], rows[name]) for name in names}, label)


def _are_numbers(*columns: pa.ChunkedArray) -> bool:
    return all(is_number(plain(column).type) for column in columns)


def _measure(
    rulers: dict[str, Ruler], name: str, sides: Iterable[pa.ChunkedArray], *, by_value: bool = False
) -> None:
    columns = [plain(side) for side in sides]
    kind = kind_of(*(column.type for column in columns))
    if kind == "numbers" and not by_value:
        pilot = as_floats(columns[0])
        rulers[name] = Scale.of(pilot[np.isfinite(pilot)])
    elif kind is not None:
        rulers[name] = ByValue(as_numbers=kind == "numbers")
