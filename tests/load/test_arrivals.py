"""The schedule of a load run, and the tally of what came of it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit_locust.arrivals import SHAPES, Load, arrivals
from gatekit_locust.bodies import bodies_of
from gatekit_locust.tally import Tally

LOADS = st.builds(
    Load,
    users=st.just(1),
    rate=st.floats(2, 300),
    seconds=st.floats(2, 12),
    shape=st.sampled_from(SHAPES),
)


@given(LOADS, st.integers(1, 5))
def test_workers_share_the_schedule_without_loss(load, workers):
    whole = arrivals(load)
    parts = [arrivals(load, index, workers) for index in range(workers)]
    assert sorted(moment for part in parts for moment in part) == whole
    assert all(0 <= moment <= load.seconds for moment in whole)


@given(LOADS)
def test_the_rate_of_every_piece_is_kept(load):
    moments = arrivals(load)
    for start, end, rate in load.pieces():
        inside = sum(start <= moment < end for moment in moments)
        assert abs(inside - rate * (end - start)) <= 1.5
    assert load.peak_rate == load.rate * (3 if load.shape == "spike" else 1)


def test_a_step_climbs_and_a_spike_is_in_the_middle():
    steps = [rate for _, _, rate in Load(1, 80, 8, "step").pieces()]
    assert steps == [20, 40, 60, 80]
    assert Load(1, 10, 10, "spike").pieces() == [(0, 4, 10), (4, 6, 30), (6, 10, 10)]
    with pytest.raises(ValueError, match="'wave' is no shape"):
        Load(1, 1, 1, "wave").pieces()


def test_arrivals_are_no_metronome():
    gaps = [later - sooner for sooner, later in pairwise(arrivals(Load(1, 100, 60)))]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert 0.9 < spread / mean < 1.1  # exponential gaps: as wide as long


def test_tallies_of_two_processes_add_up():
    one, other, both = Tally(), Tally(), Tally()
    for ms in range(1, 101):
        (one if ms % 2 else other).answered(ms / 1000, "3")
    other.failed("answered 500", 8.0)
    other.late(0.002)
    both.add(one.as_dict())
    both.add(other.as_dict())
    assert (both.answers, both.as_dict()["requests"]) == (100, 101)
    assert both.as_dict()["failures"] == {"answered 500": 1}
    assert both.percentile_ms(50) == pytest.approx(51, rel=0.002)
    assert both.error_rate == pytest.approx(1 / 101)


@given(st.floats(1e-5, 100.0))
def test_a_time_is_known_to_a_thousandth_and_never_less_than_it_was(seconds):
    tally = Tally()
    tally.answered(seconds, "1")
    ((edge, count),) = tally.as_dict()["latency_us"]
    assert count == 1
    assert round(seconds * 1e6) <= edge <= round(seconds * 1e6) * 1.001 + 1


def test_bodies_hold_every_row_once():
    rows = [[i] for i in range(10)]
    bodies = bodies_of(rows, ["x"], 2)
    data = [body["dataframe_split"]["data"] for body in bodies]
    assert all(len(each) == 2 for each in data)
    assert sorted(row for each in data for row in each) == rows
    assert len(bodies_of(rows, ["x"], 3)) == 3
