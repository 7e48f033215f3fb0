"""What a run writes for the CI: read back by the parsers of those who will read it."""

import json
import math
import re

import pytest

from gatekit.estimate import Estimate
from gatekit.ledger import TestOutcome as Ended
from gatekit.report.ci_files import ci_files
from gatekit.report.code_quality import code_quality, policy_line
from gatekit.report.markdown import MOST_BYTES, render_markdown
from gatekit.report.openmetrics import openmetrics
from gatekit.report.provenance import path_in_repository
from tests.ci_files import findings as read_findings
from tests.ci_files import metrics as read_metrics

HOSTILE = 'a|b\n"c"\\d <img src=x> @all [x](y) `e` \ud800'


def findings(report):
    return read_findings(code_quality(report))


def series(report):
    return read_metrics(openmetrics(report))


def labels(**kept):
    return tuple(sorted(kept.items()))


def hostile(build):
    who = build.identity(HOSTILE)
    who["champion"] = {"none": HOSTILE}
    estimates = [
        ("accuracy", ">=", build.accuracy(detail=(HOSTILE,))),
        (HOSTILE, ">=", Estimate(HOSTILE, -1.0, -math.inf, math.inf, 0.95, 3, HOSTILE)),
        ("latency", "<=", build.p99(math.nan, math.nan, math.nan)),
    ]
    ended = Ended("latency", f"t::test_{HOSTILE}", "skipped", HOSTILE)
    return build.report(estimates, who=who, tests=[ended], voids=[HOSTILE])


def test_openmetrics_tells_values_bounds_bars_and_outcomes(failed):
    held = series(failed)
    named = {"gate": "accuracy", "test": "test_accuracy_clears_its_bar", "measure": "accuracy"}
    assert held["gatekit_measure", labels(**named, bound="value")] == 0.8225
    assert held["gatekit_measure", labels(**named, bound="low")] == 0.788
    assert held["gatekit_measure", labels(**named, bound="high")] == 0.853
    assert held["gatekit_bar", labels(**named, op=">=")] == 0.9
    assert held["gatekit_gate_passed", labels(gate="accuracy")] == 0
    assert held["gatekit_gate_passed", labels(gate="latency")] == 1
    assert held["gatekit_run_passed", ()] == 0
    assert held["gatekit_rows", ()] == 400


def test_openmetrics_of_a_pass_says_so(passed):
    assert series(passed)["gatekit_run_passed", ()] == 1


def test_openmetrics_writes_the_same_number_in_the_same_way(failed):
    numbers = re.findall(r" (\S+)$", openmetrics(failed), re.MULTILINE)
    values = [number for number in numbers if re.fullmatch(r"-?\d.*", number)]
    assert len(values) > 8
    assert all(re.fullmatch(r"-?\d+\.\d{6}", value) for value in values)


def test_openmetrics_survives_what_a_model_calls_things(build):
    held = series(hostile(build))
    bounds = {
        dict(labelled)["bound"]: value
        for (name, labelled), value in held.items()
        if name == "gatekit_measure" and "<img" in dict(labelled)["measure"]
    }
    assert bounds == {"value": -1.0, "low": -math.inf, "high": math.inf}


def test_a_pass_has_no_finding(passed):
    assert findings(passed) == []


def test_a_missed_bar_is_found_at_its_line_of_the_policy(failed):
    (found,) = findings(failed)
    line = failed.policy["text"].splitlines().index("floor = 0.9") + 1
    assert found["location"] == {"path": "gates.toml", "lines": {"begin": line}}
    assert found["severity"] == "critical"
    assert "short by 0.047" in found["description"]


def test_the_path_is_that_of_the_repository_where_the_report_knows_it(build):
    who = build.identity()
    who["policy"]["path"] = "models/churn/gates.toml"
    report = build.report([("accuracy", ">=", build.accuracy())], who=who)
    assert {f["location"]["path"] for f in findings(report)} == {"models/churn/gates.toml"}


