"""A registry that stops answering at one request of a promotion or rollback, for good or once.

`GATEKIT_ROUNDS=200` tries every request; a spread of them by default.
"""

import os
import re
from itertools import count

import pytest

from gatekit.errors import NotFound, PromotionRefused, RegistryError

from .ground import Ground
from .proxy import proxy_before

pytestmark = pytest.mark.slow
STEP = 1 if int(os.environ.get("GATEKIT_ROUNDS", "0")) >= 200 else 6
OLD, MINE, OTHER = "1", "2", "3"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")


@pytest.fixture
def ground(mlflow_server, request, monkeypatch):
    """OLD was promoted once: a rollback to it is asked for again and again."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    made = Ground.with_versions(mlflow_server[0], request.param, 3)
    made.unproved = made.add(proved=False)
    made.promote(OLD)
    return made


both = pytest.mark.parametrize("ground", ["alias", "stage"], indirect=True)
every = pytest.mark.parametrize(
    "ground", ["alias", "stage", *(["copy"] if STEP == 1 else [])], indirect=True
)


@every
@pytest.mark.parametrize("command", ["promote", "rollback", *(["now"] if STEP == 1 else [])])
@pytest.mark.parametrize("mode", ["refuse", "silent", "error", "lost", "once"])
def test_an_outage_is_told_and_the_next_command_finishes(ground, command, mode, monkeypatch):
    for number in count(1, STEP):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        ground.promote(OTHER if command == "promote" else MINE)
        known = ground.journal.head.number
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1" if mode == "silent" else "5")
        with proxy_before(ground.uri, mode, number) as proxy:
            mine = ground.through(proxy.uri)
            error = done = None
            try:
                done = mine.do(command, MINE, OLD)
            except RegistryError as raised:
                error = raised
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        assert not isinstance(error, NotFound)
        entry = ground.journal.in_effect("staging")
        if not ground.journal.is_done(entry):
            assert entry.number > known
            told = "; ".join(done.notes) if done else str(error)
            assert re.search("What may be left open|is still open", told), (number, told)
        elif error is None:
            assert ground.problems() == []
            assert entry.version == (MINE if command == "promote" else OLD)
        with pytest.raises(PromotionRefused):
            ground.promote(ground.unproved, by="rosa")  # refused, and finishes what is open
        assert ground.problems() == [], (mode, number)
        if len(proxy.seen) < number:
            return
