"""Signed decisions and second persons: who may, and what counts afterwards."""

from dataclasses import replace

import pytest

from gatekit.attest.decision import EXTENSION, SVR, sign_decision, statement_of
from gatekit.attest.envelope import parse
from gatekit.errors import PromotionRefused
from gatekit.promotion.approval import approve
from gatekit.promotion.history import history_lines, history_records, served_at
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.reverify import reconcile, reverify
from gatekit.promotion.status import status_lines
from gatekit.promotion.trusted import NOT_TRUSTED, Judge

from .office import FAILED, KEYS, NAME, Office, refused


def test_a_decision_is_a_statement_over_the_entry(office):
    office.promote(office.world.add())
    entry = office.world.journal.in_effect("staging")
    content = statement_of(parse(entry.decision.encode()))
    assert content["predicateType"] == SVR
    assert content["subject"] == [
        {"name": "models:/churn-model/1", "digest": {"sha256": entry.digest}}
    ]
    said = content["predicate"]
    assert said["properties"] == ["GATEKIT_PROMOTE_STAGING"]
    assert said["verifier"]["policies"] == [{"digest": {"sha256": office.world.policy.digest}}]
    kept = entry.to_fields()
    del kept["decision"]
    assert said[EXTENSION] == kept
    assert office.world.journal.check_chain() == []
    assert "signed by ci (" in office.status()


@pytest.mark.parametrize("key", ["", "mallory"])
def test_without_a_trusted_key_nothing_is_written(office, key):
    version = office.world.add()
    office.world.registry.before = lambda verb: pytest.fail(f"wrote: {verb}")
    wanted = "none that the policy trusts" if key else "no signing key is at hand"
    assert wanted in refused(office.promote, version, key)
    assert wanted in refused(office.rollback, key)
    assert wanted in refused(office.revoke, version, key)


def test_each_role_is_asked_for(office):
    version = office.world.add(gates=FAILED)
    override = office.world.override("accuracy")
    assert "may not override" in refused(office.promote, version, "ci", override=override)
    assert "may not revoke" in refused(office.revoke, version, "ci")
    assert office.promote(version, "boss", override=override).state == "moved"


def test_a_forged_entry_is_given_up_and_never_carried_out(office):
    good, bad = office.world.add(), office.world.add(gates=FAILED)
    office.promote(good)
    office.forge(version=bad, digest=office.desk().digest(bad))
    notes = reconcile(office.desk())
    assert "gave up entry #3" in notes[0]
    assert "it is not signed" in notes[0]
    assert office.world.holder() == good
    assert reconcile(office.desk()) == ["nothing to do"]


def test_a_forged_holder_is_marked_and_is_no_rung_and_no_way_back(office):
    good, bad, new = office.world.add(), office.world.add(), office.world.add()
    office.promote(good)
    forged = office.forge(version=bad, digest=office.desk().digest(bad))
    office.world.registry.move(NAME, "staging", bad, office.world.policy.pointer)
    office.desk("").close(forged, "done", office.world.journal)
    assert NOT_TRUSTED in office.status()
    judge = Judge.of(office.world.policy)
    assert any(NOT_TRUSTED in line for line in history_lines(office.world.journal, judge))
    (then,) = served_at(office.world.journal, office.world.now, judge)
    assert f"version {bad} (#3" in then
    assert f"{NOT_TRUSTED}: it is not signed" in then
    office.world.file(bad, {"load": "PASSED"})
    words = refused(office.promote, bad, target="production")
    assert "held 'staging' by an entry that no trusted key has signed" in words
    lines, well = reverify(office.desk(), office.world.policy, "staging")
    assert not well
    assert "does not count: it is not signed" in lines[1]
    office.promote(new)
    done = office.rollback()
    assert done.version == good
    assert "skipped #3: version 2: it is not signed" in done.notes[0]


