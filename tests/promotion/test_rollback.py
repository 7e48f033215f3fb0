"""Going back."""

import pytest

from gatekit.errors import PolicyError, PromotionRefused

FAILED = {"accuracy": "FAILED", "latency": "PASSED"}


def refused(world, **ask):
    with pytest.raises(PromotionRefused) as caught:
        world.rollback(**ask)
    return str(caught.value)


def test_back_to_the_holder_before(world):
    old, new = world.add(), world.add()
    world.promote(old)
    world.promote(new)
    done = world.rollback(reason="it weeps")
    assert (done.version, done.before) == (old, new)
    assert (
        world.holder() == old
    )  # in stage mode a client would get the higher number if it were left
    entry = world.journal.in_effect("staging")
    assert (entry.kind, entry.of, entry.reason, entry.reports) == (
        "rollback",
        1,
        "it weeps",
        ("run1",),
    )
    assert world.settled()
    assert "holds 'staging' again" in done.lines()[0]


def test_two_rollbacks_are_two_steps(world):
    one, two, three = world.add(), world.add(), world.add()
    for version in (one, two, three):
        world.promote(version)
    assert world.rollback().version == two
    assert world.rollback().version == one
    assert "no earlier holder" in refused(world)
    assert world.rollback(to=three).version == three
    assert world.rollback().version == two
    assert world.settled()


def test_overridden_holders_are_skipped(world):
    proved, overridden, new = world.add(), world.add(gates=FAILED), world.add()
    world.promote(proved)
    world.promote(overridden, override=world.override("accuracy"))
    world.promote(new)
    assert world.rollback().version == proved


def test_only_overridden_holders_before_is_a_refusal_that_names_them(world):
    overridden, new = world.add(gates=FAILED), world.add()
    world.promote(overridden, override=world.override("accuracy"))
    world.promote(new)
    assert "#1 gave it to version 1 by an override, which is no proof" in refused(world)
    assert world.holder() == new


def test_an_overridden_holder_can_be_named_and_stays_overridden(world):
    overridden, new = world.add(gates=FAILED), world.add()
    world.promote(overridden, override=world.override("accuracy"))
    world.promote(new)
    assert "by an override of accuracy" in world.rollback(to=overridden).lines()[-1]
    assert world.journal.in_effect("staging").overridden == ("accuracy",)


def test_a_holder_with_other_bytes_is_skipped_and_named(world):
    one, two, three = world.add(), world.add(), world.add()
    for version in (one, two, three):
        world.promote(version)
    world.registry.overwrite("churn-model", two, {"MLmodel": b"evil"})
    done = world.rollback()
    assert done.version == one
    assert "skipped #3: version 2 has other bytes" in done.notes[0]
    assert "has other bytes" in refused(world, to=two)


def test_a_deleted_holder_is_skipped_and_named(world):
    one, two = world.add(), world.add()
    world.promote(one)
    world.promote(two)
    world.registry.delete("churn-model", one)
    assert "skipped #1: version 1 is gone" in refused(world)
    assert world.holder() == two


def test_from_a_pointer_moved_by_hand_back_to_the_proven_holder(world):
    proved, byhand = world.add(), world.add()
    world.promote(proved)
    world.registry.move("churn-model", "staging", byhand, world.policy.pointer)
    assert world.rollback().version == proved
    assert world.settled()


def test_naming_the_proven_holder_accepts_what_a_hand_did(world):
    one, two = world.add(), world.add()
    world.promote(one)
    world.promote(two)
    world.registry.move("churn-model", "staging", one, world.policy.pointer)
    assert world.rollback(to=one).version == one
    assert world.settled()


def test_never_silently_nothing(world):
    one, never = world.add(), world.add()
    assert "no other version was ever promoted" in refused(world)
    world.promote(one)
    assert "no other version was ever promoted" in refused(world)
    assert "it holds it now" in refused(world, to=one)
    assert "it never held it by this journal" in refused(world, to=never)
    with pytest.raises(PolicyError):
        world.rollback("canary")
    assert len(world.journal.entries) == 2
