"""How long rows take, in the candidate's own process, on the engine that will serve.

One row at a time, in batches, and from nothing to a loaded model. What the process holds while it
does so is the memory gate's question (`gatekit.gates.memory`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from gatekit.data import Holdout
from gatekit.estimate import Estimate, exact
from gatekit.evidence.histogram import Histogram
from gatekit.gate import Ask, measure
from gatekit.gates import applies, pictures
from gatekit.gates.applies import named
from gatekit.ledger import no_champion
from gatekit.policy_gates import LatencyGate
from gatekit.scoring.tables import spread_rows
from gatekit.stats import quantile
from gatekit.subject import WARM_UP_CALLS, NoChampion, Subject

BLOCKS = 20  # of calls, of each model in turn: a slow second of the machine meets both
ROUNDS, SLOWEST = 5, 20  # how often the slowest rows are timed again, and how many of them
P99 = 0.99  # with which the times are drawn, once for all their quantiles
BATCH_BARS = ("batch_p50_ms", "batch_p95_ms", "batch_p99_ms", "rows_per_second")


@measure
def p50(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Median milliseconds for one row."""
    return _quantile("p50", 0.5, candidate, holdout, ask)


@measure
def p95(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """95th percentile of milliseconds for one row."""
    return _quantile("p95", 0.95, candidate, holdout, ask)


@measure
def p99(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """99th percentile of milliseconds for one row."""
    return _quantile("p99", 0.99, candidate, holdout, ask)


@measure
def p999(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Milliseconds that one row in 1000 may exceed: slow rows too few for a p99 to see."""
    return _quantile("p99.9", 0.999, candidate, holdout, ask)


@measure
def slowest_row(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """The most milliseconds that any row takes, each at its fastest.

    What makes the machine pause does so for other rows the next time, so the slowest are timed
    again, five times: a row that stays slow is slow by itself. A fact about these rows; what it
    says of others, which no quantile does of one row in 200, stands in the details.
    """
    name, asked = "slowest row", _settings(ask)
    if not _wants(ask, "slowest_row_ms"):
        return applies.not_asked(name, "no bar asks for it", ask)
    rows = spread_rows(holdout.features(candidate.candidate.signature), asked.calls)
    least_ms = np.array(candidate.time_block(rows))
    for _ in range(ROUNDS):
        slow = np.argsort(-least_ms)[:SLOWEST]
        again = candidate.time_block(rows.take(pa.array(slow)))
        least_ms[slow] = np.minimum(least_ms[slow], again)
    found = exact(
        name,
        float(least_ms.max()),
        n=least_ms.size,
        method=f"{candidate.engine} engine, {least_ms.size:,} rows, the slowest timed again",
        detail=_slow_words(least_ms, asked.slowest_row_ms, ask.level),
    )
    return replace(found, unit="ms")


@measure
def batch_p50(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Median milliseconds for a batch of `batch_rows`."""
    return _of_batches("batch p50", 0.5, candidate, holdout, ask)


@measure
def batch_p95(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """95th percentile of milliseconds for a batch of `batch_rows`."""
    return _of_batches("batch p95", 0.95, candidate, holdout, ask)


@measure
def batch_p99(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """99th percentile of milliseconds for a batch of `batch_rows`."""
    return _of_batches("batch p99", 0.99, candidate, holdout, ask)


@measure
def throughput(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows per second in batches: `batch_rows` over the median time of a batch."""
    name, asked = "throughput", _settings(ask)
    if not _wants(ask, *BATCH_BARS):
        return applies.not_asked(name, "no bar asks about batches", ask)
    times_ms = candidate.timings(holdout, asked.batch_calls, asked.batch_rows)
    rates = asked.batch_rows * 1000 / np.maximum(times_ms, 1e-6)
    return of_sample(name, 0.5, rates, ask, _batch_words(candidate, asked), unit="rows/s")


@measure
def champion_ratio(
    candidate: Subject, champion: Subject | NoChampion, holdout: Holdout, *, ask: Ask
) -> Estimate:
    """Median time for one row over the champion's, both timed in turn in this run.

    In blocks of the same rows, candidate first in one and champion first in the next. The ratio
    of the two medians of a block knows nothing of how fast the machine was just then; the value is
    the median of these ratios, and its bounds are order statistics of them.
    """
    name = "time over champion"
    if not _wants(ask, "champion_ratio"):
        return applies.not_asked(name, "no bar asks for it", ask)
    if isinstance(champion, NoChampion):
        return no_champion(name, ask.level, champion.reason)
    ratios = _ratios(candidate, champion, holdout, _settings(ask).calls)
    method = f"{candidate.engine} against {champion.engine}, {BLOCKS} blocks in turn"
    detail = (
        f"against {champion.title}; blocks from {ratios.min():.3g} to {ratios.max():.3g}",
        f"{_settings(ask).calls:,} calls of each model, one to wake up before each block",
    )
    return of_sample(name, 0.5, ratios, ask, method, unit="", detail=detail)


@measure
def load_time(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:  # noqa: ARG001 - a measure's shape
    """Median seconds from no process to a loaded model: start, imports, scan and loading."""
    name, asked = "load time", _settings(ask)
    if not _wants(ask, "load_seconds"):
        return applies.not_asked(name, "no bar asks for it", ask)
    seconds = candidate.load_seconds(asked.loads)
    return of_sample(name, 0.5, seconds, ask, f"{candidate.engine} engine, cold", unit="s")


def of_sample(
    name: str, q: float, sample: ArrayLike | Histogram, ask: Ask, method: str, **more: Any
) -> Estimate:
    """A quantile of a sample as an estimate with order-statistic bounds; milliseconds, else `unit`.

    Where the sample is too small for a bound, the estimate says how many values would give it.
    """
    counted = sample if isinstance(sample, Histogram) else Histogram.of(sample)
    value, low, high = quantile.bounds_of(counted, q, ask.level)
    more = {"unit": "ms", "rows_for_bound": quantile.rows_for_upper_bound(q, ask.level), **more}
    how = named(f"order statistics, {method}", ask.level)
    return Estimate(name, value, low, high, ask.level, counted.n, how, **more)


def _quantile(name: str, q: float, candidate: Subject, holdout: Holdout, ask: Ask) -> Estimate:
    times_ms = candidate.timings(holdout, ask.settings.calls)
    rows = min(holdout.rows, times_ms.size)
    method = (
        f"{candidate.engine} engine, {rows:,} rows in turn, after {WARM_UP_CALLS} warm-up calls"
    )
    drawn = pictures.histogram("milliseconds for one row", times_ms, "ms") if q == P99 else ()
    return of_sample(name, q, times_ms, ask, method, pictures=drawn)


def _of_batches(name: str, q: float, candidate: Subject, holdout: Holdout, ask: Ask) -> Estimate:
    asked = _settings(ask)
    if not _wants(ask, *BATCH_BARS):
        return applies.not_asked(name, "no bar asks about batches", ask)
    times_ms = candidate.timings(holdout, asked.batch_calls, asked.batch_rows)
    return of_sample(name, q, times_ms, ask, _batch_words(candidate, asked))


def _batch_words(candidate: Subject, asked: LatencyGate) -> str:
    return (
        f"{candidate.engine} engine, {asked.batch_rows:,} rows a batch, "
        f"after {WARM_UP_CALLS} warm-up calls"
    )


def _ratios(
    candidate: Subject, champion: Subject, holdout: Holdout, calls: int
) -> NDArray[np.float64]:
    """Candidate's median over champion's, of each block, (BLOCKS,)."""
    each = max(1, calls // BLOCKS)
    tables = [
        spread_rows(holdout.features(model.candidate.signature), each * BLOCKS, each)
        for model in (candidate, champion)
    ]
    ratios = np.empty(BLOCKS)
    for block in range(BLOCKS):
        start = block * each % (tables[0].num_rows - each + 1)
        both = [(candidate, tables[0]), (champion, tables[1])]
        if block % 2:
            both.reverse()
        medians = {
            id(model): float(np.median(model.time_block(rows.slice(start, each))))
            for model, rows in both
        }
        ratios[block] = medians[id(candidate)] / max(medians[id(champion)], 1e-9)
    return ratios


def _slow_words(least_ms: NDArray[np.float64], bar: float | None, level: float) -> tuple[str, ...]:
    slow = int((least_ms > (np.inf if bar is None else bar)).sum())
    if slow:
        return (f"{slow:,} of {least_ms.size:,} rows take longer than {bar:g} ms every time",)
    unseen = 1 - (1 - level) ** (1 / least_ms.size)
    return (f"none of {least_ms.size:,}: fewer than {unseen:.2%} of such rows, at level {level:g}",)


def _settings(ask: Ask) -> LatencyGate:
    return ask.settings if isinstance(ask.settings, LatencyGate) else LatencyGate()


def _wants(ask: Ask, *bars: str) -> bool:
    return any(getattr(ask.settings, bar, None) is not None for bar in bars)
