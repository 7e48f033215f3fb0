"""`gatekit verify`: every step of the proof, and what each of them sees."""

import base64
import json

import pytest

from gatekit.promotion.verify import verified
from gatekit.uses import Uses

from .conftest import USES
from .signing import BOTH, NAME


def state(signed, name, **ask):
    return {step.state for step in signed.steps(**ask) if step.name == name}


def uses_as(raw):
    """A report and its payload that say this of the uses of the test set."""
    return lambda payload: payload.replace(json.dumps(USES.as_dict()).encode(), raw)


def test_the_uses_of_the_test_set_are_signed_and_verify_says_them(signed):
    run_id = signed.file()
    (said,) = [step for step in signed.steps() if step.name == "test set"]
    assert said.state == "ok"
    assert said.words == f"use 3 of the test set, 29 of 32 left, in run {run_id}"
    envelope = json.loads(signed.envelope(run_id))
    payload = base64.b64decode(envelope["payload"])
    fewer = payload.replace(b'"number": 3', b'"number": 1')
    assert fewer != payload
    envelope["payload"] = base64.b64encode(fewer).decode()
    signed.envelope(run_id, json.dumps(envelope).encode())
    assert state(signed, "signature") == {"FAILED"}
    assert state(signed, "test set") == {"skipped"}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{}", "no report says how often it was used"),
        (b"null", "no report says how often it was used"),
        (json.dumps(Uses(why="offline").as_dict()).encode(), "are not counted: offline"),
    ],
)
def test_a_use_that_was_not_counted_is_no_ok(signed, raw, words):
    signed.file(bend=uses_as(raw))
    (said,) = [step for step in signed.steps() if step.name == "test set"]
    assert said.state == "skipped"
    assert words in said.words


def test_verify_sees_a_pointer_that_was_moved_by_hand(signed):
    signed.file()
    signed.registry.move(NAME, "staging", signed.version, "alias")
    assert state(signed, "holder") == {"FAILED"}


def test_verify_sees_a_journal_that_was_changed(signed):
    signed.file()
    signed.promote()
    signed.registry._journals[f"{NAME}.journal"][0]["by"] = "mallory"
    assert state(signed, "journal") == {"FAILED"}


def test_verify_counts_an_override_while_it_is_in_force(signed):
    signed.file({"latency": "PASSED"})
    signed.promote(override=signed.world.override("accuracy", days=7))
    steps = signed.steps()
    assert verified(steps), [step.line() for step in steps]
    assert any("in force, accuracy until" in step.words for step in steps)
    signed.world.later(days=8)
    assert state(signed, "overrides") == {"FAILED"}
    assert not verified(signed.steps())


def test_verify_writes_nothing_and_needs_no_private_key(signed):
    signed.file()
    signed.promote()
    signed.world.promoter = None
    signed.registry.before = lambda verb: pytest.fail(f"wrote: {verb}")
    assert verified(signed.steps())


def test_verify_of_a_version_that_holds_nothing_skips_its_gates(signed):
    signed.file()
    assert state(signed, "gates") == {"skipped"}
    assert verified(signed.steps(targets=("staging",))) is True
    assert verified(signed.steps(targets=("production",))) is False


@pytest.mark.parametrize(
    "bad", [{"accuracy": "FAILED"}, {"accuracy": "INCONCLUSIVE"}, {"latency": "FAILED"}, {}]
)
def test_verify_of_a_version_that_holds_nothing_tells_what_it_failed(signed, bad):
    signed.file(BOTH if bad else {"accuracy": "INCOMPLETE"})
    if bad:
        assert state(signed, "outcome") == {"ok"}
        signed.file({"robustness": "PASSED", **bad})
        signed.file({"robustness": "PASSED", "accuracy": "INCOMPLETE"})
    assert state(signed, "outcome") == {"FAILED"}
    assert not verified(signed.steps())