@pytest.mark.parametrize("field", ["version", "digest", "by", "reason", "policy", "expects"])
def test_a_changed_field_is_found_by_the_decision(office, field):
    office.promote(office.world.add())
    kept = office.world.registry._journals["churn-model.journal"][0]
    kept[field] = "7" if field == "expects" else "other"
    journal = office.world.journal
    assert "says something else" in Judge.of(office.world.policy).why_not(
        journal.entries[0], journal
    )
    assert any("#1: its signed decision says something else" in p for p in journal.check_chain())


def test_a_decision_of_another_model_and_a_repetition_do_not_count(office):
    office.promote(office.world.add())
    journal, judge = office.world.journal, Judge.of(office.world.policy)
    first = journal.entries[0]
    assert judge.why_not(first, journal) == ""
    assert "another model" in replace(judge, name="fraud-model").why_not(first, journal)
    again = replace(first, number=9)
    assert judge.why_not(again, journal) == "it repeats #1"


def test_an_approved_override(strict):
    version = strict.world.add(gates=FAILED)
    raw, override = strict.request(version, "accuracy")
    alone = "no second person has approved"
    assert alone in refused(strict.promote, version, "boss", override=override)
    assert alone in refused(strict.promote, version, override=override, approval=raw.decode())
    signed = approve(raw, KEYS["boss"]).decode()
    assert strict.promote(version, override=override, approval=signed).state == "moved"
    entry = strict.world.journal.in_effect("staging")
    assert entry.approval == signed
    assert Judge.of(strict.world.policy).why_not(entry, strict.world.journal) == ""


def test_the_approver_is_neither_who_asks_nor_who_promotes(strict):
    version = strict.world.add(gates=FAILED)
    raw, override = strict.request(version, "accuracy")
    both = approve(raw, KEYS["boss"]).decode()
    words = refused(strict.promote, version, "boss", override=override, approval=both)
    assert "no second person" in words
    stranger = approve(raw, KEYS["mallory"]).decode()
    words = refused(strict.promote, version, override=override, approval=stranger)
    assert "no second person" in words
    mine, override = strict.request(version, "accuracy", key="boss")
    twice = approve(mine, KEYS["boss"]).decode()
    assert "no second person" in refused(strict.promote, version, override=override, approval=twice)


@pytest.mark.parametrize("change", ["version", "gates", "reason", "expiry", "bytes"])
def test_an_approval_covers_what_was_asked_and_nothing_else(strict, change):
    version, other = strict.world.add(gates=FAILED), strict.world.add(gates=FAILED)
    raw, override = strict.request(version, "accuracy")
    signed = approve(raw, KEYS["boss"]).decode()
    if change == "gates":
        override = replace(override, gates=("accuracy", "fairness"))
    elif change == "reason":
        override = replace(override, reason="because")
    elif change == "expiry":
        override = replace(override, expires=strict.world.override("accuracy", days=9).expires)
    elif change == "bytes":
        strict.world.registry.overwrite(NAME, version, {"MLmodel": b"evil"})
    asked = other if change == "version" else version
    words = refused(strict.promote, asked, override=override, approval=signed)
    assert f"its approval is for another {change}" in words
    assert strict.world.holder() == ""


def test_a_rollback_loads_the_version_first(office):
    old, new = office.world.add(), office.world.add()
    office.promote(old)
    office.promote(new)
    entries = len(office.world.journal.entries)
    words = refused(office.rollback, loads=lambda folder: "it wants numpy 1")
    assert "it cannot be loaded: it wants numpy 1" in words
    assert (office.world.holder(), len(office.world.journal.entries)) == (new, entries)
    seen = []
    assert office.rollback(loads=lambda f: seen.append((f / "MLmodel").read_bytes()) or "").version
    assert seen == [b"flavors: {}"]


@pytest.mark.parametrize("how", [{}, {"to": "1"}, {"now": True}])
def test_bytes_that_changed_are_never_loaded(office, how):
    old, new = office.world.add(), office.world.add()
    office.promote(old)
    office.promote(new)
    office.world.registry.overwrite(NAME, old, {"MLmodel": b"flavors: {}", "model.pkl": b"evil"})
    words = refused(office.rollback, loads=lambda folder: pytest.fail("loaded"), **how)
    assert "version 1 has other bytes" in words


