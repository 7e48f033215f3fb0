"""What the users of one process saw: times in microseconds, in histograms that merge.

locust's own histogram knows whole milliseconds only, and counts from when a request was sent.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hdrh.histogram import HdrHistogram

LONGEST_US = 3_600_000_000
DIGITS = 3  # a time is known to 0.1 percent


class Tally:
    """Counts and times of requests. Greenlets take turns, so no lock is needed.

    `latency_us` counts from the intended start; `lag_us` is how late a free user was, which is the
    generator's own doing; `versions` says who answered. A count is a plain dictionary while the
    run goes on: a histogram's own bookkeeping takes ten times as long.
    """

    def __init__(self) -> None:
        self.latency_us: Counter[int] = Counter()
        self.lag_us: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.seconds = 0.0  # from the beginning to the end of the last answer

    def answered(self, latency_s: float, version: str) -> None:
        """Count a right answer."""
        self.latency_us[_us(latency_s)] += 1
        self.versions[version] += 1

    def failed(self, why: str, latency_s: float) -> None:
        """Count a request without a right answer."""
        self.latency_us[_us(latency_s)] += 1
        self.failures[why] += 1

    def late(self, seconds: float) -> None:
        """Count how late a request left although its user was free."""
        self.lag_us[_us(seconds)] += 1

    def add(self, found: dict[str, Any]) -> None:
        """Add what `as_dict` of another process gave."""
        self.latency_us.update(dict(found["latency_us"]))
        self.lag_us.update(dict(found["lag_us"]))
        self.failures.update(found["failures"])
        self.versions.update(found["versions"])
        self.seconds = max(self.seconds, found["seconds"])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values. Times are [upper edge in microseconds, how many], rising."""
        return {
            "requests": self.latency_us.total(),
            "latency_us": _edges(_histogram(self.latency_us)),
            "lag_us": _edges(_histogram(self.lag_us)),
            "failures": dict(self.failures),
            "versions": dict(self.versions),
            "seconds": self.seconds,
        }

    def percentile_ms(self, percent: float) -> float:
        """That percentile of the latencies."""
        return float(_histogram(self.latency_us).get_value_at_percentile(percent)) / 1000

    @property
    def answers(self) -> int:
        """How many requests were answered rightly."""
        return self.versions.total()

    @property
    def error_rate(self) -> float:
        """Share of requests without a right answer; 1 of none."""
        requests = self.latency_us.total()
        return self.failures.total() / requests if requests else 1.0

    def line(self) -> str:
        """One line for whoever runs locust by hand."""
        requests, failed = self.latency_us.total(), self.failures.total()
        rate = (requests - failed) / self.seconds if self.seconds else 0.0
        p50, p99 = self.percentile_ms(50), self.percentile_ms(99)
        return (
            f"gatekit: {requests} requests, {failed} failed, {rate:.1f} answered a second; "
            f"from the intended start p50 {p50:.2f} ms, p99 {p99:.2f} ms"
        )


def _us(seconds: float) -> int:
    return max(1, min(LONGEST_US, round(seconds * 1e6)))


def _histogram(counts: Counter[int]) -> Any:
    histogram = HdrHistogram(1, LONGEST_US, DIGITS)
    for value, count in counts.items():
        histogram.record_value(value, count)
    return histogram


def _edges(histogram: Any) -> list[tuple[int, int]]:
    return [
        (
            int(histogram.get_highest_equivalent_value(step.value_iterated_to)),
            int(step.count_added_in_this_iter_step),
        )
        for step in histogram.get_recorded_iterator()
    ]
