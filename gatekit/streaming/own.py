"""A team's own measures in a pass: counted row by row, with the sums of each replicate."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gatekit.errors import DataError, UsageProblem
from gatekit.evidence.sums import BITS
from gatekit.evidence.weighed import Place, Weighed, weighed
from gatekit.means import ALONE, Columns, Named, OfMeans
from gatekit.streaming.scales import unit_of

ROWS = "rows"  # how often rows count in a replicate; the other sums are by these

Labels = Mapping[str, NDArray[Any]]  # what each model said, by role


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """The measures that the policy names, and how many replicates are made of each.

    `units` are of what they add, by measure and by name, from a pilot; powers of two.
    """

    measures: tuple[Named, ...] = ()
    replicates: int = 0
    units: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def scaled(self, y: NDArray[Any], labels: Labels) -> Self:
        """With the units that a pilot gives.

        Raises:
            DataError: a measure gave no finite numbers by name, or raised an error.
        """
        units = {}
        for named in self.measures:
            found = [_columns(named.measure, y, said) for said in labels.values()]
            units[named.said] = {
                name: unit_of(float(np.abs(each).mean()), 1.0) for name, each in found[0].items()
            }
        return replace(self, units=units)

    def fill(self, y: NDArray[Any], labels: Labels, place: Place) -> dict[str, Weighed]:
        """The sums of a block that begins at a place.

        Raises:
            DataError: as `scaled`, or a measure gave other names than of the pilot.
        """
        if not self.measures:
            return {}
        columns = {ROWS: np.ones(y.size)}
        for named in self.measures:
            units = self.units[named.said]
            for role, said in labels.items():
                found = _columns(named.measure, y, said)
                if found.keys() != units.keys():
                    raise DataError(
                        f"{named.measure.name} gave {_listed(found)} in some rows and "
                        f"{_listed(units)} in others",
                        "What it adds has the same names in all rows",
                    )
                for name, each in found.items():
                    columns[_key(named, role, name)] = each / units[name]
        return weighed(columns, place, self.replicates)

    def find(self, measure: OfMeans, file: str) -> Named:
        """The one that a suite's measure is.

        Raises:
            UsageProblem: the pass did not count it.
        """
        for named in self.measures:
            if named.is_same(measure):
                return named
        said = f"{_from_here(measure.file)}:{measure.name}"
        raise UsageProblem(
            f"{measure.name} was not counted in the pass over {file}, which comes once for all "
            "gates",
            f'Name it in the policy, under the gate that measures it: sums = ["{said}"], the '
            "file as seen from the policy",
        )

    def means(self, named: Named, role: str, sums: Mapping[str, Weighed], rows: int) -> Means:
        """The means of all rows of what a measure adds."""
        units, counted = self.units[named.said], np.array(sums[ROWS].replicates, dtype=float)
        whole, replicates = {}, {}
        for name, unit in units.items():
            held = sums[_key(named, role, name)]
            whole[name] = np.float64(held.whole / (rows << BITS) * unit)
            replicates[name] = np.array(held.replicates, dtype=float) / counted * unit
        return Means(whole, replicates)


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """Means of all rows by name, and those of each replicate, (B,)."""

    whole: dict[str, np.float64]
    replicates: dict[str, NDArray[np.float64]]

    def made(self, measure: OfMeans) -> NDArray[np.float64]:
        """What each replicate's means come to, (B,)."""
        each = zip(*self.replicates.values(), strict=True)
        with np.errstate(all="ignore"):  # what is no number is no bound
            return np.array([measure.of(dict(zip(self.whole, row, strict=True))) for row in each])


def _columns(measure: OfMeans, y: NDArray[Any], said: NDArray[Any]) -> Columns:
    try:
        return measure.columns(y, said)
    except DataError:
        raise
    except Exception as error:  # whatever a team's function may raise
        raise DataError(
            f"{measure.name} raised {type(error).__name__}: {error}",
            "It is asked for what each row adds, given labels and answers",
        ) from error


def _key(named: Named, role: str, name: str) -> str:
    return f"{named.said} {role} {name}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(repr, sorted(names))) if ALONE not in names else "one array"


def _from_here(file: Path) -> str:
    here = Path.cwd()
    return file.relative_to(here).as_posix() if file.is_relative_to(here) else file.name
