"""What promotion asks for, and what it does when everything is there."""

from dataclasses import replace

import pytest

from gatekit.errors import (
    CandidateError,
    PolicyError,
    PromotionRefused,
    RegistryUnavailable,
    UsageProblem,
)
from gatekit.policy_gates import FairnessGate, Gates

PASSED = {"accuracy": "PASSED", "latency": "PASSED"}


def refusal(world, version, target="staging", **ask):
    entries = world.registry.entries("churn-model.journal")
    before = world.holder(target)
    with pytest.raises(PromotionRefused) as caught:
        world.promote(version, target, **ask)
    assert world.holder(target) == before
    assert world.registry.entries("churn-model.journal") == entries
    return caught.value.reasons


def test_a_proved_version_gets_the_pointer(world):
    version = world.add()
    done = world.promote(version)
    assert (done.state, done.before, world.holder()) == ("moved", "", version)
    entry = world.journal.in_effect("staging")
    assert (entry.number, entry.kind, entry.by, entry.reports) == (
        done.entry,
        "promote",
        "ana",
        ("run1",),
    )
    assert entry.digest == world.desk.digest(version)
    assert entry.policy == world.policy.digest
    assert world.settled()
    assert world.journal.check_chain() == []
    assert "now holds 'staging'" in done.lines()[0]


def test_the_next_one_replaces_it(world):
    first, second = world.add(), world.add()
    world.promote(first)
    assert world.promote(second).before == first
    assert world.holder() == second
    assert world.settled()


def test_the_proven_holder_is_told_so_and_nothing_is_written(world):
    version = world.add()
    world.promote(version)
    entries = world.registry.entries("churn-model.journal")
    assert world.promote(version).state == "already"
    assert world.registry.entries("churn-model.journal") == entries


def test_a_dry_run_writes_nothing(world):
    version = world.add()
    world.registry.before = lambda verb: pytest.fail(f"wrote: {verb}")
    assert world.promote(version, dry_run=True).state == "dry run"
    assert world.holder() == ""


def test_a_dry_run_finishes_nothing_that_is_open(world):
    version = world.add()

    def crash(verb):
        if verb == "move":
            raise KeyboardInterrupt

    world.registry.before = crash
    with pytest.raises(KeyboardInterrupt):
        world.promote(version)
    world.registry.before = lambda verb: pytest.fail(f"wrote: {verb}")
    done = world.promote(version, dry_run=True)
    assert "would be finished first" in done.notes[0]


def test_a_dry_run_refuses_as_the_real_one_does(world):
    assert refusal(world, world.add(gates={"accuracy": "PASSED"}), dry_run=True)


