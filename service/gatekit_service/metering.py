"""What has been asked and answered, counted as it happens and told when Prometheus asks.

Counting is a few additions to plain dictionaries, by one thread (the loop that answers); the
objects of prometheus_client are made only when they are read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekit.times import parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.metrics_core import Metric

    from gatekit_service.state import Answered, Served, State

# seconds; from what a compiled model takes to what a caller gives up on
BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass(slots=True)
class Spread:
    """A histogram: how many took at most each of `BUCKETS_S`, and more than the last."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds

    def cumulated(self) -> list[tuple[str, float]]:
        """Upper edge and how many took at most that, as Prometheus has it."""
        total, rising = 0, []
        for edge, count in zip((*map(str, BUCKETS_S), "+Inf"), self.counts, strict=True):
            total += count
            rising.append((edge, float(total)))
        return rising


class Meter:
    """Counts of one service. `answered` and `swapped` are hooks of `State`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._requests: Counter[tuple[str, int, str]] = Counter()
        self._took: dict[str, Spread] = {}
        self._rows: Counter[str] = Counter()
        self._first_s: dict[str, float] = {}
        self.open = 0
        self.swaps = 0
        self.hooks: Counter[str] = Counter()
        self.log: Counter[str] = Counter()
        state.on_answer.append(self.answered)
        state.on_refusal.append(self.refused)
        state.on_swap.append(self.swapped)

    def answered(self, answered: Answered) -> None:
        """Count an answer."""
        version, seconds = answered.served.version, answered.took_ms / 1000
        self._rows[version] += len(answered.predictions)
        if version not in self._first_s:
            self._first_s[version] = seconds
        self.count(answered.route, answered.status, version, seconds)

    def refused(self, route: str, status: int, took_ms: float) -> None:
        """Count a refusal; without a version: no model made it."""
        self.count(route, status, "", took_ms / 1000)

    def count(self, route: str, status: int, version: str, seconds: float) -> None:
        """Count a request; the route is one of the service's own, never what was asked for."""
        self._requests[route, status, version] += 1
        spread = self._took.get(route)
        if spread is None:
            spread = self._took[route] = Spread()
        spread.add(seconds)

    def swapped(self, before: Served | None, now: Served) -> None:
        """Count a swap; the first answer of what is served now is timed anew."""
        del before
        self.swaps += 1
        self._first_s.pop(now.version, None)

    def collect(self) -> Iterator[Metric]:
        """Everything, as prometheus_client reads it."""
        from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily

        requests = CounterMetricFamily(
            "gatekit_requests", "Requests answered", labels=("route", "code", "version")
        )
        for (route, status, version), count in sorted(self._requests.copy().items()):
            requests.add_metric((route, str(status), version), count)
        took = HistogramMetricFamily(
            "gatekit_request_seconds", "From the request to its answer", labels=("route",)
        )
        for route, spread in sorted(self._took.copy().items()):
            took.add_metric((route,), spread.cumulated(), spread.sum_s)
        rows = CounterMetricFamily("gatekit_rows", "Rows predicted", labels=("version",))
        for version, count in sorted(self._rows.copy().items()):
            rows.add_metric((version,), count)
        yield from (requests, took, rows)
        yield from self._events()
        yield from self._states()

    def _events(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily

        yield CounterMetricFamily("gatekit_swaps", "Models swapped in", value=self.swaps)
        told = (
            ("gatekit_hooks", "Deliveries of webhooks, by what became of them", self.hooks),
            ("gatekit_logged_rows", "Rows for the inference log, by what became of them", self.log),
        )
        for name, words, counts in told:
            family = CounterMetricFamily(name, words, labels=("outcome",))
            for outcome, count in sorted(counts.copy().items()):
                family.add_metric((outcome,), count)
            yield family

    def _states(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily

        yield GaugeMetricFamily(
            "gatekit_open_requests", "Not answered yet", value=self.open + self._state.open
        )
        served, wrong = self._state.served, self._state.last_error is not None
        yield GaugeMetricFamily(
            "gatekit_last_error", "1 while the last look at the pointer went wrong", value=wrong
        )
        yield GaugeMetricFamily("gatekit_ready", "1 once a model is served", value=bool(served))
        first = GaugeMetricFamily(
            "gatekit_first_answer_seconds",
            "The first answer of a version since it was swapped in",
            labels=("version",),
        )
        for version, seconds in self._first_s.copy().items():
            first.add_metric((version,), seconds)
        yield first
        if served is None:
            return
        yield InfoMetricFamily(
            "gatekit_model",
            "What is served",
            value={
                "model": served.model,
                "version": served.version,
                "digest": served.digest,
                "engine": served.engine.name,
                "stage": self._state.stage,
                "proof": served.proof.outcome or "none",
            },
        )
        if end := parse_moment(served.proof.expires):
            left = (end - datetime.now(UTC)).total_seconds()
            yield GaugeMetricFamily(
                "gatekit_proof_expiry_seconds", "Until the proof expires; below 0: since", left
            )
