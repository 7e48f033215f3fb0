"""Numbers that a measure hands over to be drawn beside its estimate. Pure values, few of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["line", "points", "bars", "rows"]
MOST = 200  # numbers in a series: what is signed and kept with a version stays small
DIGITS = 5
_SERIES = ("x", "y", "low", "high")


@dataclass(frozen=True, slots=True)
class Curve:
    """One drawing. A series has at most 200 numbers; they are kept to five digits.

    `line`: y over x, (m,). `points`: likewise, each between `low` and `high`, (m,). `bars`: counts
    y, (m,), between rising edges x, (m + 1,). `rows`: the m `labels`, worst first, each at x
    between `low` and `high`; y is empty. `low` and `high` may be infinite, or left out.

    `axes` names x and y, with their units. `diagonal`: y = x is what should be. `on_scale`: x is on
    the scale of the estimate, so that its bar belongs into the drawing.

    Raises:
        ValueError: the series do not fit together, are too long, or hold what is no number.
    """

    name: str
    kind: Kind
    x: tuple[float, ...]
    y: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    axes: tuple[str, str] = ("", "")
    diagonal: bool = False
    on_scale: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not be drawn."""
        size = len(self.x) - (self.kind == "bars")
        wanted = {"y": 0 if self.kind == "rows" else size}
        wanted["labels"] = size if self.kind == "rows" else 0
        if self.kind not in ("line", "points", "bars", "rows"):
            raise ValueError(f"curve {self.name!r}: no kind {self.kind!r}")
        for name, length in wanted.items():
            if len(getattr(self, name)) != length:
                raise ValueError(f"curve {self.name!r}: {name} needs {length} entries")
        if len(self.low) != len(self.high) or len(self.low) not in (0, size):
            raise ValueError(f"curve {self.name!r}: low and high need {size} entries, or none")
        if not 0 < size <= MOST:
            raise ValueError(f"curve {self.name!r}: {size} entries; 1 to {MOST} can be drawn")
        if not all(math.isfinite(v) for v in (*self.x, *self.y)):
            raise ValueError(f"curve {self.name!r}: x and y are finite numbers")
        if any(math.isnan(v) for v in (*self.low, *self.high)):
            raise ValueError(f"curve {self.name!r}: a bound is a number, or infinite")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not finite becomes a string."""
        series = {name: [_to_json(v) for v in getattr(self, name)] for name in _SERIES}
        return {
            "name": self.name,
            "kind": self.kind,
            **series,
            "labels": list(self.labels),
            "axes": list(self.axes),
            "diagonal": self.diagonal,
            "on_scale": self.on_scale,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Curve:
        """The curve that `as_dict` wrote."""
        across, up = data["axes"]
        x, y, low, high = (tuple(map(float, data[name])) for name in _SERIES)
        return cls(
            data["name"],
            data["kind"],
            x,
            y,
            low,
            high,
            labels=tuple(map(str, data["labels"])),
            axes=(str(across), str(up)),
            diagonal=bool(data["diagonal"]),
            on_scale=bool(data["on_scale"]),
        )


def numbers(values: Iterable[Any]) -> tuple[float, ...]:
    """Plain floats of five digits."""
    return tuple(float(f"{float(value):.{DIGITS}g}") for value in values)


def _to_json(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
