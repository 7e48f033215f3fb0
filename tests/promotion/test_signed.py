"""Promotion where the policy trusts keys: what counts, what ends it, what was tried and refused."""

import base64
import json
import random
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekit.attest.envelope import IN_TOTO, sign
from gatekit.attest.keys import generate
from gatekit.attest.statement import gate_run_statement
from gatekit.decision import GateOutcome, GateResult
from gatekit.errors import CandidateError, PromotionRefused
from gatekit.estimate import Estimate
from gatekit.ledger import Check
from gatekit.policy import TrustedKey
from gatekit.promotion.verify import Question, verified, verify
from gatekit.registry import GateRunRecord
from gatekit.report.document import JSON_FILE, TAG_PREFIX, summary_tag
from gatekit.report.signed import STATEMENT_FILE
from gatekit.uses import Uses
from gatekit.verdict import Outcome, Verdict

from .conftest import USES

NAME = "churn-model"
BOTH = {"accuracy": "PASSED", "latency": "PASSED"}
DATA, OTHER_DATA = "da" * 32, "0d" * 32
CI, TEAM, FOREIGN, DESK = generate(), generate("p256"), generate(), generate()
PAGE = Path(__file__).parents[2] / "docs" / "attestation.md"


def trusted(key, *roles, **narrowed):
    return TrustedKey(public=key.public.pem, roles=roles or ("attest",), **narrowed)


@pytest.fixture
def signed(fresh_world):
    return Signed(fresh_world())


class Signed:
    """A world whose policy trusts CI and files signed statements."""

    def __init__(self, world):
        self.world, self.registry = world, world.registry
        self.trust(ci=trusted(CI))
        self.version = world.add(gates={})

    def trust(self, **keys):
        if keys:
            keys = {**keys, "desk": trusted(DESK, "promote", "override")}
        self.world.policy = replace(self.world.policy, keys=keys)
        self.world.promoter = DESK if keys else None

    def file(self, gates=BOTH, *, key=CI, days=30, bend=None, slow=(), data=DATA, **changed):
        """File a signed run; `bend` changes the statement before it is signed."""
        self.world.later(minutes=1)
        created = changed.pop("created", self.world.now)
        report = self.world.report(self.version, gates, **changed)
        report = replace(
            report, data={"sha256": data}, run={**report.run, "created": created.isoformat()}
        )
        report = too_slow(report, *slow)
        payload = gate_run_statement(report.document(), created, created + timedelta(days=days))
        payload = bend(payload) if bend else payload
        return self.keep(report, sign(payload, key) if key else b"")

    def keep(self, report, envelope):
        raw = report.to_json()
        files = {JSON_FILE: raw, STATEMENT_FILE: envelope}
        run_id = self.registry.attach(GateRunRecord("gates", {}, {}, {}), files)
        self.registry.tag(
            NAME, self.version, TAG_PREFIX + run_id, summary_tag(report, raw, envelope)
        )
        return run_id

    def envelope(self, run_id, raw=None):
        """The envelope of a run; with `raw`, put that in its place, and its sha256 in the tag."""
        record, files = self.registry._runs[run_id]
        if raw is not None:
            import hashlib

            key = TAG_PREFIX + run_id
            tag = json.loads(self.registry.version(NAME, self.version).tags[key])
            tag["statement"] = hashlib.sha256(raw).hexdigest()
            self.registry.tag(NAME, self.version, key, json.dumps(tag))
            self.registry._runs[run_id] = (record, {**files, STATEMENT_FILE: raw})
        return files[STATEMENT_FILE]

    def promote(self, **ask):
        return self.world.promote(self.version, **{"data_sha256": DATA, **ask})

    def refusal(self, **ask):
        with pytest.raises(PromotionRefused) as caught:
            self.promote(**ask)
        assert self.world.holder() == ""
        return "\n".join(caught.value.reasons)

    def steps(self, **ask):
        ask = Question(NAME, self.version, ask.pop("targets", None), DATA)
        return verify(ask, self.registry, self.world.policy, self.world.clock)