def test_a_fingerprint_is_of_the_bar_and_not_of_what_was_measured(build):
    def of(**measured):
        report = build.report([("accuracy", ">=", build.accuracy(**measured))], names=("accuracy",))
        (found,) = findings(report)
        return found["fingerprint"], found["description"]

    first, second = of(), of(value=0.7, low=0.66, high=0.74)
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_what_the_data_cannot_tell_is_less_severe(inconclusive):
    (found,) = findings(inconclusive)
    assert found["severity"] == "major"


def test_a_gate_without_a_check_is_found_at_its_table(build):
    skipped = Ended("latency", "t::test_it", "skipped", "no time")
    report = build.report([("accuracy", ">=", build.accuracy())], floor=0.7, tests=[skipped])
    (found,) = findings(report)
    assert "no time" in found["description"]
    line = report.policy["text"].splitlines().index("[gates.latency]") + 1
    assert found["location"]["lines"]["begin"] == line


def test_a_void_run_is_a_finding_of_its_own(build):
    report = build.report(
        [("accuracy", ">=", build.accuracy())], floor=0.7, voids=["a lost worker"]
    )
    assert "a lost worker" in " ".join(f["description"] for f in findings(report))


def test_findings_survive_what_a_model_calls_things(build):
    found = findings(hostile(build))
    assert json.dumps(found, ensure_ascii=False).encode()
    assert len(found) >= 3
    assert len({f["fingerprint"] for f in found}) == len(found)


@pytest.mark.parametrize(
    ("text", "gate", "key", "line"),
    [
        ("[gates.accuracy]\nfloor = 1\n", "accuracy", "floor", 2),
        (
            "[gates.latency]\nfloor = 1\n[ gates . accuracy ]\n# floor\n'floor'=1",
            "accuracy",
            "floor",
            5,
        ),
        ("a = 1\n[own.profit]\nleast = 0\n", "profit", "least", 3),
        ("a = 1\n[own.profit]\nleast = 0\n", "profit", "most", 2),
        ("a = 1\n[gates.accuracy]\n", "latency", "p99_ms", 1),
        ("[gates.accuracy]\n[promotion.staging]\nfloor = 1\n", "accuracy", "floor", 1),
        ("", "accuracy", "floor", 1),
    ],
)
def test_the_line_of_a_bar(text, gate, key, line):
    assert policy_line(text, gate, key) == line


def test_the_note_says_why_by_how_much_and_what_would_help(failed):
    note = render_markdown(failed)
    assert note.startswith("### gatekit: churn\\-model version 1 failed for 'staging'\n")
    assert "**FAILED**" in note
    assert "short by 0.047" in note
    assert "A better model" in note
    assert "| accuracy | accuracy | 0.8225 | 0.788 to 0.853 | >= 0.9 | FAILED |" in note.replace(
        "&gt;", ">"
    )


def test_the_note_is_text_whatever_a_model_calls_things(build):
    note = render_markdown(hostile(build))
    assert "<img" not in note
    assert "@all" not in note
    assert "[x](" not in note
    table = [line for line in note.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {7}


def test_a_long_report_is_cut_to_what_a_note_can_be(build):
    many = [("accuracy", ">=", build.accuracy()) for _ in range(400)]
    report = build.report(many, voids=["x" * 10_000] * 400)
    note = render_markdown(report)
    assert len(note.encode()) <= MOST_BYTES
    assert "more reasons stand in the report" in note


def test_the_names_are_those_that_a_ci_is_told(failed):
    assert set(ci_files(failed)) == {
        "metrics.txt",
        "gl-code-quality-report.json",
        "gatekit-report.md",
    }


def test_a_policy_is_named_from_the_root_of_the_repository(tmp_path):
    policy = tmp_path / "models" / "churn" / "gates.toml"
    policy.parent.mkdir(parents=True)
    policy.touch()
    assert path_in_repository(policy, policy.parent) == "gates.toml"
    assert path_in_repository(policy, tmp_path / "elsewhere") == "gates.toml"
    (tmp_path / ".git").mkdir()
    assert path_in_repository(policy, policy.parent) == "models/churn/gates.toml"
