"""What is counted of a reference and a current sample of which one streams at least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from gatekit.evidence.seen import Seen, Wanted
from gatekit.evidence.spread import Scale, Spread
from gatekit.streaming.spread import INPUT, Sought


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of both samples as it was counted, by the scale if it is of numbers."""

    name: str
    scale: Scale | None
    reference: Spread
    current: Spread


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The spread of both samples by name of what was counted, and how."""

    sought: Sought
    reference: Mapping[str, Spread]
    current: Mapping[str, Spread]

    def column(self, name: str) -> Column | None:
        """One of the counts; None if it was not asked."""
        ruler = self.sought.rulers.get(name)
        if ruler is None:
            return None
        scale = ruler if isinstance(ruler, Scale) else None
        called = self.sought.column(name)
        return Column(called, scale, self.reference[name], self.current[name])

    def inputs(self) -> Iterator[Column]:
        """The columns that the model takes."""
        for name in self.sought.rulers:
            if name.startswith(INPUT) and (found := self.column(name)) is not None:
                yield found


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The rows at hand that were sought among all rows of a reference, and which stand there."""

    wanted: Wanted
    seen: Mapping[str, Seen]


class Comparing(Protocol):
    """Who counts the samples of a run, each once, when that is asked for the first time."""

    def compared(self) -> Compared:
        """Reference and current; raises as a pass does."""

    def found(self) -> Found:
        """The pilot of the holdout among the rows of a reference that streams; raises likewise."""
