"""Status and history, as they are read at three in the morning."""

import json
from dataclasses import replace

import pytest

from gatekit.errors import NotFound
from gatekit.promotion.history import history_lines, history_records
from gatekit.promotion.revoke import revoke
from gatekit.promotion.status import status_lines

FAILED = {"accuracy": "FAILED", "latency": "PASSED"}


def status(world):
    lines = status_lines(world.registry, world.policy, "churn-model", world.clock)
    assert len(lines) <= 24
    assert all(len(line) <= 80 and line.isascii() and line.isprintable() for line in lines)
    return " ".join(" ".join(lines).split())


def test_a_model_that_nobody_promoted(world):
    world.add()
    assert "churn-model: 1 version, newest 1; policy sha256:" in status(world)
    assert "staging holder nobody yet production holder nobody yet refused nothing" in status(world)


def test_a_proved_holder_and_the_way_back(world):
    world.promote(world.add())
    assert "no earlier holder on proof to go back to" in status(world)
    world.promote(world.add(), by="rosa")
    world.add(gates=FAILED)
    text = status(world)
    assert "version 2 since 2026-11-23 12:02 UTC, promote by rosa" in text
    assert "proof reports run2; bytes sha256:" in text
    assert "agrees with the journal (#3)" in text
    assert "gatekit rollback churn-model --stage staging (to 1)" in text
    assert "refused version 3, 2026-11-23 12:03 UTC: FAILED accuracy: accuracy fell short" in text


def test_an_override_with_its_end(world):
    world.promote(world.add(gates=FAILED), override=world.override("accuracy", days=1))
    assert "OVERRIDE of accuracy until 2026-11-24 12:01 UTC: the campaign cannot wait" in status(
        world
    )
    world.later(days=2)
    assert "EXPIRED 2026-11-24" in status(world)


def test_a_hand_is_shown(world):
    version, byhand = world.add(), world.add()
    world.registry.move("churn-model", "staging", byhand, world.policy.pointer)
    assert "UNPROVED HOLDER: no entry of the journal" in status(world)
    world.promote(version)
    world.registry.move("churn-model", "staging", byhand, world.policy.pointer)
    text = status(world)
    assert "UNPROVED HOLDER: the journal says version 1 (#1)" in text
    assert "--stage staging (to 1)" in text


def test_an_open_intent_is_shown(world):
    version = world.add()

    def crash(verb):
        if verb == "move":
            raise KeyboardInterrupt

    world.registry.before = crash
    with pytest.raises(KeyboardInterrupt):
        world.promote(version)
    assert "UNFINISHED entry #1 (promote of version 1 to 'staging' by ana)" in status(world)
    assert "UNFINISHED" in history_lines(world.journal)[0]


def test_a_bad_day_fits_one_screen(fresh_world):
    """Three targets, a revocation, overrides with long reasons, a report with many."""
    world = fresh_world()
    world.policy = replace(
        world.policy, promotion={**world.policy.promotion, "canary": world.policy.target("staging")}
    )
    version = world.add(gates=FAILED)
    long = "because " + "the campaign cannot wait " * 18
    for target, gates in (("staging", ["accuracy"]), ("canary", ["accuracy"])):
        world.promote(version, target, override=world.override(*gates, reason=long))
    revoke(("churn-model", version, long, "rosa"), world.registry, world.policy, world.clock)
    gates = {gate: "FAILED" for gate in ("accuracy", "latency", "load", "fairness", "robustness")}
    world.add(gates=gates)
    assert "and 2 more, run run2" in status(world)


def test_a_broken_chain_and_hostile_text(world):
    version = world.add()
    world.promote(version, by="ana\x1b[31m\nroot")
    world.registry._journals["churn-model.journal"][0]["reason"] = "rewritten"
    world.registry.tag("churn-model", version, "gatekit.report.x", "no json")
    text = status(world)
    assert "JOURNAL does not hold together: #1 is not what #2 saw" in text
    assert "ana\\x1b[31m root" in text
    assert history_lines(world.journal)[-1] == "PROBLEM  #1 is not what #2 saw: it was changed"


def test_an_unknown_model(world):
    with pytest.raises(NotFound):
        status_lines(world.registry, world.policy, "churn-model")


def test_history_tells_who_and_why(world):
    first, second, failed = world.add(), world.add(), world.add(gates=FAILED)
    world.promote(first)
    world.registry.before = lambda verb: (
        setattr(world.registry, "before", lambda verb: None),
        world.promote(second, by="rosa"),
    )
    with pytest.raises(Exception, match="lost to #3"):
        world.promote(failed, override=world.override("accuracy"))
    world.rollback(reason="weeps")
    lines = history_lines(world.journal)
    assert "ana  promote  staging: nobody -> 1" in lines[0]
    assert "proof: run1" in lines[1]
    assert "rosa  promote  staging: 1 -> 2" in lines[2]
    assert "override  staging: 2 -> 3  lost to #3" in lines[4]
    assert "override of accuracy until" in lines[5]
    assert "rollback  staging: 2 -> 1  (in effect)" in lines[6]
    assert "weeps; back to #1; proof: run1" in lines[7]
    records = json.loads(json.dumps(history_records(world.journal)))
    assert [r["standing"] for r in records if r["kind"] == "override"] == ["lost"]


def test_an_empty_history(world):
    assert history_lines(world.journal) == ["nothing was ever promoted by this journal"]
