"""What the latency gate makes of times; the times are given, no clock is read."""

import math
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from gatekit.gates import latency
from gatekit.ledger import NO_CHAMPION
from gatekit.policy_gates import LatencyGate
from gatekit.scoring.tables import spread_rows
from gatekit.subject import NoChampion
from gatekit.testing.rules import share_of
from gatekit.verdict import Outcome, decide

TABLE = pa.table({"x0": np.arange(400.0), "label": [0, 1] * 200})


@pytest.fixture
def timed(make_holdout, fake):
    def make(times_ms):
        subject = fake(lambda table: [0] * len(table))
        subject.times_ms = np.asarray(times_ms, dtype=float)
        return subject, make_holdout(TABLE)

    return make


def test_one_row_in_200_is_seen_by_the_p999_and_by_no_other(timed, ask):
    times_ms = np.full(3000, 1.0)
    times_ms[::200] = 50.0
    subject, holdout = timed(times_ms)
    asked = ask(LatencyGate(calls=3000))
    for quick in (latency.p50, latency.p95, latency.p99):
        assert decide(quick(subject, holdout, ask=asked), "<=", 5.0).outcome is Outcome.PASSED
    rare = latency.p999(subject, holdout, ask=asked)
    assert (rare.value, rare.low) == (50.0, 50.0)
    assert decide(rare, "<=", 5.0).outcome is Outcome.FAILED


class Paused:
    """Every row takes 1 ms, some of them `slow`; now and then the machine pauses."""

    engine = "native"

    def __init__(self, slow):
        signature = SimpleNamespace(inputs=(SimpleNamespace(name="x0", required=True),))
        self.candidate = SimpleNamespace(signature=signature)
        self.slow, self.random = slow, np.random.default_rng(5)

    def time_block(self, rows):
        x = rows["x0"].to_numpy()
        paused = self.random.random(x.size) < 0.05
        return 1.0 + 40.0 * np.isin(x, self.slow) + 300.0 * paused


@pytest.mark.parametrize("slow", [[7.0, 207.0], [399.0], []])
def test_a_row_that_is_slow_by_itself_is_told_from_a_pause(make_holdout, ask, slow):
    asked = ask(LatencyGate(slowest_row_ms=20.0))
    found = latency.slowest_row(Paused(slow), make_holdout(TABLE), ask=asked)
    assert found.value == found.high == (41.0 if slow else 1.0)
    assert (found.unit, found.n) == ("ms", 400)
    said = f"{len(slow)} of 400 rows take longer than 20 ms every time" if slow else "none of 400"
    assert said in found.detail[0]
    assert slow or "fewer than 0.75% of such rows" in found.detail[0]


def test_the_slowest_row_is_looked_for_where_a_bar_asks(make_holdout, ask):
    asked = ask(LatencyGate())
    assert math.isnan(latency.slowest_row(Paused([]), make_holdout(TABLE), ask=asked).value)


def test_a_row_in_200_is_found_in_a_real_process(toy, ask):
    subject, holdout = toy("slow", every=40, rare_ms=60.0)
    x = holdout.table["x0"].to_numpy()
    slow = share_of(x, 3) < 1 / 40
    times_ms = subject.time_block(holdout.features(subject.candidate.signature))
    assert 0 < slow.sum() < 20
    assert times_ms[slow].min() >= 60  # each time stands at its row
    asked = ask(LatencyGate(slowest_row_ms=30.0))
    assert latency.slowest_row(subject, holdout, ask=asked).value >= 60


@pytest.mark.parametrize(
    ("measure", "least"), [(latency.p95, 59), (latency.p99, 299), (latency.p999, 2995)]
)
def test_too_few_calls_decide_nothing_and_say_how_many_would(timed, ask, measure, least):
    subject, holdout = timed(np.full(3000, 1.0))
    few = measure(subject, holdout, ask=ask(LatencyGate(calls=least - 1)))
    verdict = decide(few, "<=", 5.0)
    assert (few.high, verdict.outcome) == (math.inf, Outcome.INCONCLUSIVE)
    assert verdict.rows_needed == least
    assert "after 20 warm-up calls" in few.method
    enough = measure(subject, holdout, ask=ask(LatencyGate(calls=least)))
    assert decide(enough, "<=", 5.0).outcome is Outcome.PASSED


