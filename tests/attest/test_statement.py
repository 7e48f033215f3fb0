"""What a statement says, and what is no statement."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekit.attest.envelope import parse
from gatekit.attest.keys import public_key
from gatekit.attest.statement import GATE_RUN, STATEMENT, gate_run_statement, read_statement
from gatekit.attest.testresult import TEST_RESULT
from gatekit.attest.testresult import test_result_statement as result_statement
from gatekit.errors import EnvelopeProblem
from gatekit.report.document import Report
from gatekit.uses import Uses

HERE = Path(__file__).parent
REPORT = json.loads((HERE.parent / "report" / "gatekit-report-1.json").read_bytes())
USES = Uses(number=3, declared=32, left=29, parts=32, entry=5)
USED = {**REPORT, "run": {**REPORT["run"], "uses": USES.as_dict()}}
FROM, UNTIL = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 12, 23, tzinfo=UTC)


def made():
    return gate_run_statement(REPORT, FROM, UNTIL)


def test_the_whole_report_is_in_it():
    read = read_statement(made(), GATE_RUN)
    assert read.digests == (("models:/churn-model/1", REPORT["model"]["digest"]),)
    assert Report.from_document(read.predicate).document() == REPORT
    assert read.predicate["notAfter"] == "2026-12-23T00:00:00+00:00"
    assert read.predicate["digestAlgorithm"] == "gatekit-model-v1"


def test_the_uses_of_the_test_set_are_in_it_and_in_no_older_one():
    read = read_statement(gate_run_statement(USED, FROM, UNTIL), GATE_RUN)
    assert Uses.from_dict(read.predicate["run"]["uses"]) == USES
    assert "uses" not in read_statement(made(), GATE_RUN).predicate["run"]


def bent(**changed):
    return json.dumps({**json.loads(made()), **changed}).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        bent(_type="https://in-toto.io/Statement/v0.1"),
        bent(predicateType=TEST_RESULT),
        bent(subject=[]),
        bent(subject=[{"name": "m"}]),
        bent(subject=[{"digest": {"sha512": "ab"}}]),
        bent(subject=[{"digest": {"sha256": "AB" * 32}}]),
        bent(predicate=None),
        bent(predicate=[]),
        made().replace(b'"notAfter"', b'"notAfter": "", "notAfter"'),
        made().replace(b'"n": 400', b'"n": NaN'),
    ],
)
def test_what_is_no_statement_is_refused(payload):
    assert payload != made()
    with pytest.raises(EnvelopeProblem):
        read_statement(payload, GATE_RUN)


def result(tests, checks=(), gates=(), outcome="FAILED", **run):
    report = {**REPORT, "tests": tests, "checks": list(checks), "gates": list(gates)}
    report |= {"outcome": outcome, "run": {**REPORT["run"], **run}}
    return read_statement(result_statement(report), TEST_RESULT).predicate


def ended(name, outcome):
    return {"gate": "accuracy", "test": name, "outcome": outcome, "words": ""}


def check(name, outcome, *, blocking=True):
    verdict = None if outcome is None else {"outcome": outcome, "blocking": blocking}
    return {"gate": "accuracy", "test": name, "verdict": verdict}


# how a test ended, what its comparison said, whether that blocks -> where it stands
PLACES = {
    "passed": ("passed", "PASSED", True, "passedTests", "t"),
    "failed": ("failed", "FAILED", True, "failedTests", "t"),
    "failed without assert": ("passed", "FAILED", True, "failedTests", "t"),
    "inconclusive": ("failed", "INCONCLUSIVE", True, "failedTests", "inconclusive:t"),
    "observed": ("passed", "FAILED", False, "warnedTests", "t"),
    "never compared": ("passed", None, True, "failedTests", "never-compared:t"),
    "skipped": ("skipped", "PASSED", True, "failedTests", "skipped:t"),
    "not run": ("not run", "PASSED", True, "failedTests", "not-run:t"),
    "broken set-up": ("error in setup", "PASSED", True, "failedTests", "error-in-setup:t"),
    "rerun": ("rerun", "PASSED", True, "failedTests", "rerun:t"),
}


@pytest.mark.parametrize("case", PLACES)
def test_whatever_is_not_passed_stands_under_failed(case):
    outcome, said, blocking, place, shown = PLACES[case]
    found = result([ended("t", outcome)], [check("t", said, blocking=blocking)], deselected=[])
    places = ("passedTests", "warnedTests", "failedTests")
    assert {key: found[key] for key in places if found[key]} == {place: [shown]}


def test_gates_and_voids_stand_there_too_and_the_inputs_have_digests():
    gates = [{"gate": "latency", "outcome": "INCOMPLETE"}]
    found = result([], gates=gates, voids=["a worker was lost"], deselected=["a: t"], lock="ab")
    assert found["failedTests"] == ["not-run:a: t", "gate:latency", "void:a worker was lost"]
    assert found["result"] == "FAILED"
    assert [each["name"] for each in found["configuration"]][2:] == ["lock"]
    assert all(each["digest"]["sha256"] for each in found["configuration"])
    assert result([ended("t", "passed")], outcome="PASSED", deselected=[])["result"] == "PASSED"


GOLDEN = sorted((HERE / "golden").glob("*.dsse.json"))


@pytest.mark.parametrize("file", GOLDEN, ids=[file.name for file in GOLDEN])
def test_envelopes_of_old_verify_for_ever(file):
    key = public_key(file.with_name(file.name.replace(".dsse.json", ".pub")).read_text(), "golden")
    envelope = parse(file.read_bytes())
    assert envelope.signers([key]) == (key,)
    kind = TEST_RESULT if "test-result" in file.name else GATE_RUN
    read = read_statement(envelope.payload, kind)
    assert json.loads(envelope.payload)["_type"] == STATEMENT
    assert read.digests == (("models:/churn-model/1", "9f3c" * 16),)
    if kind == GATE_RUN:
        told = USED if "uses" in file.name else REPORT
        assert Report.from_document(read.predicate).document() == told


def test_there_are_envelopes_of_old():
    assert len(GOLDEN) == 6
