"""The effects in columns of two samples of which one streams: from counts of all their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from gatekit.data import Holdout
from gatekit.errors import UsageProblem
from gatekit.evidence import spread_read
from gatekit.evidence.pairs import Values
from gatekit.evidence.spread import MOST_VALUES, NumberSpread, Scale, ValueSpread
from gatekit.gates import drift_held
from gatekit.gates.drift_columns import Found
from gatekit.stats import drift_bins, drift_bins_psi
from gatekit.stats.drift import Divergence, Effect
from gatekit.stats.drift_bins import Binned, Unknown
from gatekit.streaming.compared import Column, Compared, Comparing
from gatekit.streaming.spread import LABEL, SAID
from gatekit.subject import Subject

OfNumbers = Callable[[Scale, Binned, Binned], Effect]
OfValues = Callable[[Values], Divergence]


def comparing(candidate: Subject, *samples: Holdout) -> Comparing | None:
    """Who counts these samples; None where the rows of all are held.

    Raises:
        UsageProblem: one streams, and nobody counts it.
    """
    streams = [sample for sample in samples if sample.is_streamed]
    if not streams:
        return None
    counts = None if candidate.samples is None else candidate.samples()
    if counts is None:
        raise UsageProblem(
            f"{streams[0].path.name} streams, and {candidate.title} was opened for no pass over it",
            "Ask its pilot",
        )
    return counts


@dataclass(frozen=True, slots=True)
class CountedColumns:
    """Two samples, column by column, as `HeldColumns`; `pilot_rows` gave the bins."""

    compared: Compared
    pilot_rows: int

    @property
    def words(self) -> tuple[str, ...]:
        """What is to be said of how rows were counted."""
        scales = [each for each in self.compared.sought.rulers.values() if isinstance(each, Scale)]
        if not scales:
            return ("of all rows, counted by value",)
        edges = max(each.edges.size for each in scales)
        return (
            f"of all rows: numbers counted between at most {edges:,} edges, which "
            f"{self.pilot_rows:,} rows of the reference gave; bounds include what that leaves open",
        )

    def psi(self) -> list[Found]:
        """The population stability index of each column, of numbers first."""
        found = [
            *_of_numbers(self.compared.inputs(), psi_of_numbers),
            *_of_values(self.compared.inputs(), drift_held.psi),
        ]
        return list(found)

    def ks(self) -> list[Found]:
        """The gap of each column of numbers."""
        return list(_of_numbers(self.compared.inputs(), ks))

    def wasserstein(self) -> list[Found]:
        """How far each column of numbers was moved."""
        return list(_of_numbers(self.compared.inputs(), wasserstein))

    def cramers_v(self) -> list[Found]:
        """Cramer's V of each column of values."""
        return list(_of_values(self.compared.inputs(), drift_held.cramers_v))

    def predictions(self) -> Effect:
        """Of what the model says: a gap of scores and numbers, V of labels."""
        return self._of_one(SAID)

    def labels(self) -> Effect:
        """Likewise of true labels."""
        return self._of_one(LABEL)

    def _of_one(self, name: str) -> Effect:
        column = self.compared.column(name)
        if column is None:
            return Unknown("it is neither a number nor a word")
        found = _of_numbers([column], ks), _of_values([column], drift_held.cramers_v)
        return next(each.effect for effects in found for each in effects)


def _of_numbers(columns: Iterable[Column], effect: OfNumbers) -> Iterator[Found]:
    for each in columns:
        sides = each.reference, each.current
        if isinstance(sides[0], NumberSpread) and isinstance(sides[1], NumberSpread):
            scale = each.scale
            assert scale is not None  # noqa: S101 - by which it was counted
            both = (binned(scale, side) for side in sides if isinstance(side, NumberSpread))
            yield Found(each.name, effect(scale, *both))


def _of_values(columns: Iterable[Column], effect: OfValues) -> Iterator[Found]:
    for each in columns:
        one, other = each.reference, each.current
        if isinstance(one, ValueSpread) and isinstance(other, ValueSpread):
            if one.too_many or other.too_many:
                why = f"it has more than {MOST_VALUES:,} values, which are not counted"
                yield Found(each.name, Unknown(why))
            else:
                yield Found(each.name, effect(spread_read.side_by_side(each.name, one, other)))


def psi_of_numbers(scale: Scale, reference: Binned, current: Binned) -> Effect:
    """As `drift_bins_psi.psi_of_numbers`."""
    return drift_bins_psi.psi_of_numbers(scale.edges, reference, current)


def ks(_: Scale, reference: Binned, current: Binned) -> Effect:
    """As `drift_bins.ks`."""
    return drift_bins.ks(reference, current)


def wasserstein(scale: Scale, reference: Binned, current: Binned) -> Effect:
    """As `drift_bins.wasserstein`."""
    return drift_bins.wasserstein(spread_read.in_units(scale), reference, current)


def binned(scale: Scale, spread: NumberSpread) -> Binned:
    """What was counted of one sample, as the effects take it."""
    before, upto = spread_read.shares(spread)
    rise, rest = spread_read.areas(scale, spread)
    return Binned(
        spread.known,
        spread.missing,
        before,
        upto,
        rise,
        rest,
        spread.most,
        spread_read.reach(scale, spread),
        spread_read.moments(scale, spread),
    )
