"""Tables of ledgers and what they come to; what is not proved is never passed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekit.decision import Asked, GateOutcome, decide_run
from gatekit.estimate import Estimate
from gatekit.ledger import Bar, Ledger, Measurement, NoBar, no_champion
from gatekit.ledger import TestOutcome as Ended  # pytest would collect a Test...
from gatekit.policy import DataSpec, OwnGate, Policy
from gatekit.policy_gates import AccuracyGate, Gates, LatencyGate

FLOOR, LOSS, P99 = "accuracy.floor", "accuracy.tolerated_loss", "latency.p99_ms"
ENFORCE = Policy(
    model="toy",
    holdout=DataSpec(path="h.parquet", target="label"),
    gates=Gates(
        accuracy=AccuracyGate(floor=0.8, tolerated_loss=0.05), latency=LatencyGate(p99_ms=50.0)
    ),
    own={"profit": OwnGate(numbers={"least": 0.5})},
)
OBSERVE = replace(
    ENFORCE, gates=replace(ENFORCE.gates, accuracy=replace(ENFORCE.gates.accuracy, mode="observe"))
)
BOUNDS = {"pass": (0.85, 0.95), "open": (0.7, 0.95), "fail": (0.5, 0.6)}


def check(key, how, test=None, *, blocking=True):
    """A comparison with the bar of that key (0.8 stands for all of them), as a suite makes it."""
    gate = key.partition(".")[0]
    test = test or f"{gate}_test"
    if how == "none yet":
        made = Measurement(no_champion("gain", 0.95, "nobody"), gate, test, blocking=blocking)
    else:
        low, high = BOUNDS.get(how, (0.85, 0.95))
        estimate = Estimate(key, (low + high) / 2, low, high, 0.95, 400, "by hand")
        made = Measurement(estimate, gate, test, blocking=blocking)
    if how != "lonely":
        made >= (NoBar() if how == "shown" else Bar(0.8, key))  # noqa: B015 - for the ledger
    return made.page()[0]


def ledger(checks, tests=(), **more):
    """Every test of a check is there; it failed where the check holds it up."""
    ended = {}
    for c in checks:
        good = c.verdict is None or bool(c.verdict)
        ended[c.gate, c.test] = ended.get((c.gate, c.test), True) and good
    plain = [Ended(g, t, "passed" if good else "failed") for (g, t), good in ended.items()]
    return Ledger(checks=list(checks), tests=[*plain, *tests], **more)


def come_to(checks, tests=(), *, policy=ENFORCE, required=("accuracy",), narrowed=False, **more):
    asked = Asked(tuple(required), narrowed=narrowed)
    return decide_run(ledger(checks, tests, **more), policy, asked)


FLOOR_OK, LOSS_OK = check(FLOOR, "pass"), check(LOSS, "pass")
TABLE = [  # what it is, checks, more of the run, outcome, a word of its reasons
    ("both bars cleared", [FLOOR_OK, LOSS_OK], {}, "PASSED", ""),
    ("no champion yet", [FLOOR_OK, check(LOSS, "none yet")], {}, "PASSED", ""),
    ("one failed", [FLOOR_OK, check(LOSS, "fail")], {}, "FAILED", "cannot reach"),
    ("one open", [FLOOR_OK, check(LOSS, "open")], {}, "INCONCLUSIVE", "inside the interval"),
    ("open and failed", [check(FLOOR, "open"), check(LOSS, "fail")], {}, "FAILED", "cannot"),
    ("a bar never compared", [FLOOR_OK], {}, "FAILED", "tolerated_loss = 0.05 was never"),
    ("by choice", [FLOOR_OK], {"narrowed": True}, "INCOMPLETE", "was never compared"),
    (
        "deselected",
        [FLOOR_OK],
        {"deselected": [("accuracy", "test_b")]},
        "INCOMPLETE",
        "deselected: test_b",
    ),
    (
        "deselected beside all bars",
        [FLOOR_OK, LOSS_OK],
        {"deselected": [("accuracy", "test_b")]},
        "INCOMPLETE",
        "deselected: test_b",
    ),
    ("measured, not compared", [FLOOR_OK, LOSS_OK, check(FLOOR, "lonely")], {}, "FAILED", "never"),
    ("bars only shown", [check(FLOOR, "shown"), LOSS_OK], {}, "FAILED", "accuracy.floor = 0.8"),
    (
        "nothing but no champion",
        [check(FLOOR, "none yet"), check(LOSS, "none yet")],
        {},
        "FAILED",
        "nothing was proved",
    ),
    ("nothing at all", [], {}, "FAILED", "no gate was run"),
    ("a gate not run", [FLOOR_OK, LOSS_OK], {"required": ("accuracy", "latency")}, "FAILED", ""),
    (
        "no bar in the policy",
        [FLOOR_OK, LOSS_OK, check("robustness.stability", "shown")],
        {"required": ("accuracy", "robustness")},
        "FAILED",
        "the policy sets no bar",
    ),
    ("a void", [FLOOR_OK, LOSS_OK], {"voids": ["worker gw1 was lost"]}, "FAILED", "gw1"),
    ("a gate beside", [FLOOR_OK, LOSS_OK, check("profit.least", "pass")], {}, "PASSED", ""),
    ("a gate beside fails", [FLOOR_OK, LOSS_OK, check("profit.least", "fail")], {}, "FAILED", ""),
    (
        "a gate beside measures nothing",
        [FLOOR_OK, LOSS_OK],
        {"tests": [Ended("profit", "test_p", "passed")]},
        "FAILED",
        "measured nothing",
    ),
]


@pytest.mark.parametrize(
    ("checks", "more", "outcome", "words"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_a_ledger_comes_to(checks, more, outcome, words):
    decision = come_to(checks, **more)
    assert str(decision.outcome) == outcome
    assert decision.exit_code == (0 if outcome == "PASSED" else 1)
    if outcome == "PASSED":
        assert decision.reasons == ()
    else:
        assert any(words in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    "ended",
    ["failed", "error in setup", "skipped", "xfailed", "xpassed", "rerun", "not run", "novel"],
)
def test_any_end_but_a_pass_is_a_failure(ended):
    test = Ended("accuracy", "test_b", ended, "for a reason")
    decision = come_to([FLOOR_OK, LOSS_OK], [test])
    assert decision.outcome is GateOutcome.FAILED
    assert decision.reasons == (f"accuracy: test_b {ended}: for a reason",)


def test_a_failed_test_speaks_through_its_check():
    decision = come_to([FLOOR_OK, check(LOSS, "fail", "test_b")])
    assert len(decision.reasons) == 1
    assert "cannot reach" in decision.reasons[0]


def test_an_observing_gate_is_shown_and_lets_through():
    checks = [check(FLOOR, "fail", blocking=False), check(LOSS, "open", blocking=False)]
    decision = come_to(checks, policy=OBSERVE)
    assert [g.outcome for g in decision.gates] == [GateOutcome.OBSERVED]
    assert decision.outcome is GateOutcome.PASSED
    assert come_to(checks[:1], policy=OBSERVE).outcome is GateOutcome.FAILED  # observe, but all


def test_the_counts_are_worst_first():
    decision = come_to([FLOOR_OK, LOSS_OK, check("profit.least", "fail")])
    assert decision.counts() == "1 failed, 1 passed"
    assert come_to([], required=()).counts() == "no gate"


def test_a_reason_names_its_gate_once():
    decision = come_to([FLOOR_OK, check(LOSS, "fail")])
    assert [reason.count("accuracy:") for reason in decision.reasons] == [1]


KEYS = (FLOOR, LOSS, P99, "profit.least", "robustness.stability")
checks_ = st.lists(
    st.builds(
        check,
        st.sampled_from(KEYS),
        st.sampled_from(["pass", "pass", "pass", "open", "fail", "lonely", "shown", "none yet"]),
    ),
    max_size=7,
)
runs = st.tuples(
    checks_,
    st.lists(
        st.builds(
            Ended,
            st.sampled_from(["accuracy", "profit"]),
            st.just("test_more"),
            st.sampled_from(["passed", "passed", "skipped", "rerun"]),
        ),
        max_size=2,
    ),
    st.fixed_dictionaries(
        {
            "policy": st.just(ENFORCE),
            "required": st.sampled_from([(), ("accuracy",), ("accuracy", "latency")]),
            "narrowed": st.booleans(),
            "deselected": st.sampled_from([[], [("accuracy", "test_c")]]),
            "voids": st.sampled_from([[], [], [], ["a worker was lost"]]),
        }
    ),
)


@given(runs, st.sampled_from(KEYS), st.sampled_from(["fail", "open", "lonely"]))
def test_one_more_failure_never_makes_a_pass(run, key, how):
    checks, tests, more = run
    after = come_to([*checks, check(key, how)], tests, **more)
    assert after.outcome is not GateOutcome.PASSED


@given(runs, st.data())
def test_one_proof_less_never_makes_a_pass(run, data):
    """The test that made it stays in the ledger: its comparison is what is taken out."""
    checks, tests, more = run
    whole = ledger(checks, tests, deselected=more["deselected"], voids=more["voids"])
    asked = Asked(more["required"], narrowed=more["narrowed"])
    before = decide_run(whole, ENFORCE, asked)
    passed = [c for c in checks if c.verdict is not None and str(c.verdict.outcome) == "PASSED"]
    if not passed:
        return
    gone = data.draw(st.sampled_from(passed))
    rest = [c for c in checks if c is not gone]
    less = Ledger(rest, whole.tests, whole.deselected, whole.voids)
    after = decide_run(less, ENFORCE, asked)
    if before.outcome is not GateOutcome.PASSED:
        assert after.outcome is not GateOutcome.PASSED


@given(runs)
def test_a_pass_has_proved_every_bar_of_every_required_gate(run):
    checks, tests, more = run
    decision = come_to(checks, tests, **more)
    if decision.outcome is not GateOutcome.PASSED:
        assert decision.exit_code == 1
        return
    compared = {c.key for c in checks if c.verdict is not None and c.verdict}
    for gate in more["required"]:
        assert set(ENFORCE.bars(gate)) <= compared
    assert all(t.outcome == "passed" for t in tests)
    assert not more["voids"]


@given(runs, st.sampled_from(["skipped", "failed", "rerun", "not run"]))
def test_one_more_broken_test_never_makes_a_pass(run, ended):
    checks, tests, more = run
    broken = Ended("accuracy", "test_broken", ended)
    assert come_to(checks, [*tests, broken], **more).outcome is not GateOutcome.PASSED
