"""A lane reads on while a block is counted, and no further than its model will soon need."""

import threading
from contextlib import nullcontext

import numpy as np
import pytest

from gatekit.scoring.answers import Scored
from gatekit.streaming import lane
from gatekit.streaming.lane import UNANSWERED, Lane
from gatekit.streaming.local import LocalEngine
from gatekit.streaming.question import CANDIDATE
from gatekit.streaming.reconciling import reconciled

SECONDS = 60  # what has not come by then does not come


class Model:
    """In place of a process: answers one half of every row, when it may."""

    walls = ()

    def __init__(self, classes):
        self.classes, self.may = classes, threading.Event()
        self.may.set()

    def answer(self, table, _):
        assert self.may.wait(SECONDS)
        shape = (table.num_rows, len(self.classes)) if self.classes else table.num_rows
        return Scored(None, np.full(shape, 0.5), self.classes)


@pytest.fixture
def read(monkeypatch):
    """The parts whose blocks were read, as they are read."""
    found, blocks = [], lane.blocks

    def noted(part, *rest):
        found.append(part.place)
        return blocks(part, *rest)

    monkeypatch.setattr(lane, "blocks", noted)
    return found


@pytest.fixture
def model(streamed):
    return Model(streamed.task.question.classes[CANDIDATE])


def test_the_next_part_is_read_while_one_is_counted(streamed, model, read, monkeypatch):
    fill, second_read = lane.fill, threading.Event()

    def late(*given):
        assert second_read.wait(SECONDS)  # the first count ends when the second part is there
        return fill(*given)

    def dealt():
        yield from streamed.holdout.parts[:2]
        second_read.set()

    monkeypatch.setattr(lane, "fill", late)
    with Lane(streamed.task, lambda _: nullcontext(model)) as made:
        counted = made.count(dealt())
    assert counted.parts == tuple((part.id, part.rows) for part in streamed.holdout.parts[:2])
    assert read == [0, 1]


def test_a_slow_model_claims_no_part_before_it_needs_it(streamed, model, read):
    parts = streamed.holdout.parts * 3
    model.may.clear()
    claimed = []

    def dealt():
        for part in parts:
            claimed.append(part)
            if len(claimed) == UNANSWERED + 1:
                threading.Timer(0.2, model.may.set).start()
            assert len(claimed) <= UNANSWERED + 1 or model.may.is_set()
            yield part

    with Lane(streamed.task, lambda _: nullcontext(model)) as made:
        assert made.count(dealt()).evidence.rows == 3 * streamed.holdout.rows


def test_a_lane_that_fails_ends_the_others(streamed, model):
    opened = []

    def open_runner(_):
        opened.append(1)
        if len(opened) > len(streamed.task.models):
            raise OSError("no more processes")
        return nullcontext(model)

    engine = LocalEngine(open_runner, 2)
    with pytest.raises(OSError, match="no more processes"):
        reconciled(streamed.holdout.parts, engine.run(streamed.task, streamed.holdout.parts))
