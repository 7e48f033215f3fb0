"""An override that is over while it is in force shows everywhere; one that was not needed stays."""

import pytest

from gatekit.promotion.approval import approve
from gatekit.promotion.history import history_lines, history_records
from gatekit.promotion.journal import Journal
from gatekit.promotion.reverify import reverify
from gatekit.promotion.verify import Question, verified, verify

from .office import FAILED, KEYS, NAME, Office, refused


@pytest.fixture
def office(world):
    """Version 1 holds staging by an override of one day."""
    made = Office(world)
    made.version = world.add(gates=FAILED)
    made.promote(made.version, "boss", override=world.override("accuracy", days=1))
    return made


def history(office):
    return [line.strip() for line in history_lines(office.world.journal, None, office.world.now)]


def test_history_shows_that_it_is_over(office):
    assert not any("EXPIRED" in line for line in history(office))
    office.world.later(days=2)
    assert "OVERRIDE EXPIRED 2026-11-24 12:01 UTC" in history(office)


def test_history_says_so_for_machines(office):
    def expired():
        records = history_records(office.world.journal, None, office.world.now)
        return [record["expired"] for record in records if record["kind"] == "override"]

    assert expired() == [False]
    office.world.later(days=2)
    assert expired() == [True]
    office.promote(office.world.add())
    assert expired() == [False]  # it is in force no more


def overrides_of(office):
    w = office.world
    steps = verify(Question(NAME, office.version, ("staging",)), w.registry, w.policy, w.clock)
    return verified(steps), [s.state for s in steps if s.name == "overrides"]


def test_verify_fails_once_it_is_over(office):
    assert overrides_of(office) == (True, ["ok"])
    office.world.later(days=2)
    assert overrides_of(office) == (False, ["FAILED"])


def test_status_shows_that_it_is_over(office):
    assert "OVERRIDE of accuracy until 2026-11-24" in office.status()
    office.world.later(days=2)
    assert "OVERRIDE of accuracy EXPIRED 2026-11-24" in office.status()


def test_reverify_finds_that_it_is_over(office):
    assert reverify(office.desk(), office.world.policy, "staging")[1]
    office.world.later(days=2)
    lines, well = reverify(office.desk(), office.world.policy, "staging")
    assert not well
    assert "the override it rests on expired 2026-11-24" in lines[1]


def test_one_that_was_not_needed_leaves_its_record(world):
    """As an override, signed in that role, with its gates, reason and end."""
    office = Office(world)
    version = world.add()
    done = office.promote(version, "boss", override=world.override("accuracy", reason="in haste"))
    assert not any(each.overridden for each in done.requirements)
    entry = world.journal.in_effect("staging")
    assert (entry.kind, entry.overridden, entry.reason) == ("override", ("accuracy",), "in haste")
    assert entry.reports == ("run1",)
    assert entry.expires.startswith("2026-11-30")
    shown = " ".join(" ".join(history_lines(world.journal)).split())
    assert "override staging: nobody -> 1" in shown
    assert "override of accuracy until 2026-11-30" in shown
    assert "in haste" in shown
    assert "OVERRIDE of accuracy until 2026-11-30" in office.status()


def test_one_that_was_not_needed_leaves_its_record_over_a_proven_holder(world):
    office = Office(world)
    version = world.add()
    office.promote(version)
    done = office.promote(version, "boss", override=world.override("accuracy"))
    assert (done.state, done.before) == ("moved", version)
    kinds = [entry.kind for entry in Journal.read(world.registry, NAME).entries]
    assert kinds == ["promote", "done", "override", "done"]
    assert office.promote(version).state == "moved"  # on proof again
    assert world.journal.in_effect("staging").kind == "promote"


def test_an_approval_can_be_used_again_until_its_end(world):
    office = Office(world, second_person=True)
    proven, version = world.add(), world.add(gates=FAILED)
    office.promote(proven)
    raw, override = office.request(version, "accuracy")
    signed = approve(raw, KEYS["boss"]).decode()
    for _ in range(2):
        assert office.promote(version, override=override, approval=signed).state == "moved"
        assert office.rollback().version == proven
    world.later(days=8)
    assert "the override expired" in refused(
        office.promote, version, override=override, approval=signed
    )


@pytest.mark.parametrize(
    ("gates", "ends"),
    [
        (FAILED, True),
        ({"robustness": "FAILED"}, True),  # nor does it end an older pass in silence
        ({"accuracy": "INCONCLUSIVE", "latency": "PASSED"}, True),
        ({"latency": "PASSED"}, False),
        ({"accuracy": "INCOMPLETE"}, False),  # a chosen part proves nothing
    ],
)
def test_an_approval_does_not_reach_a_run_that_came_after_it(world, gates, ends):
    office = Office(world, second_person=True)
    version = world.add(gates=FAILED)
    raw, override = office.request(version, "accuracy")
    signed = approve(raw, KEYS["boss"]).decode()
    run = world.file(version, gates)
    if not ends:
        office.promote(version, override=override, approval=signed)
        assert world.holder() == version
        return
    words = refused(office.promote, version, override=override, approval=signed)
    assert f"run {run} of 2026-11-23 12:02 UTC is" in words
    assert "and the override was asked for before, at 2026-11-23 12:01 UTC: ask again" in words


def test_a_stranger_cannot_end_an_approval(world):
    office = Office(world, second_person=True)
    version = world.add(gates=FAILED)
    raw, override = office.request(version, "accuracy")
    world.attester = KEYS["mallory"]
    world.file(version, FAILED)
    signed = approve(raw, KEYS["boss"]).decode()
    assert office.promote(version, override=override, approval=signed).state == "moved"