def too_slow(report, *gates):
    """The same report, with those gates failed by milliseconds alone."""
    for gate in gates:
        estimate = Estimate("p99", 60.0, 58.0, 63.0, 0.95, 1000, "order statistics", "ms", 299)
        slow = Verdict(Outcome.FAILED, "it cannot reach the bar")
        results = tuple(g for g in report.gates if g.gate != gate)
        failed = GateResult(gate, GateOutcome.FAILED, ("p99: it cannot reach the bar",))
        report = replace(
            report,
            outcome=GateOutcome.FAILED,
            gates=(*results, failed),
            checks=(*report.checks, Check(gate, "t", estimate, slow, "<=", 50.0, f"{gate}.p99_ms")),
        )
    return report


def test_a_signed_pass_gets_the_pointer_and_verifies(signed):
    signed.file()
    signed.promote()
    assert signed.world.holder() == signed.version
    steps = signed.steps()
    assert verified(steps), [step.line() for step in steps]
    assert {step.state for step in steps} == {"ok"}
    names = [step.name for step in steps]
    for name in ("signature", "role", "subject", "freshness", "not revoked", "journal", "holder"):
        assert name in names


def test_a_key_that_trusts_nobody_leaves_all_as_it_was(signed):
    signed.trust()
    signed.file(key=None)
    signed.promote()
    assert {step.state for step in signed.steps() if step.name in ("signature", "role")} == {
        "skipped"
    }


# Attacks on a version that is not proved: name -> (what the attacker does, a word of the refusal).


def swap_bytes(signed):
    signed.file()
    signed.registry.overwrite(NAME, signed.version, {"MLmodel": b"other"})


def rename_a_file(signed):
    signed.file()
    files = signed.registry._files[NAME, signed.version]
    renamed = {{"model.pkl": "model2.pkl"}.get(k, k): v for k, v in files.items()}
    signed.registry.overwrite(NAME, signed.version, renamed)


def looser_policy(signed):
    signed.file(policy="0" * 64)


def loosened_bar(signed):
    signed.file(loosened=("accuracy",))


def no_signature(signed):
    signed.file(key=None)


def foreign_key(signed):
    signed.file(key=FOREIGN)


def wrong_role(signed):
    signed.trust(ci=trusted(CI, "promote", "override", "revoke"))
    signed.file()


def wrong_gate(signed):
    signed.trust(ci=trusted(CI, gates=("latency",)))
    signed.file()


def wrong_target(signed):
    signed.trust(ci=trusted(CI, targets=("production",)))
    signed.file()


def retired_key(signed):
    signed.trust(ci=trusted(CI, until=signed.world.now.isoformat()))
    signed.world.later(days=1)
    signed.file()


def expired_pass(signed):
    signed.file(days=7)
    signed.world.later(days=8)


def own_validity(signed):
    signed.file(days=3650)  # the signer's policy may say what it likes
    signed.world.later(days=31)


def future_pass(signed):
    signed.file(created=signed.world.now + timedelta(hours=1))


def older_pass(signed):
    signed.file()
    signed.file({"accuracy": "FAILED", "latency": "PASSED"})


def forged_file(signed):
    """The report beside the envelope says PASSED; nobody looks at it."""
    run = signed.file({"accuracy": "FAILED", "latency": "PASSED"})
    record, files = signed.registry._runs[run]
    bent = {**files, JSON_FILE: files[JSON_FILE].replace(b"FAILED", b"PASSED")}
    signed.registry._runs[run] = (record, bent)


def other_envelope(signed):
    """A FAILED run's envelope is replaced by an older pass, its tag is not."""
    good, bad = signed.file(), signed.file({"accuracy": "FAILED", "latency": "PASSED"})
    del signed.registry._versions[NAME][signed.version].tags[TAG_PREFIX + good]
    record, files = signed.registry._runs[bad]
    signed.registry._runs[bad] = (record, {**files, STATEMENT_FILE: signed.envelope(good)})


def changed_payload(signed):
    run = signed.file({"accuracy": "FAILED", "latency": "PASSED"})
    fields = json.loads(signed.envelope(run))
    payload = base64.b64decode(fields["payload"]).replace(b"FAILED", b"PASSED")
    fields["payload"] = base64.b64encode(payload).decode()
    signed.envelope(run, json.dumps(fields).encode())


