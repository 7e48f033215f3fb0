"""The linear form of a classifier, in the columns that the model takes.

The score of label k is intercept_k plus what each column gives: a weight times a number, or a
weight for each word or code. It is read in the model's own process
(`gatekit.scoring.linear_reading`) and travels as JSON: whoever takes it loads nothing of the model.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Weights = tuple[float, ...]  # one for each label


@dataclass(frozen=True, slots=True)
class Column:
    """What a column gives: `slope` for each unit, and `levels` for a value that has an own weight.

    A value that is not among the levels gives `other`; an empty one is taken as `filled`.
    """

    slope: Weights
    levels: dict[Any, Weights] = field(default_factory=dict)
    other: Weights = ()
    filled: Any = None

    def of(self, value: Any) -> list[float]:
        """What the value gives to the score of each label; NaN where that is unknown."""
        value = self.filled if is_empty(value) else value
        if is_empty(value):
            return [float("nan")] * len(self.slope)
        number = 0.0 if isinstance(value, str) else float(value)
        own = self.levels.get(value, self.other) if self.levels else (0.0,) * len(self.slope)
        return [slope * number + more for slope, more in zip(self.slope, own, strict=True)]


@dataclass(frozen=True, slots=True)
class LinearForm:
    """Labels, intercepts (K,), and the columns by name; a column that is not there gives nothing.

    The label is the one with the highest score, the first of equals.
    """

    labels: tuple[Any, ...]
    intercept: Weights
    columns: dict[str, Column]

    def as_json(self) -> bytes:
        """As the wire has it."""
        columns = {
            name: [list(c.slope), [[v, list(w)] for v, w in c.levels.items()], c.other, c.filled]
            for name, c in self.columns.items()
        }
        said = {"labels": self.labels, "intercept": self.intercept, "columns": columns}
        return json.dumps(said).encode()

    @classmethod
    def from_json(cls, text: bytes) -> LinearForm:
        """What `as_json` wrote.

        Raises:
            ValueError: it is anything else; it came from a process that is not trusted.
        """
        try:
            said = json.loads(text)
            count = len(said["labels"])
            columns = {
                str(name): Column(
                    _weights(slope, count),
                    {_plain(v): _weights(w, count) for v, w in levels},
                    _weights(other, count) if levels else (),
                    _plain(filled),
                )
                for name, (slope, levels, other, filled) in said["columns"].items()
            }
            labels = tuple(_plain(label) for label in said["labels"])
            return cls(labels, _weights(said["intercept"], count), columns)
        except (AttributeError, KeyError, TypeError, RecursionError) as error:
            raise ValueError("it is no linear form") from error


def is_empty(value: Any) -> bool:
    """Whether a cell holds nothing."""
    return value is None or value != value  # noqa: PLR0124 - NaN alone


def _plain(value: Any) -> Any:
    if value is not None and not isinstance(value, (str, bool, int, float)):
        raise TypeError("no label and no level")
    return value


def _weights(given: Any, count: int) -> Weights:
    made = tuple(float(number) for number in given)
    if len(made) != count:
        raise TypeError("not one weight for each label")
    return made
