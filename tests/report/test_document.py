import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from gatekit.errors import GatekitError
from gatekit.report.document import SCHEMA, Report, summary_tag

GOLDEN = Path(__file__).parent / "gatekit-report-1.json"


@pytest.mark.parametrize("outcome", ["failed", "inconclusive", "passed", "incomplete"])
def test_a_report_survives_the_round_trip(outcome, request):
    report = request.getfixturevalue(outcome)
    back = Report.from_json(report.to_json())
    assert back == report
    assert back.to_json() == report.to_json()


def test_what_is_no_number_survives_it_too(build):
    estimates = [
        build.accuracy(math.nan, -math.inf, math.inf),
        build.accuracy(-math.inf, math.nan, math.nan),
    ]
    raw = build.report([("accuracy", ">=", estimate) for estimate in estimates]).to_json()
    first, second = (check.estimate for check in Report.from_json(raw).checks)
    assert math.isnan(first.value)
    assert (first.low, first.high, second.value) == (-math.inf, math.inf, -math.inf)
    assert Report.from_json(raw).to_json() == raw
    json.loads(raw, parse_constant=pytest.fail)  # NaN and Infinity are no JSON


def test_half_a_surrogate_pair_survives_it(build):
    raw = build.report([("accuracy", ">=", build.accuracy(detail=("a\ud800b",)))]).to_json()
    assert Report.from_json(raw).checks[0].estimate.detail == ("a\ud800b",)


def test_reports_of_this_schema_keep_parsing():
    raw = GOLDEN.read_bytes()
    report = Report.from_json(raw)
    assert report.outcome == "FAILED"
    assert report.digest == "9f3c" * 16
    assert [(g.gate, str(g.outcome)) for g in report.gates] == [
        ("accuracy", "FAILED"),
        ("latency", "PASSED"),
    ]
    accuracy, latency = report.checks
    assert accuracy.key == "accuracy.floor"
    assert (accuracy.estimate.low, accuracy.bar) == (0.788, 0.9)
    assert math.isinf(latency.estimate.low)
    assert report.loosened("latency") == ("latency.p99_ms loosened from 10.0 to 50.0 by ada",)
    assert report.loosened("accuracy") == ()
    assert report.to_json() == raw


def test_another_schema_is_named():
    raw = GOLDEN.read_bytes().replace(SCHEMA.encode(), b"gatekit-report/2")
    with pytest.raises(
        GatekitError, match=r"'gatekit-report/2'; this gatekit reads 'gatekit-report/1'"
    ):
        Report.from_json(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b"null", b'"x"', b"\xff", GOLDEN.read_bytes()[:-200]]
)
def test_what_is_no_report_is_refused_in_words(raw):
    with pytest.raises(GatekitError, match="not a gatekit report"):
        Report.from_json(raw)


@pytest.mark.parametrize("key", ["model", "checks", "gates", "outcome", "tests", "run"])
def test_a_report_without_a_part_is_refused(key):
    document = json.loads(GOLDEN.read_bytes())
    del document[key]
    with pytest.raises(GatekitError, match=key):
        Report.from_json(json.dumps(document).encode())


def test_the_tag_names_the_bytes_of_the_report(failed):
    raw = failed.to_json()
    tag = json.loads(summary_tag(failed, raw))
    assert tag["sha256"] == hashlib.sha256(raw).hexdigest()
    assert tag["digest"] == failed.digest
    assert tag["gates"] == {"accuracy": "FAILED", "latency": "PASSED"}


def test_the_sentence_names_version_and_target(passed):
    assert passed.sentence == "churn-model version 1 passed every gate asked of it for 'staging'"
    loose = replace(
        passed, model={**passed.model, "version": None}, run={**passed.run, "target": None}
    )
    assert loose.sentence == "churn-model passed every gate asked of it"