def rewritten_payload(signed):
    run = signed.file()
    fields = json.loads(signed.envelope(run))
    payload = json.dumps(json.loads(base64.b64decode(fields["payload"])), indent=1).encode()
    fields["payload"] = base64.b64encode(payload).decode()
    signed.envelope(run, json.dumps(fields).encode())


def other_payload_type(signed):
    run = signed.file()
    bent = signed.envelope(run).replace(IN_TOTO.encode(), b"application/json")
    signed.envelope(run, bent)


def borrowed_keyid(signed):
    run = signed.file(key=FOREIGN)
    bent = signed.envelope(run).replace(FOREIGN.public.keyid.encode(), CI.public.keyid.encode())
    signed.envelope(run, bent)


def other_subject(signed):
    digest = signed.world.desk.digest(signed.version)

    def bend(payload):
        whole = json.loads(payload)
        assert whole["subject"][0]["digest"]["sha256"] == digest
        whole["subject"][0]["digest"]["sha256"] = "0" * 64
        return json.dumps(whole).encode()

    signed.file(bend=bend)


def other_predicate(signed):
    signed.file(bend=lambda payload: payload.replace(b"urn:gatekit:gate-run:v1", b"urn:other:v1"))


def said_twice(signed):
    twice = b'"outcome": "FAILED", "outcome"'
    signed.file(bend=lambda payload: payload.replace(b'"outcome"', twice, 1))


def other_data(signed):
    signed.file(data=OTHER_DATA)


