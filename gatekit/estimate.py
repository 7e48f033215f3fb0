"""A measured number with its uncertainty. Pure values; they decide nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from gatekit.picture import Curve


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value between two one-sided bounds, each holding at `level`.

    `low` and `high` are in the unit of `value`. A bound that the data cannot give (too few
    rows for a p99, say) is infinite, and `rows_for_bound` says how many rows would give it.
    `detail` carries what a reader may want to see: groups, worst first, or the failing row.
    `pictures` are drawn beside it on the page.
    """

    name: str
    value: float
    low: float
    high: float
    level: float
    n: int
    method: str
    unit: str = ""
    rows_for_bound: int | None = None
    detail: tuple[str, ...] = ()
    pictures: tuple[Curve, ...] = ()

    @property
    def is_number(self) -> bool:
        """Whether the value is finite; nothing else can pass a gate."""
        return math.isfinite(self.value) and not (math.isnan(self.low) or math.isnan(self.high))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; what is not finite becomes a string, as JSON has no such numbers."""
        return {
            "name": self.name,
            "value": number_to_json(self.value),
            "low": number_to_json(self.low),
            "high": number_to_json(self.high),
            "level": self.level,
            "n": self.n,
            "method": self.method,
            "unit": self.unit,
            "rows_for_bound": self.rows_for_bound,
            "detail": list(self.detail),
            **({"pictures": [each.as_dict() for each in self.pictures]} if self.pictures else {}),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Estimate:
        """The estimate that `as_dict` wrote; further keys are passed over."""
        known = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        numbers = {key: float(data[key]) for key in ("value", "low", "high")}
        pictures = tuple(Curve.from_dict(each) for each in data.get("pictures", ()))
        return cls(**{**known, **numbers, "detail": tuple(data["detail"]), "pictures": pictures})


def number_to_json(value: float) -> float | str:
    """A JSON number, or 'nan', 'inf', '-inf'."""
    return float(value) if math.isfinite(value) else str(float(value))


def exact(
    name: str, value: float, *, n: int, method: str, detail: tuple[str, ...] = ()
) -> Estimate:
    """An estimate without sampling error: a count of what was seen, not an inference."""
    return Estimate(name, float(value), float(value), float(value), 1.0, n, method, detail=detail)
