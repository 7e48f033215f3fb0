"""What /health says of the journal."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from gatekit.promotion.journal import Entry, Journal
from gatekit_service.journal import ask_journal, said_of
from gatekit_service.settings import Settings

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
