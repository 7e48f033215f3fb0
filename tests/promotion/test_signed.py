"""Promotion where the policy trusts keys: what counts, what ends it, what was tried and refused."""

import base64
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from gatekit.attest.envelope import IN_TOTO
from gatekit.promotion.verify import verified
from gatekit.report.document import JSON_FILE, TAG_PREFIX
from gatekit.report.signed import STATEMENT_FILE

from .signing import CI, FOREIGN, NAME, OTHER_DATA, TEAM, trusted

PAGE = Path(__file__).parents[2] / "docs" / "attestation.md"


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
