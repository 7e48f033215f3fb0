import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from gatekit.decision import GateOutcome
from gatekit.estimate import Estimate
from gatekit.ledger import TestOutcome as Ended
from gatekit.ledger import no_champion
from gatekit.report.axis import draw_interval
from gatekit.report.page import MOST_BYTES, render_page
from gatekit.report.view import Limits, gate_views
from gatekit.verdict import Outcome, Verdict

VOID = ("meta", "link", "br", "img", "input")


class Page(HTMLParser):
    """The page as a reader meets it: its text, its tags, whether they nest."""

    def __init__(self, text):
        super().__init__()
        self.words, self.tags, self.open, self.faults = [], [], [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("outcome", ["failed", "inconclusive", "passed", "incomplete"])
def test_a_page_says_the_verdict_and_every_check(outcome, request):
    report = request.getfixturevalue(outcome)
    assert report.outcome == outcome.upper()
    page = Page(render_page(report))
    assert page.faults == []
    assert page.open == []
    assert report.sentence in page.text
    assert outcome.upper() in page.text
    for check in report.checks:
        assert check.verdict.reason in page.text
        assert check.estimate.method in page.text
        assert f"n = {check.estimate.n:,}" in page.text
    for result in report.gates:
        for reason in result.reasons:
            assert reason.rpartition(": ")[2] in page.text
    assert report.digest in page.text
    assert report.policy["text"].splitlines()[0] in page.text


def test_the_top_says_what_failed_by_how_much_and_what_would_help(failed):
    top = Page(render_page(failed).partition("<main>")[0]).text
    assert "accuracy is 0.8225, between 0.788 and 0.853 at level 0.95; at least 0.9 is asked" in top
    assert "short by 0.047" in top
    assert "What would help: A better model" in top
    assert "p99" not in top


def test_in_a_gate_what_stopped_the_model_comes_before_what_passed_and_what_was_shown(failed):
    (fails,) = [check for check in failed.checks if check.gate == "accuracy"]
    passes = replace(fails, verdict=replace(fails.verdict, outcome=Outcome.PASSED))
    shown = replace(fails, bar=None, verdict=Verdict(Outcome.SHOWN, "no bar", blocking=False))
    named = [
        replace(check, estimate=replace(check.estimate, name=name))
        for name, check in (("shown", shown), ("passes", passes), ("fails", fails))
    ]
    (gate, *_) = gate_views(replace(failed, checks=tuple(named)), Limits(10, 100, 10))
    assert [check.name for check in gate.checks] == ["fails", "passes", "shown"]


def test_an_undecided_model_is_told_how_many_rows_would_decide(inconclusive):
    needed = inconclusive.checks[0].verdict.rows_needed
    assert f"About {needed:,} rows of such data, now 400" in Page(render_page(inconclusive)).text


def test_a_pass_has_nothing_in_its_way(passed):
    assert 'class="stops"' not in render_page(passed)


def test_each_check_wears_its_own_outcome(failed):
    kinds = re.findall(r'<article class="([^"]+)">', render_page(failed))
    assert kinds == ["FAILED", "PASSED"]


def test_a_count_says_by_how_much_it_is_over(build):
    found = build.exact(
        "unanswered rows", 3, n=100, method="search", detail=("row 7 has no answer",)
    )
    text = Page(render_page(build.report([("schema", "<=", found)], names=("schema",)))).text
    assert "ceiling not met: over by 3" in text
    assert "row 7 has no answer" in text


def test_what_a_model_says_is_never_markup(build):
    evil = "<script>alert(1)</script>\"'><img src=x>"
    who = build.identity(evil)
    who["policy"]["text"] = who["data"]["path"] = who["run"]["by"] = evil
    who["policy"]["changes"] = [{"key": "k", "gate": "accuracy", "loosened": True, "words": evil}]
    who["model"]["files"] = [{"path": evil, "size": 1, "sha256": "0"}]
    estimate = Estimate(evil, 0.5, 0.4, 0.6, 0.95, 9, evil, evil, detail=(evil,))
    tests = [Ended(evil, evil, "skipped", evil)]
    report = build.report([("accuracy", ">=", estimate)], who=who, tests=tests, voids=[evil])
    page = Page(render_page(report))
    assert page.faults == []
    assert {tag for tag, _ in page.tags} & {"script", "img"} == set()
    assert evil in "".join(page.words)


def test_nothing_is_fetched_and_nothing_runs(failed):
    page = Page(render_page(failed))
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "img", "iframe", "object")
        assert "src" not in attributes
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    style = render_page(failed).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_is_made_for_everyone(failed):
    page = Page(render_page(failed))
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "en"}) in page.tags
    assert tags.count("h1") == 1
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert tags.count("svg") == tags.count("desc") == 2
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [a["href"][1:] for _, a in page.tags if "href" in a]
    assert set(links) <= set(ids)