def test_what_was_served_at_a_date(office):
    one, two = office.world.add(), office.world.add()
    start = office.world.now
    office.promote(one)
    between = office.world.now
    office.world.later(days=1)
    office.promote(two)
    assert "nothing was promoted" in served_at(office.world.journal, start)[0]
    assert "staging: version 1 (#1, promote by ana" in served_at(office.world.journal, between)[0]
    now = served_at(office.world.journal, office.world.now)
    assert "staging: version 2" in now[0]


def test_a_comparison_with_a_champion_that_is_no_holder_any_more(world):
    one, two, three = world.add(), world.add(), world.add()
    world.promote(one)
    report = world.report

    def against(*args, **named):
        made = report(*args, **named)
        return replace(made, champion={"version": one, "title": "1", "digest": "x"})

    world.report = against
    world.file(three)
    world.promote(two)
    with pytest.raises(PromotionRefused) as caught:
        world.promote(three)
    assert "accuracy: compared with version 1, version 2 holds 'staging' now: gate again" in (
        caught.value.reasons
    )
    world.rollback()
    assert world.promote(three).state == "moved"


def test_a_pointer_that_is_a_model_of_its_own(fresh_world):
    world = fresh_world("copy")
    office = Office(world)
    one, two = world.add(), world.add()
    office.promote(one)
    office.promote(two)
    assert world.registry.holder(NAME, "churn-model-staging", "copy").version == two
    assert office.desk().holder("staging") == two
    assert office.rollback().version == one
    assert office.rollback(to=two, now=False).version == two
    assert office.rollback(now=True).version == one
    reconcile(office.desk())
    sources = [v.source[-1] for v in world.registry.versions("churn-model-staging")]
    assert sources == ["1", "2", "1", "2", "1"]
    world.registry.register("churn-model-staging", {"MLmodel": b"by hand"})
    assert "UNPROVED HOLDER" in office.status()


def test_records_say_whom_to_trust(office):
    good, bad = office.world.add(), office.world.add()
    office.promote(good)
    office.forge(version=bad, digest=office.desk().digest(bad))
    judge = Judge.of(office.world.policy)
    said = history_records(office.world.journal, judge)
    assert [(r["kind"], r["trusted"]) for r in said] == [
        ("promote", True),
        ("done", None),
        ("promote", False),
    ]
    assert said[2]["untrusted_why"] == "it is not signed"
    assert {r["trusted"] for r in history_records(office.world.journal)} == {None}


def test_a_long_journal_is_judged_in_one_pass(office, monkeypatch):
    """Each entry's content is taken twice at most, not once for every other entry."""
    office.promote(office.world.add())
    first = office.world.journal.entries[0]
    many = []
    for number in range(1, 301):
        entry = replace(first, number=number, by=f"ana {number}", decision="")
        many.append(replace(entry, decision=sign_decision(NAME, entry.to_fields(), KEYS["ci"])))
    journal = Journal((*many, replace(many[0], number=301)))
    judge = Judge.of(office.world.policy)
    taken, content = [], Entry.content.fget
    counting = property(lambda entry: taken.append(entry.number) or content(entry))
    monkeypatch.setattr(Entry, "content", counting)
    whys = [judge.why_not(entry, journal) for entry in journal.entries]
    assert len(taken) == 2 * len(journal.entries)
    assert whys == [""] * 300 + ["it repeats #1"]


def test_status_shows_no_failure_that_anyone_may_have_written(world):
    Office(world)
    world.add(gates=FAILED)
    signed = status_lines(world.registry, world.policy, NAME, world.clock)
    assert any("version 1," in line and "FAILED" in line for line in signed)
    for forger in (None, KEYS["mallory"]):
        world.later(seconds=1)
        world.attester = forger
        world.add(gates=FAILED)
    assert status_lines(world.registry, world.policy, NAME, world.clock)[1:] == signed[1:]
