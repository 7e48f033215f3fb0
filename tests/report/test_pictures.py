"""What measures hand over to be drawn, and how it looks: against oracles, and as XML."""

import math
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from gatekit.estimate import Estimate
from gatekit.evidence.scores import score_table
from gatekit.gates import pictures
from gatekit.ledger import Measurement
from gatekit.picture import MOST, Curve
from gatekit.report.champion import champion_value
from gatekit.report.charts import draw_pictures
from gatekit.report.document import Report
from gatekit.report.page import render_page
from gatekit.report.since import earlier, since_last
from gatekit.stats import calibration

RANDOM = np.random.default_rng(7)
SCORES = RANDOM.beta(2, 2, 3000)
TRUE = RANDOM.random(3000) < SCORES
ROWS = pictures.rows(
    "accuracy by slice", ["a & <b>", "c"], [0.7, 0.8], ([0.6, -math.inf], [0.8, 0.9])
)


def reliability():
    order = np.argsort(SCORES)
    found = calibration.bins(SCORES[order], TRUE[order].astype(float), np.ones(3000))
    return pictures.reliability(found, 0.95)


ALL = {
    "roc": pictures.roc(score_table(SCORES, TRUE)),
    "reliability": reliability(),
    "times": pictures.histogram("times", np.exp(RANDOM.normal(size=900)), "ms"),
    "attack": pictures.flipped(np.append(RANDOM.exponential(size=300), math.inf), 20.0),
    "rows": ROWS,
}


def test_the_roc_goes_through_points_of_the_true_one():
    (curve,) = ALL["roc"]
    alarms, hits, _ = roc_curve(TRUE, SCORES, drop_intermediate=False)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    for x, y in zip(curve.x, curve.y, strict=True):
        assert np.abs(alarms - x + 1j * (hits - y)).min() < 1e-4


def test_the_histogram_counts_every_call():
    (curve,) = ALL["times"]
    assert sum(curve.y) == 900
    assert len(curve.x) == len(curve.y) + 1


def test_no_spread_and_times_of_zero_have_no_histogram():
    assert pictures.histogram("t", np.ones(5), "ms") == ()
    assert pictures.histogram("t", np.array([0.0, 1.0]), "ms") == ()


def test_the_attack_curve_ends_at_the_share_that_was_changed():
    (curve,) = ALL["attack"]
    assert curve.y[0] == 0
    assert curve.y[-1] == pytest.approx(300 / 301, abs=1e-4)
    assert list(curve.y) == sorted(curve.y)


def test_bins_of_the_reliability_lie_between_their_bounds():
    (curve,) = ALL["reliability"]
    for low, y, high in zip(curve.low, curve.y, curve.high, strict=True):
        assert low < y < high


@pytest.mark.parametrize("name", ALL)
def test_a_picture_survives_the_report_and_is_drawn(build, name):
    measured = build.p99(pictures=ALL[name])
    report = build.report([("latency", "<=", measured)])
    back = Report.from_json(report.to_json())
    assert back == report
    (check,) = back.checks
    (drawing,) = draw_pictures(check)
    for svg in [drawing.svg] if drawing.svg else [row[1] for row in drawing.rows]:
        ElementTree.fromstring(svg)
    assert drawing.name in render_page(back)
    assert "a & <b>" not in render_page(back)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"x": (1.0, 2.0), "y": (1.0,)}, "y needs 2 entries"),
        ({"x": (math.nan,), "y": (1.0,)}, "finite"),
        ({"x": (1.0,), "y": (1.0,), "low": (math.nan,), "high": (1.0,)}, "bound"),
        ({"x": (1.0,), "y": (1.0,), "low": (1.0,)}, "low and high"),
        ({"x": (1.0,) * (MOST + 1), "y": (1.0,) * (MOST + 1)}, "can be drawn"),
        ({"x": (), "y": ()}, "can be drawn"),
    ],
)
def test_what_cannot_be_drawn_is_refused(fields, why):
    with pytest.raises(ValueError, match=why):
        Curve("odd", "line", **fields)


def test_a_sealed_measurement_shows_no_picture(build):
    made = Measurement(build.accuracy(pictures=ROWS), "accuracy", "t", blocking=True, sealed=True)
    assert made.estimate.pictures == ()


def test_the_champion_stands_where_it_measures(build):
    gain = Estimate("accuracy gain", 0.01, -0.02, 0.03, 0.95, 400, "paired")
    report = build.report([("accuracy", ">=", build.accuracy()), ("accuracy", ">=", gain)])
    value, compared = report.checks
    assert champion_value(value, report.checks) == pytest.approx(0.8125)
    assert champion_value(compared, report.checks) == 0
    assert champion_value(value, [value]) is None
    page = render_page(report)
    assert "champion 0.8125" in page
    assert "champion 0<" not in page
    assert ">as the champion<" in page
    assert "A model as the champion measures 0." in page
    other = replace(gain, n=399)  # of other rows: no difference of the two means anything
    report = build.report([("accuracy", ">=", build.accuracy()), ("accuracy", ">=", other)])
    assert champion_value(report.checks[0], report.checks) is None


def test_the_page_tells_what_changed_since_the_champion_was_gated(build):
    before = build.report([("accuracy", ">=", build.accuracy(0.8))])
    who = build.identity()
    who["policy"] = {**who["policy"], "digest": "new", "text": "floor = 0.95\n"}
    who["data"]["rows"] = 500
    kept = earlier(before, who["policy"]["text"])
    who["champion"] = {"title": "churn-model version 0", "version": "0", "report": kept}
    report = build.report([("accuracy", ">=", build.accuracy())], who=who)
    since = since_last(Report.from_json(report.to_json()))
    assert since.lines == ("Policy: another one.", "Data: the same bytes.")
    assert since.measures == (("accuracy: accuracy", "0.8", "0.8225"),)
    assert "+floor = 0.95" in since.policy
    assert "-floor = 0.9" in since.policy
    assert "Since the last promotion" in render_page(report)


def test_the_budget_of_the_test_set_is_shown(build):
    who = build.identity()
    who["run"]["uses"] = {"number": 3, "declared": 32, "words": "use 3 of 32"}
    page = render_page(build.report([("accuracy", ">=", build.accuracy())], who=who))
    assert "use 3 of 32" in page
    assert "3 of 32 declared uses" in page