@pytest.mark.parametrize("factor", [1, 30])
def test_a_huge_report_stays_small_and_says_what_it_leaves_out(build, factor):
    detail = tuple(f"group {i}: " + "x" * 300 for i in range(500))
    estimates = [("accuracy", ">=", build.accuracy(detail=detail))] * (10 * factor)
    who = build.identity("n" * 100_000)
    who["policy"]["text"] = "# y\n" * 200_000
    who["model"]["files"] *= 5_000
    tests = [Ended("accuracy", "t" * 5_000, "skipped", "w" * 5_000)] * 500
    page = render_page(build.report(estimates, who=who, tests=tests, voids=["v" * 9_000] * 300))
    assert len(page.encode()) <= MOST_BYTES
    assert re.search(r"and [\d,]+ more, in gatekit-report.json", page)


@pytest.mark.parametrize("op", [">=", "<="])
@pytest.mark.parametrize(
    ("value", "low", "high", "bar"),
    [
        (1.4, 1.2, math.inf, 50.0),
        (0.0, -math.inf, math.inf, 0.0),
        (1e308, -1e308, 1.7e308, -1.7e308),
        (5e-324, 0.0, 5e-324, 0.0),
        (0.0, 0.0, 0.0, 0.0),
        (7.0, 7.0, 7.0, 7.0),
        (0.5, 0.4, 0.6, 1e300),
        (-3.0, -math.inf, -2.0, -2.5),
    ],
)
def test_every_interval_can_be_drawn(build, value, low, high, bar, op):
    estimate = Estimate("odd & <rare>", value, low, high, 0.95, 10, "made up")
    (check,) = build.checks(estimate, op, bar)
    root = ElementTree.fromstring(draw_interval(check, "m"))
    places = [
        v for e in root.iter() for k, v in e.attrib.items() if k in ("x", "x1", "x2", "cx", "width")
    ]
    assert len(places) > 8
    for place in places:
        assert 0 <= float(place.removesuffix("%")) <= 100


def test_the_drawing_puts_bounds_value_and_bar_in_order(build):
    (check,) = build.checks(build.accuracy(), ">=", 0.9)
    root = ElementTree.fromstring(draw_interval(check, "m"))
    dot = root.find("circle")
    span = next(line for line in root.iter("line") if line.get("class") == "span")
    bar = next(line for line in root.iter("line") if line.get("class") == "bar")
    places = [span.get("x1"), dot.get("cx"), span.get("x2"), bar.get("x1")]
    numbers = [float(place.removesuffix("%")) for place in places]
    assert numbers == sorted(numbers)
    assert numbers[0] == 22
    assert numbers[3] == 78
    middle = 22 + (0.8225 - 0.788) / (0.9 - 0.788) * 56
    assert numbers[1] == pytest.approx(middle, abs=0.01)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_said_and_not_drawn(build, value):
    report = build.report([("accuracy", ">=", build.accuracy(value, math.nan, math.nan))])
    page = render_page(report)
    assert report.outcome is GateOutcome.FAILED
    assert "<svg" not in page
    assert "not a number" in page


def test_no_champion_is_said_and_not_drawn(build):
    gain = no_champion("accuracy gain", 0.95, "nobody holds it")
    page = Page(render_page(build.report([("accuracy", ">=", gain)])))
    assert "NO CHAMPION" in page.text
    assert "nobody holds it" in page.text
    assert "svg" not in [tag for tag, _ in page.tags]


def test_a_run_that_measured_nothing_has_a_page(build):
    text = Page(render_page(build.report())).text
    assert "no gate was run" in text
    assert "required, but nothing of it was measured" in text


def test_a_loosened_bar_is_shown_twice(build):
    who = build.identity()
    words = "accuracy.floor loosened from 0.9 to 0.78 by ada"
    who["policy"]["changes"] = [
        {"key": "accuracy.floor", "gate": "accuracy", "loosened": True, "words": words}
    ]
    text = Page(
        render_page(build.report([("accuracy", ">=", build.accuracy())], floor=0.78, who=who))
    ).text
    assert "Bars were loosened for this run" in text
    assert words in text


def test_tests_that_did_not_pass_are_listed(build):
    tests = [Ended("latency", "suites/test_latency.py::test_p99", "skipped", "no time")]
    text = Page(render_page(build.report([("accuracy", ">=", build.accuracy())], tests=tests))).text
    assert "Tests that did not pass" in text
    assert "skipped: no time" in text


def test_half_a_surrogate_pair_does_not_stop_the_page(build):
    report = build.report([("accuracy", ">=", build.accuracy(detail=("\ud800",)))])
    assert render_page(report).encode()