def test_batches_are_timed_where_a_bar_asks(timed, ask):
    subject, holdout = timed(np.full(300, 0.1))
    asked = ask(LatencyGate(batch_p99_ms=20.0, batch_rows=50))
    assert latency.batch_p99(subject, holdout, ask=asked).value == pytest.approx(5.0)
    rate = latency.throughput(subject, holdout, ask=asked)
    assert rate.value == pytest.approx(10_000)
    assert (rate.unit, rate.n) == ("rows/s", 300)
    for measure in (latency.batch_p50, latency.batch_p95, latency.batch_p99, latency.throughput):
        assert math.isnan(measure(subject, holdout, ask=ask(LatencyGate())).value)


class Timed:
    """Takes `factor` times as long as the machine is slow, which it is more and more."""

    engine, title = "native", "toy version 1"

    def __init__(self, factor, machine, order):
        self.factor, self.machine, self.order = factor, machine, order
        signature = SimpleNamespace(inputs=(SimpleNamespace(name="x0", required=True),))
        self.candidate = SimpleNamespace(signature=signature)

    def time_block(self, rows):
        self.order.append((self.factor, rows.column("x0")[0].as_py(), rows.num_rows))
        self.machine[0] *= 1.1
        return np.full(rows.num_rows, self.factor * self.machine[0])


def test_the_ratio_knows_nothing_of_a_machine_that_slows_down(make_holdout, ask):
    machine, order = [1.0], []
    new, old = Timed(2.0, machine, order), Timed(1.0, machine, order)
    asked = ask(LatencyGate(champion_ratio=3.0, calls=200))
    found = latency.champion_ratio(new, old, make_holdout(TABLE), ask=asked)
    assert machine[0] > 40  # times as slow at the end
    assert 2 / 1.11 < found.low <= found.value <= found.high < 2 * 1.11
    assert (found.n, found.unit) == (latency.BLOCKS, "")
    assert [who for who, *_ in order[:4]] == [2.0, 1.0, 1.0, 2.0]  # in turn
    assert {rows for *_, rows in order} == {10}
    starts = [start for _, start, _ in order]
    assert starts[::2] == starts[1::2]  # the same rows for both
    assert len(set(starts)) == latency.BLOCKS


def test_there_is_no_ratio_without_a_champion(make_holdout, ask):
    new = Timed(1.0, [1.0], [])
    asked = ask(LatencyGate(champion_ratio=3.0))
    found = latency.champion_ratio(new, NoChampion("none yet"), make_holdout(TABLE), ask=asked)
    assert found.method == NO_CHAMPION


def test_loading_is_timed_in_processes_of_their_own_where_a_bar_asks(ask):
    subject = SimpleNamespace(engine="native", load_seconds=lambda n: np.arange(1.0, n + 1))
    found = latency.load_time(subject, None, ask=ask(LatencyGate(load_seconds=9.0)))
    assert (found.value, found.low, found.high, found.n, found.unit) == (3.0, 1.0, 5.0, 5, "s")
    few = latency.load_time(subject, None, ask=ask(LatencyGate(load_seconds=9.0, loads=4)))
    assert few.high == math.inf
    assert math.isnan(latency.load_time(subject, None, ask=ask(LatencyGate())).value)


def test_rows_are_taken_from_all_over_the_table():
    assert spread_rows(TABLE, 5)["x0"].to_pylist() == [0, 99, 199, 299, 399]
    assert spread_rows(TABLE, 1000) is TABLE
    assert spread_rows(TABLE.slice(0, 3), 100, 7)["x0"].to_pylist() == [0, 1, 2, 0, 1, 2, 0]
