"""What the service believes where it was given a policy with keys, and what it shows of the journal."""

import random
import threading
from datetime import timedelta

import pytest

from gatekit.attest.keys import generate
from gatekit.errors import GatekitError, PolicyError
from gatekit.times import iso, utc_now
from gatekit_service import journal as journal_of_the_service
from gatekit_service.__main__ import main
from gatekit_service.looking import NO_KEY

CI, MALLORY = generate(), generate()


def ago(**by):
    return iso(utc_now() - timedelta(**by))


def test_health_shows_who_gave_the_pointer_and_a_hand_that_moved_it(world, follow):
    first, second = world.register(t=0.0), world.register(t=5.0)
    world.enter(first)
    watcher, state = follow()
    watcher.look()
    assert state.health()[1]["journal"] == "agrees (#1)"
    world.point(second)
    watcher.look()
    health = state.health()[1]
    assert (health["version"], health["journal"]) == (
        second,
        "unproved holder: #1 names version 1",
    )


@pytest.mark.parametrize(("ends", "state"), [(-1, "in force"), (1, "expired")])
def test_health_shows_an_override_and_whether_its_time_is_over(world, follow, ends, state):
    version = world.register()
    until = ago(days=ends)
    world.enter(version, kind="override", overridden=("accuracy",), reason="tariff", expires=until)
    watcher, shown = follow()
    watcher.look()
    (override,) = shown.health()[1]["overrides"]
    assert override == {
        "gates": ["accuracy"],
        "reason": "tariff",
        "expires": until,
        "state": state,
    }


def test_a_journal_that_hangs_holds_up_no_swap(world, follow, monkeypatch):
    first, second = world.register(t=0.0), world.register(t=5.0)
    world.enter(first)
    go, asked = threading.Event(), []
    entries = world.registry.entries

    def hangs(name):
        asked.append(name)
        go.wait(30)
        return entries(name)

    monkeypatch.setattr(journal_of_the_service, "PATIENCE_S", 0.05)
    monkeypatch.setattr(world.registry, "entries", hangs)
    watcher, state = follow()
    for version in (first, second, first):
        world.point(version)
        watcher.look()
        health = state.health()[1]
        assert (health["status"], health["version"]) == ("ok", version)
        assert health["journal"] == "not read: no answer within 0.05 s"
    assert len(asked) == 1  # no second question while the first is open
    go.set()
    watcher._looker._journal._thread.join(10)
    monkeypatch.setattr(journal_of_the_service, "PATIENCE_S", 10)
    watcher.look()
    assert state.health()[1]["journal"] == "agrees (#1)"


def test_following_the_pointer_leaves_the_dice_of_the_program_alone(world, follow):
    watcher, _ = follow(poll_seconds=0.01)
    before = random.getstate()
    watcher.start()
    threading.Event().wait(0.1)
    watcher.stop()
    assert random.getstate() == before


def test_with_keys_only_a_signed_report_is_proof(world, follow):
    unsigned, foreign, good = world.register(t=0.0), world.register(t=1.0), world.register(t=5.0)
    world.gate(unsigned, created=ago(days=1))
    world.gate(foreign, created=ago(days=1), signer=MALLORY)
    run = world.gate(good, created=ago(days=1), signer=CI)
    watcher, state = follow(verify="enforce", gates=world.policy(ci=CI))
    for version, why in ((unsigned, "it is not signed"), (foreign, "has signed it")):
        world.point(version)
        watcher.look()
        assert state.served is None
        assert "counts by the keys of the policy" in state.last_error
        assert why in state.last_error
    world.point(good)
    watcher.look()
    proof = state.health()[1]["proof"]
    assert (proof["report"], proof["outcome"]) == (run, "PASSED")
    assert proof["expires"] > iso(utc_now())


def test_what_was_served_without_keys_is_not_resumed_as_if_they_had_judged_it(world, follow):
    version = world.register()
    world.gate(version)
    world.point(version)
    follow(verify="enforce")[0].look()
    world.down = GatekitError("the registry does not answer")
    watcher, state = follow(verify="enforce", gates=world.policy(ci=CI))
    watcher.look()
    assert state.served is None


def test_with_keys_an_entry_that_none_of_them_signed_gives_nothing(world, follow):
    version = world.register()
    world.enter(version, signer=MALLORY)
    watcher, state = follow(verify="warn", gates=world.policy(ci=CI))
    watcher.look()
    said = state.health()[1]["journal"]
    assert said.startswith("unproved holder: #1 is NOT SIGNED BY A TRUSTED KEY")
    other = world.register(t=5.0)
    world.enter(other, signer=CI)
    watcher.look()
    assert state.health()[1]["journal"] == "agrees (#2)"