ATTACKS = {
    "the files are swapped after the pass": (swap_bytes, "other bytes"),
    "a file of the model is renamed": (rename_a_file, "other bytes"),
    "a pass by a looser policy": (looser_policy, "another policy"),
    "a bar lowered on the command line": (loosened_bar, "lowered by hand"),
    "a pass on other data": (other_data, "other data"),
    "a pass without a signature": (no_signature, "not signed"),
    "a pass signed by a foreign key": (foreign_key, "no key that the policy trusts"),
    "a foreign key under a trusted key's id": (borrowed_keyid, "no key that the policy trusts"),
    "a trusted key without the role": (wrong_role, "may not attest"),
    "a trusted key for other gates": (wrong_gate, "may not attest accuracy"),
    "a trusted key for another target": (wrong_target, "may not attest"),
    "a key that was retired": (retired_key, "may not attest"),
    "a pass that has expired": (expired_pass, "expired 2026-11-30"),
    "a pass that grants itself ten years": (own_validity, "expired 2026-12-23"),
    "a pass from the future": (future_pass, "from the future"),
    "an older pass after a failure": (older_pass, "accuracy fell short"),
    "the report beside the envelope is edited": (forged_file, "accuracy fell short"),
    "the envelope is replaced by an older one": (other_envelope, "changed after it was filed"),
    "the payload is edited": (changed_payload, "no key that the policy trusts"),
    "the payload is written anew": (rewritten_payload, "no key that the policy trusts"),
    "the payload's type is changed": (other_payload_type, "another type"),
    "a statement about another subject": (other_subject, "another model"),
    "a statement of another predicate": (other_predicate, "another type"),
    "a statement that says a thing twice": (said_twice, "no in-toto statement"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused(signed, attack):
    do, word = ATTACKS[attack]
    do(signed)
    assert word in signed.refusal()
    steps = signed.steps(targets=("staging",))
    assert not verified(steps)
    for step in steps:
        assert step.line().isascii()


def test_the_page_lists_the_attacks():
    table = PAGE.read_text().partition("## Tried and refused")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| `([^|`]+)` \|$", table, re.MULTILINE)
    assert rows == [(attack, word) for attack, (_, word) in ATTACKS.items()]


def test_a_clock_that_is_a_little_fast_is_forgiven(signed):
    signed.file(created=signed.world.now + timedelta(minutes=5))
    signed.promote()


def test_what_an_old_key_signed_in_its_time_stands(signed):
    signed.file()
    signed.trust(ci=trusted(CI, until=signed.world.now.isoformat()))
    signed.promote()


def test_each_gate_needs_its_own_key(signed):
    signed.trust(ci=trusted(CI, gates=("accuracy",)), lab=trusted(TEAM, gates=("latency",)))
    signed.file({"accuracy": "PASSED"}, key=CI)
    assert "latency: no report" in signed.refusal()
    signed.file({"latency": "PASSED"}, key=TEAM)
    signed.promote()


def test_a_failure_of_another_gate_revokes_an_earlier_pass(signed):
    signed.file()
    signed.file({"robustness": "FAILED"})
    assert "accuracy: revoked: robustness failed" in signed.refusal()
    revoked = [s for s in signed.steps(targets=("staging",)) if s.name == "not revoked"]
    assert [step.state for step in revoked] == ["FAILED"]


def test_a_void_run_revokes_as_well(signed):
    signed.file()
    signed.file({"staging": "PASSED"}, voids=("a worker was lost",))
    assert "revoked" in signed.refusal()


@pytest.mark.parametrize("how", ["foreign", "unsigned", "other data", "other policy", "no gate"])
def test_a_run_that_does_not_count_revokes_nothing(signed, how):
    signed.trust(ci=trusted(CI), lab=trusted(TEAM, gates=("latency",)))
    signed.file()
    how = {
        "foreign": {"key": FOREIGN},
        "unsigned": {"key": None},
        "other data": {"data": OTHER_DATA},
        "other policy": {"policy": "0" * 64},
        "no gate": {"key": TEAM},
    }[how]
    signed.file({"robustness": "FAILED"}, **how)
    signed.promote()


def test_timings_alone_do_not_undo_an_earlier_pass(signed):
    first = signed.file()
    signed.file(slow=("latency",))
    done = signed.promote()
    reports = {each.gate: each.report for each in done.requirements}
    assert reports["latency"] == first


def test_timings_are_no_pass_where_there_was_none(signed):
    signed.file({"accuracy": "PASSED"}, slow=("latency",))
    assert "latency: FAILED: p99" in signed.refusal()


def test_timings_with_another_reason_do_undo_it(signed):
    signed.file()
    signed.file({"accuracy": "FAILED"}, slow=("latency",))
    assert "accuracy: FAILED" in signed.refusal()


def test_timings_on_other_data_find_no_earlier_pass(signed):
    signed.file(data=OTHER_DATA)
    signed.file(slow=("latency",))
    assert "latency: FAILED" in signed.refusal()
    assert "latency: FAILED" in signed.refusal(data_sha256=None)


def test_every_changed_byte_of_a_small_model_is_refused(signed):
    signed.file()
    whole = dict(signed.registry._files[NAME, signed.version])
    for name, content in whole.items():
        for at in range(len(content)):
            bent = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            signed.registry.overwrite(NAME, signed.version, {**whole, name: bent})
            assert "other bytes" in signed.refusal()
        for at in range(len(name)):
            other = name[:at] + chr(ord(name[at]) ^ 1) + name[at + 1 :]
            if other == "registered_model_meta" or "/" in other:
                continue
            moved = {k: v for k, v in whole.items() if k != name}
            signed.registry.overwrite(NAME, signed.version, {**moved, other: content})
            with pytest.raises((PromotionRefused, CandidateError)):
                signed.promote()
    signed.registry.overwrite(NAME, signed.version, whole)
    signed.promote()


def test_any_changed_byte_of_a_large_model_is_refused(signed):
    dice = random.Random(5)
    weights = dice.randbytes(3_000_000)
    signed.registry.overwrite(NAME, signed.version, {"MLmodel": b"m", "weights.bin": weights})
    signed.file()
    for at in (0, len(weights) - 1, *(dice.randrange(len(weights)) for _ in range(30))):
        bent = bytearray(weights)
        bent[at] ^= 1 << dice.randrange(8)
        files = {"MLmodel": b"m", "weights.bin": bytes(bent)}
        signed.registry.overwrite(NAME, signed.version, files)
        assert "other bytes" in signed.refusal(), at


def test_every_changed_byte_of_an_envelope_is_refused_or_means_the_same(signed):
    run = signed.file()
    whole = signed.envelope(run)
    payload = base64.b64decode(json.loads(whole)["payload"])
    refused = 0
    for at in range(0, len(whole), 7):
        bent = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        signed.envelope(run, bent)
        try:
            signed.promote(dry_run=True)
        except PromotionRefused:
            refused += 1
        else:
            assert base64.b64decode(json.loads(bent)["payload"]) == payload
    assert refused > len(whole) // 8


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
