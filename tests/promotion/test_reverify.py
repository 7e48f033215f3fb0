"""What is deployed, looked at again: what has changed, what has expired, what a hand has moved."""

import pytest

from gatekit.promotion.history import history_lines
from gatekit.promotion.reverify import reverify

from .office import FAILED, NAME, Office, refused


def test_reverify_finds_what_changed_and_rolls_back_where_the_policy_says(world):
    office = Office(world, on_failure="rollback")
    old, new = world.add(), world.add()
    office.promote(old)
    office.promote(new)
    assert reverify(office.desk(), world.policy, "staging") == (["staging: version 2, ok"], True)
    world.registry.overwrite(NAME, new, {"MLmodel": b"evil"})
    lines, well = reverify(office.desk(), world.policy, "staging")
    assert not well
    assert "version 2 has other bytes" in lines[1]
    assert world.holder() == old
    world.later(days=31)
    lines, well = reverify(office.desk(), world.policy, "staging")
    assert not well
    assert "older than 30 days" in lines[1]
    assert world.holder() == old  # age takes nobody's pointer away


def test_reverify_reports_only_by_default(office):
    version = office.world.add(gates=FAILED)
    office.promote(version, "boss", override=office.world.override("accuracy", days=1))
    office.world.later(days=2)
    lines, well = reverify(office.desk(), office.world.policy)
    assert not well
    assert "the override it rests on expired" in " ".join(lines)
    assert office.world.holder() == version
    lines = history_lines(office.world.journal, None, office.world.clock())
    assert any("OVERRIDE EXPIRED" in line for line in lines)


def test_a_pass_that_expired_blocks_promotions_and_no_rollback(office):
    old, new = office.world.add(), office.world.add()
    office.promote(old)
    office.promote(new)
    office.world.later(days=31)
    assert office.rollback().version == old
    assert "its proof expired" in refused(office.promote, new)
    assert office.rollback(to=new).version == new
    assert office.rollback(now=True).version == old


@pytest.mark.parametrize("known", [True, False])
def test_reverify_leaves_a_pointer_that_was_moved_by_hand(world, known):
    office = Office(world, on_failure="rollback")
    old, new, other = world.add(), world.add(), world.add()
    if known:
        office.promote(old)
        office.promote(new)
        office.revoke(new)
    world.registry.move(NAME, "staging", other, world.policy.pointer)
    entries = len(world.journal.entries)
    lines, well = reverify(office.desk(), world.policy, "staging")
    assert not well
    assert ("the journal says version 2" if known else "no entry of the journal") in lines[1]
    assert (world.holder(), len(world.journal.entries)) == (other, entries)
