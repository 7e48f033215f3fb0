"""Candidate and champion predict a holdout side by side, and never while one of them is timed."""

from threading import Event

import pytest

from gatekit.errors import ModelMisbehaved
from gatekit.subject import Subject


@pytest.fixture
def pair(toy):
    """Two subjects, each in a process of its own, the second the rival of the first."""
    first, holdout = toy("threshold")
    second, _ = toy("order_dependent")
    first.rival = second
    return first, second, holdout


def test_the_rival_predicts_while_the_other_does(pair, monkeypatch):
    first, second, holdout = pair
    said, begun = Subject._said, Event()

    def waits_for_the_other(self, rows, engine):
        if self is second:
            begun.set()
        assert begun.wait(20)
        return said(self, rows, engine)

    monkeypatch.setattr(Subject, "_said", waits_for_the_other)
    assert first.predictions(holdout).shape == (200,)
    assert second.predictions(holdout).shape == (200,)


def test_nothing_is_timed_while_the_rival_predicts(pair, monkeypatch):
    first, second, holdout = pair
    said, go, ended = Subject._said, Event(), []

    def ends_late(self, rows, engine):
        if self is second:
            assert go.wait(20)
            ended.append(said(self, rows, engine))
            return ended[0]
        return said(self, rows, engine)

    monkeypatch.setattr(Subject, "_said", ends_late)
    first.predictions(holdout)
    assert not ended
    go.set()
    first.timings(holdout, 3)
    assert ended


def test_a_rival_that_misbehaves_is_met_by_who_asks_it(toy):
    first, holdout = toy("threshold")
    second, _ = toy("crash")
    first.rival = second
    assert first.predictions(holdout).shape == (200,)
    with pytest.raises(ModelMisbehaved):
        second.predictions(holdout)


def test_what_is_closed_predicts_no_further(pair):
    first, second, holdout = pair
    first.predictions(holdout)
    second.close()
    assert second.is_alive
    assert second._processes._first is None
    assert not second._ahead._thread.is_alive()
