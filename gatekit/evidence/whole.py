"""All that gates decide from, of a pass over rows: one frozen value that merges.

Keys are names of what was counted; which there are depends on the task and the policy alone, so
two values of one question always have the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from gatekit.evidence.canonical import from_bytes, to_bytes
from gatekit.evidence.group_ranks import GroupRanks
from gatekit.evidence.keyed import KeyedCounts
from gatekit.evidence.labels import LabelCounts
from gatekit.evidence.outermost import Outermost
from gatekit.evidence.products import Products
from gatekit.evidence.ranks import Ranks
from gatekit.evidence.rivals import Rivals
from gatekit.evidence.seen import Seen
from gatekit.evidence.spread import NumberSpread, Spread, ValueSpread, merged
from gatekit.evidence.sums import Sums
from gatekit.evidence.weighed import Weighed

Piece = TypeVar("Piece")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Of `rows` rows: counts, scores in bins, sums, smallest and largest values, odd rows.

    And for drift how columns are spread, and which of the rows sought stand among these.
    """

    rows: int
    labels: Mapping[str, LabelCounts]
    counts: Mapping[str, KeyedCounts]
    ranks: Mapping[str, Ranks]
    groups: Mapping[str, GroupRanks]
    rivals: Mapping[str, Rivals]
    sums: Mapping[str, Sums]
    products: Mapping[str, Products]
    outermost: Mapping[str, Outermost]
    weighed: Mapping[str, Weighed]
    ends: Mapping[str, tuple[float, float]]
    odd: Mapping[str, int]
    spread: Mapping[str, Spread] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)

    @classmethod
    def of_sample(cls, rows: int, spread: Mapping[str, Spread], seen: Mapping[str, Seen]) -> Self:
        """Of rows that are counted for drift alone."""
        others = [each.name for each in fields(cls) if each.name not in ("rows", "spread", "seen")]
        return cls(rows, **{name: {} for name in others}, spread=spread, seen=seen)

    def merge(self, more: Self) -> Self:
        """The evidence of the rows of both; the order is none."""
        return type(self)(
            self.rows + more.rows,
            _merged(self.labels, more.labels, LabelCounts.merge),
            _merged(self.counts, more.counts, KeyedCounts.merge),
            _merged(self.ranks, more.ranks, Ranks.merge),
            _merged(self.groups, more.groups, GroupRanks.merge),
            _merged(self.rivals, more.rivals, Rivals.merge),
            _merged(self.sums, more.sums, Sums.merge),
            _merged(self.products, more.products, Products.merge),
            _merged(self.outermost, more.outermost, Outermost.merge),
            _merged(self.weighed, more.weighed, Weighed.merge),
            _merged(self.ends, more.ends, _wider),
            _merged(self.odd, more.odd, int.__add__),
            _merged(self.spread, more.spread, merged),
            _merged(self.seen, more.seen, Seen.merge),
        )

    def to_bytes(self) -> bytes:
        """The same bytes for the same evidence."""
        return to_bytes(self)

    @property
    def sha256(self) -> str:
        """The digest of those bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """The inverse of `to_bytes`.

        Raises:
            ValueError: these are no such bytes.
        """
        made = from_bytes(raw, {kind.__name__: kind for kind in (cls, *PIECES)})
        if not isinstance(made, cls):
            raise ValueError("these bytes hold no evidence")  # noqa: TRY004 - of the bytes
        return made


PIECES: tuple[type[Any], ...] = (
    LabelCounts,
    KeyedCounts,
    Ranks,
    GroupRanks,
    Rivals,
    Sums,
    Products,
    Outermost,
    Weighed,
    NumberSpread,
    ValueSpread,
    Seen,
)


def _merged(
    one: Mapping[str, Piece], other: Mapping[str, Piece], merge: Callable[[Piece, Piece], Piece]
) -> dict[str, Piece]:
    if one.keys() != other.keys():
        raise ValueError("evidence of two questions does not merge")
    return {name: merge(one[name], other[name]) for name in one}


def _wider(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return min(one[0], other[0]), max(one[1], other[1])
