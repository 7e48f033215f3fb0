"""Eight processes at once, on `mlflow server` over PostgreSQL with two workers.

`GATEKIT_ROUNDS=200` for the full proof; a few rounds by default.
"""

import os
import random
import re
import time
from collections import Counter

import pytest

from gatekit.promotion.protocol import settle

from .ground import Child, Ground

pytestmark = pytest.mark.slow
ROUNDS = int(os.environ.get("GATEKIT_ROUNDS", "6"))
RACERS = 8
NO_WAY_BACK = "no earlier holder|no other version was ever promoted to it on proof"


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """An answer that a busy machine gives late is no outage."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "100")


def acts_of_a_round(ground, number):
    """Eight acts: all promote another version, or in every third round two roll back instead.

    One of the two does so at once.
    """
    acts = {}
    for racer in range(RACERS):
        version = str(1 + (racer + number) % RACERS)
        by = f"racer{racer}"
        if number % 3 == 2 and racer < 2:
            acts[by] = lambda by=by, now=racer == 1: ground.again().rollback(by=by, now=now)
        else:
            acts[by] = lambda by=by, version=version: ground.again().promote(version, by=by)
    return acts


def let_go(children, number):
    """All at the same moment, or in a row close enough that the late meet the early."""
    dice, spread_s = random.Random(number), (0.0, 0.03, 0.15)[number // 3 % 3]
    for child in children:
        time.sleep(dice.uniform(0, spread_s))
        child.let_go()


def check_what_they_were_told(ground, answers, known):
    journal = ground.journal
    mine = {p.entry.by: p for p in journal.history() if p.entry.is_intent}
    new = {p.entry.by for p in journal.history() if p.entry.is_intent and p.entry.number > known}
    for by, answer in answers.items():
        placed = mine[by] if by in new else None
        if answer["end"] == "won" and answer["entry"]:
            assert placed is not None, (by, answer)
            assert placed.standing in ("in effect", "superseded"), (by, placed)
            assert placed.done or "was followed at once" in answer["words"], (by, placed, answer)
        elif answer["end"] == "won":
            assert placed is None  # it held the target already
        elif placed is None:
            assert re.search(NO_WAY_BACK, answer["words"]), (by, answer)  # of a rollback
        else:
            assert answer["end"] == "PromotionRefused", (by, answer)
            assert placed.standing == "lost", (by, placed, answer)
            winner = journal.placed(placed.winner).entry
            named = re.search(r"lost to #(\d+): (\w+) gave 'staging' to version", answer["words"])
            assert named is not None, (by, answer)
            assert (int(named[1]), named[2]) == (winner.number, winner.by)
    return [placed for by, placed in mine.items() if by in new]


@pytest.mark.parametrize("pointer", ["alias", "stage", "copy"])
def test_eight_at_once_leave_one_holder_and_everybody_knows(mlflow_server, pointer, capsys):
    uri, _ = mlflow_server
    ground, ends = Ground.with_versions(uri, pointer, RACERS), Counter()
    for number in range(ROUNDS):
        if number % 25 == 24:
            ground = Ground.with_versions(uri, pointer, RACERS)  # a journal of a usual length
        head = ground.journal.head
        children = {by: Child(act) for by, act in acts_of_a_round(ground, number).items()}
        let_go(children.values(), number)
        answers = {by: child.answer() for by, child in children.items()}
        if ground.journal.in_effect("staging").kind == "rollback":
            settle(ground.desk)  # at once leaves its entry open, and nothing else
        assert ground.problems() == [], (number, answers)
        written = check_what_they_were_told(ground, answers, head.number if head else 0)
        assert any(placed.standing == "in effect" for placed in written)
        ends.update(placed.standing for placed in written)
        ends.update("none written" for _ in range(RACERS - len(written)))
    with capsys.disabled():
        print(f"\n  {pointer}: {ROUNDS} rounds of {RACERS}: {dict(ends)}")  # noqa: T201 - the figure is what is asked for
    assert ends["in effect"] == ROUNDS
    assert ROUNDS < 3 or ends["lost"] > 0  # otherwise nobody raced
