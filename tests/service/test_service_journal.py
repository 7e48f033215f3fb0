"""What /health says of the journal."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from gatekit.promotion.journal import Entry, Journal, journal_name
from gatekit_service import journal as journal_of_the_service
from gatekit_service.app import create_app
from gatekit_service.journal import ask_journal, said_of
from gatekit_service.settings import Settings

from .conftest import NAME, served, wait_for

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SERVED = SimpleNamespace(version="3", digest="aa")


def journal(**fields):
    kept = {"kind": "promote", "target": "production", "version": "3", "digest": "aa", **fields}
    return Journal((Entry(number=1, **kept),))


def test_it_agrees():
    said = said_of(journal(), "Production", SERVED, NOW)
    assert said == {"journal": "agrees (#1)", "overrides": []}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"version": "2"}, "#1 names version 2"),
        ({"digest": "bb"}, "with other bytes"),
        ({"target": "staging"}, "no entry gave it"),
    ],
)
def test_an_unproved_holder(fields, words):
    said = said_of(journal(**fields), "production", SERVED, NOW)["journal"]
    assert said.startswith("unproved holder: ")
    assert words in said


@pytest.mark.parametrize(
    ("expires", "state"),
    [("2026-11-24T00:00:00+00:00", "in force"), ("2026-11-23T00:00:00+00:00", "expired")],
)
def test_an_override_it_rests_on(expires, state):
    entry = {"kind": "override", "overridden": ("accuracy",), "reason": "r", "expires": expires}
    (override,) = said_of(journal(**entry), "production", SERVED, NOW)["overrides"]
    assert (override["gates"], override["state"]) == (["accuracy"], state)


def test_a_revocation_is_said():
    entries = (*journal().entries, Entry(number=2, kind="revoke", version="3", digest="aa"))
    assert "revoked" in said_of(Journal(entries), "production", SERVED, NOW)["journal"]


def test_a_journal_that_cannot_be_read_fails_nothing():
    class Dead:
        def entries(self, journal):
            raise OSError("no route")

    said = ask_journal(Dead(), Settings(model="m"), SERVED)
    assert said == {"journal": "not read: OSError", "overrides": []}


def test_a_copy_is_named_by_model_and_stage():
    assert Settings(model="churn", stage="prod", pointer="copy").spelled == "churn-prod"
    assert Settings(model="churn", pointer="copy", copied_to="live").spelled == "live"


def test_health_shows_an_override_from_the_moment_that_it_is_over(world, monkeypatch):
    """Asked over HTTP of the running app, which goes on serving: expiry blocks no holder."""
    version = world.register()
    ends = datetime.now(UTC) + timedelta(days=1)
    clock = SimpleNamespace(now=lambda zone: ends - timedelta(seconds=1))
    monkeypatch.setattr(journal_of_the_service, "datetime", clock)
    entry = Entry(
        kind="override",
        target="staging",
        version=version,
        digest=world.digest(version),
        by="ana",
        reason="the campaign",
        overridden=("accuracy",),
        expires=ends.isoformat(),
    )
    world.registry.append(journal_name(NAME), entry.to_fields())
    world.point(version)
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health()["status"] == "ok")
        (override,) = wait_for(lambda: client.health()["overrides"])
        assert (override["state"], override["gates"]) == ("in force", ["accuracy"])
        clock.now = lambda zone: ends + timedelta(seconds=1)
        wait_for(lambda: client.health()["overrides"][0]["state"] == "expired")
        assert client.health()["status"] == "ok"
        raw = json.dumps({"features": [[1, 0, 0, 0]]}).encode()
        status, said = client.post("/predict", raw, "application/json")
        assert (status, json.loads(said)["predictions"]) == (200, [1])