def test_a_revocation_that_no_trusted_key_signed_is_not_shown(world, follow):
    version = world.register()
    world.enter(version, signer=CI)
    world.enter(version, signer=MALLORY, kind="revoke")
    watcher, state = follow(verify="warn", gates=world.policy(ci=CI))
    watcher.look()
    assert state.health()[1]["journal"] == "agrees (#1)"
    world.enter(version, signer=CI, kind="revoke")
    watcher.look()
    assert state.health()[1]["journal"] == "agrees (#1), but revoked"


def test_revoked_bytes_are_not_swapped_in_and_stay_where_they_serve(world, follow):
    old, new = world.register(t=0.0), world.register(t=5.0)
    for version in (old, new):
        world.gate(version, created=ago(days=1), signer=CI)
    world.enter(new, signer=CI, kind="revoke", reason="trained on leaked labels")
    world.enter(old, signer=CI)
    watcher, state = follow(verify="enforce", gates=world.policy(ci=CI))
    watcher.look()
    world.enter(new, signer=CI)
    watcher.look()
    assert state.served.version == old
    assert "were revoked (#1): trained on leaked labels" in state.last_error
    world.enter(old, signer=CI, kind="revoke", reason="too")
    world.point(old)
    watcher.look()
    assert (state.served.version, state.last_error) == (old, None)


def test_a_proof_that_has_expired_blocks_a_swap_and_no_restart_and_no_rollback(world, follow):
    old, new = world.register(t=0.0), world.register(t=5.0)
    world.gate(old, created=ago(days=60), signer=CI, days=30)
    world.gate(new, created=ago(days=1), signer=CI)
    gates = world.policy(ci=CI)
    world.enter(old, signer=CI)
    watcher, state = follow(verify="enforce", gates=gates)
    watcher.look()
    assert state.served.version == old  # a start with the holder
    world.enter(new, signer=CI)
    watcher.look()
    assert state.served.version == new
    world.enter(old, signer=CI)
    watcher.look()
    assert state.served.version == new
    assert "version 1 is not served: its proof expired" in state.last_error
    world.enter(new, signer=CI)
    watcher.look()
    assert state.last_error is None
    world.enter(old, signer=MALLORY, kind="rollback")
    watcher.look()
    assert state.served.version == new
    world.enter(new, signer=CI)
    watcher.look()
    world.enter(old, signer=CI, kind="rollback")
    watcher._refused = (NO_KEY, 0.0, "")  # its patience with what it refused is over
    watcher.look()
    assert (state.served.version, state.last_error) == (old, None)


def test_a_policy_that_cannot_be_used_is_told_at_the_start(world, follow, monkeypatch, capsys):
    with pytest.raises(PolicyError):
        follow(gates=world.root / "none.toml")
    monkeypatch.setenv("GATEKIT_MODEL", "another-model")
    monkeypatch.setenv("GATEKIT_GATES", str(world.policy(ci=CI)))
    assert main() == 2
    assert "the policy is for 'churn-model'" in capsys.readouterr().err


def test_a_pointer_that_is_a_model_of_its_own_is_followed(world, follow):
    first, second = world.register(t=0.0), world.register(t=5.0)
    for version in (first, second):
        world.gate(version)
    copies = f"{world.settings().model}-production"
    watcher, state = follow(pointer="copy", stage="production", verify="enforce")
    watcher.look()
    assert "nobody holds" in state.last_error
    for version in (first, second, first):
        world.registry.move("churn-model", copies, version, "copy")
        watcher.look()
        assert (state.served.version, state.last_error) == (version, None)
    world.registry.register(copies, world.files(second))  # by hand: nothing gated it there
    watcher.look()
    assert state.served.version == first
    assert "never gated" in state.last_error
    warned, loose = follow(pointer="copy", stage="production", verify="warn")
    warned.look()
    health = loose.health()[1]
    assert (health["version"], health["digest"]) == (f"{copies}/4", world.digest(second))
    assert health["journal"].startswith("unproved holder")
    world.registry.clear(
        "churn-model", copies, "copy"
    )  # the copies go, what a hand put there stays
    warned.look()
    assert loose.served.version == f"{copies}/4"


def test_a_policy_with_keys_enforces_proof_unless_told_otherwise(world, follow):
    world.point(world.register())
    watcher, state = follow(gates=world.policy(ci=CI))
    watcher.look()
    assert state.served is None
    assert "never gated" in state.last_error
    watcher, state = follow(gates=world.policy())
    watcher.look()
    assert state.served.version == "1"
