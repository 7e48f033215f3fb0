"""When requests begin: a schedule fixed before the first is sent, so that no answer moves it.

A user who waits for a slow answer sends nothing meanwhile, and what was not sent has no latency:
"coordinated omission" (Tene 2013). Here every request has an intended start; its latency counts
from that moment, whoever was late.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

SHAPES = ("steady", "step", "spike")
STEPS = 4
SPIKE = 3.0  # times the rate
SPIKE_FROM, SPIKE_TO = 0.4, 0.6  # of the run
SEED = 20261125


@dataclass(frozen=True, slots=True)
class Load:
    """How much: `rate` is requests a second, all users together; `users` are connections.

    `steady` keeps the rate; `step` climbs to it in four equal steps; `spike` keeps it, and sends
    three times as much during the middle fifth.
    """

    users: int
    rate: float
    seconds: float
    shape: str = "steady"
    processes: int = 1
    rows_per_request: int = 1

    @property
    def peak_rate(self) -> float:
        """The highest rate of the run, requests a second."""
        return max(rate for _, _, rate in self.pieces())

    def pieces(self) -> list[tuple[float, float, float]]:
        """Start and end in seconds, and the rate between them.

        Raises:
            ValueError: a shape that is none of `SHAPES`.
        """
        whole, rate = self.seconds, self.rate
        if self.shape == "steady":
            return [(0.0, whole, rate)]
        if self.shape == "step":
            each = whole / STEPS
            return [(i * each, (i + 1) * each, rate * (i + 1) / STEPS) for i in range(STEPS)]
        if self.shape == "spike":
            up, down = SPIKE_FROM * whole, SPIKE_TO * whole
            return [(0.0, up, rate), (up, down, rate * SPIKE), (down, whole, rate)]
        raise ValueError(f"{self.shape!r} is no shape; there are {', '.join(SHAPES)}")


def arrivals(load: Load, index: int = 0, of: int = 1) -> list[float]:
    """Intended starts in seconds from the beginning, in order; every `of`-th, from `index` on.

    Within a piece the moments are drawn uniformly: a Poisson process, given how many arrive.
    """
    dice = random.Random(SEED)  # noqa: S311 - a schedule, no secret
    moments: list[float] = []
    for start, end, rate in load.pieces():
        count = max(1, round(rate * (end - start)))
        moments += sorted(dice.uniform(start, end) for _ in range(count))
    return moments[index::of]