# Reports that prove nothing: how they are filed, and a word of every reason they lead to.
REFUSALS = {
    "missing report": ({"gates": {}}, ["accuracy: no report", "latency: no report"]),
    "missing gate": ({"gates": {"accuracy": "PASSED"}}, ["latency: no report"]),
    "failed": (
        {"gates": {**PASSED, "accuracy": "FAILED"}},
        ["accuracy: FAILED: accuracy fell short"],
    ),
    "inconclusive": ({"gates": {**PASSED, "latency": "INCONCLUSIVE"}}, ["latency: INCONCLUSIVE"]),
    "incomplete": (
        {"gates": {**PASSED, "latency": "INCOMPLETE"}},
        ["a chosen part of the tests", "is INCOMPLETE in it"],
    ),
    "other policy": ({"policy": "ab" * 32}, ["used another policy", "used another policy"]),
    "other bytes": ({"digest": "cd" * 32}, ["sha256:cdcdcdcdcdcd was tested", "about other bytes"]),
    "loosened": ({"loosened": ["accuracy"]}, ["lowered by hand: accuracy.floor loosened from 0.8"]),
    "void": ({"voids": ["the session was interrupted"]}, ["counts for nothing: the session"] * 2),
    "only observed": ({"gates": {**PASSED, "accuracy": "OBSERVED"}}, ["the policy enforces it"]),
    "failed beside": ({"gates": {**PASSED, "fairness": "FAILED"}}, ["fairness: FAILED"]),
    "tampered": (
        {"gates": {**PASSED, "accuracy": "FAILED"}, "tamper": True},
        ["changed after it was filed", "latency"],
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_proves_nothing_is_refused_with_every_reason(world, case):
    filed, expected = REFUSALS[case]
    reasons = refusal(world, world.add(**filed))
    assert len(reasons) == len(expected)
    for reason, words in zip(reasons, expected, strict=True):
        assert words in reason


def test_bytes_overwritten_after_the_pass_are_refused(world):
    version = world.add()
    world.registry.overwrite(
        "churn-model", version, {"MLmodel": b"flavors: {}", "model.pkl": b"evil"}
    )
    reasons = refusal(world, version)
    assert all("other bytes" in reason for reason in reasons)


def test_a_file_renamed_inside_the_model_is_other_bytes(world):
    version = world.add(b"same")
    world.registry.overwrite(
        "churn-model", version, {"MLmodel": b"flavors: {}", "other.pkl": b"same"}
    )
    assert "other bytes" in refusal(world, version)[0]


def test_bytes_changed_since_the_asking_run_are_refused(world):
    version = world.add()
    assert "changed since this run" in refusal(world, version, tested_digest="ef" * 32)[0]
    assert world.promote(version, tested_digest=world.desk.digest(version)).state == "moved"


def test_the_newest_report_counts_not_the_best(world):
    version = world.add()
    world.file(version, {**PASSED, "accuracy": "FAILED"})
    assert "accuracy: FAILED" in refusal(world, version)[0]
    world.file(version)
    assert world.promote(version).state == "moved"


def test_an_incomplete_rerun_does_not_undo_a_pass(world):
    version = world.add()
    world.file(version, {"accuracy": "INCOMPLETE"})
    assert world.promote(version).state == "moved"


def test_a_void_rerun_does(world):
    version = world.add()
    world.file(version, voids=["a worker was lost"])
    assert len(refusal(world, version)) == 2


def test_a_failure_beside_is_not_hidden_by_a_later_run_of_the_rest(world):
    version = world.add(gates={**PASSED, "fairness": "FAILED"})
    world.file(version, PASSED)
    assert "fairness" in refusal(world, version)[0]


def test_gates_may_be_proved_by_several_runs(world):
    version = world.add(gates={"accuracy": "PASSED"})
    world.file(version, {"latency": "PASSED"})
    assert world.promote(version).state == "moved"
    assert world.journal.in_effect("staging").reports == ("run1", "run2")


def test_an_observed_gate_counts_where_the_policy_observes(world):
    world.policy = replace(
        world.policy, gates=Gates(fairness=FairnessGate(mode="observe", selection_rate_ratio=0.8))
    )
    version = world.add(gates={**PASSED, "fairness": "OBSERVED"})
    assert world.promote(version).state == "moved"


def test_a_first_promotion_can_be_refused_by_the_policy(world):
    world.with_staging(first_promotion="refuse")
    reasons = refusal(world, world.add(lonely=["accuracy"]))
    assert "no champion to compare with" in reasons[0]


def test_one_rung_after_the_other(world):
    version = world.add(gates={**PASSED, "load": "PASSED"})
    assert "ladder: version 1 never held 'staging'" in refusal(world, version, "production")
    world.promote(version)
    assert world.promote(version, "production").state == "moved"
    assert world.holder("production") == version


def test_the_ladder_knows_bytes_not_numbers(world):
    version = world.add(gates={**PASSED, "load": "PASSED"})
    world.promote(version)
    world.registry.overwrite("churn-model", version, {"MLmodel": b"flavors: {}", "x": b"other"})
    world.file(version, {**PASSED, "load": "PASSED"})
    assert "with other bytes" in refusal(world, version, "production")[0]


def test_a_gate_of_the_running_service_does_not_block_the_rung_before_it(world):
    version = world.add(gates={**PASSED, "load": "FAILED"})
    assert world.promote(version).state == "moved"
    assert "load: FAILED" in refusal(world, version, "production")[0]


def test_an_override_is_recorded_in_full(world):
    version = world.add(gates={**PASSED, "accuracy": "FAILED"})
    done = world.promote(version, override=world.override("accuracy"))
    entry = world.journal.in_effect("staging")
    assert (entry.kind, entry.overridden, entry.reason) == (
        "override",
        ("accuracy",),
        "the campaign cannot wait",
    )
    assert entry.expires.startswith("2026-11-30")
    words = next(each.words for each in done.requirements if each.gate == "accuracy")
    assert "FAILED" in words
    assert "overridden" in words


@pytest.mark.parametrize(
    ("gates", "named", "days", "words"),
    [
        ({**PASSED, "latency": "FAILED"}, ("latency",), 7, "does not allow overriding 'latency'"),
        ({**PASSED, "accuracy": "FAILED"}, ("accuracy",), -1, "the override expired"),
        ({"latency": "FAILED", "accuracy": "FAILED"}, ("accuracy",), 7, "latency: FAILED"),
        ({**PASSED, "fairness": "FAILED"}, ("accuracy",), 7, "fairness: FAILED"),
        (PASSED, (), 7, "names no gate"),
    ],
)
def test_an_override_that_does_not_reach(world, gates, named, days, words):
    version = world.add(gates=gates)
    reasons = refusal(world, version, override=world.override(*named, days=days))
    assert any(words in reason for reason in reasons)


@pytest.mark.parametrize("filed", [{"gates": {"latency": "PASSED"}}, {"loosened": ["accuracy"]}])
def test_an_override_covers_a_missing_or_loosened_gate_by_name(world, filed):
    assert world.promote(world.add(**filed), override=world.override("accuracy")).state == "moved"


def test_a_gate_beside_can_be_overridden_by_name(world):
    version = world.add(gates={**PASSED, "fairness": "FAILED"})
    assert world.promote(version, override=world.override("fairness")).state == "moved"


def test_naming_the_ladder_skips_it_and_the_service_gates_only(world):
    version = world.add()
    done = world.promote(version, "production", override=world.override("ladder"))
    assert {r.gate for r in done.requirements if r.overridden} == {"ladder", "load"}
    failed = world.add(gates={**PASSED, "accuracy": "FAILED"})
    reasons = refusal(world, failed, "production", override=world.override("ladder"))
    assert len(reasons) == 1
    assert "accuracy: FAILED" in reasons[0]


def test_naming_the_ladder_does_not_forget_a_load_that_failed(world):
    version = world.add(gates={**PASSED, "load": "FAILED"})
    assert "load" in refusal(world, version, "production", override=world.override("ladder"))[0]


def test_an_override_is_no_step_of_the_ladder_once_it_expired(world):
    version = world.add(gates={**PASSED, "accuracy": "FAILED", "load": "PASSED"})
    world.promote(version, override=world.override("accuracy", days=1))
    world.file(version, {**PASSED, "load": "PASSED"})
    assert world.promote(version, "production", dry_run=True).state == "dry run"
    world.later(days=2)
    assert "which expired" in refusal(world, version, "production")[0]


def test_proof_replaces_an_override_of_the_same_version(world):
    version = world.add(gates={**PASSED, "accuracy": "FAILED"})
    world.promote(version, override=world.override("accuracy"))
    assert "accuracy" in refusal(world, version)[0]
    world.file(version)
    assert world.promote(version).state == "moved"
    assert world.journal.in_effect("staging").kind == "promote"


def test_wrong_calls(world):
    version = world.add()
    with pytest.raises(CandidateError, match="no version 9"):
        world.promote("9")
    with pytest.raises(PolicyError, match=r"no \[promotion.canary\]"):
        world.promote(version, "canary")
    with pytest.raises(UsageProblem, match="the policy is for 'other'"):
        world.promote(version, policy=replace(world.policy, model="other"))
    with pytest.raises(UsageProblem, match="without a reason"):
        world.promote(version, override=world.override("accuracy", reason=" "))
    with pytest.raises(UsageProblem, match="a reason of 501 characters"):
        world.promote(version, override=world.override("accuracy", reason="x" * 501))


def test_a_registry_that_does_not_answer_is_not_a_missing_report(world, monkeypatch):
    version = world.add()

    def down(run_id, file):
        raise RegistryUnavailable("no answer")

    monkeypatch.setattr(world.registry, "read", down)
    with pytest.raises(RegistryUnavailable):
        world.promote(version)
    assert world.journal.entries == ()
