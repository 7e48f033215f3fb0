"""A team's own gate in its own file counts like a built-in one; an own metric is a function."""

OWN = """
import numpy as np
import pytest

pytestmark = pytest.mark.gate("campaign")

def profit(y, prediction):
    return float(np.sum(y * prediction * 120 - prediction * 15))

def test_campaign_pays(gate, candidate, holdout):
    assert gate.measure(profit, candidate, holdout) >= 0
"""

DECLARED = """
model = "toy"
suites = ["gates"]
[data.holdout]
path = "holdout.parquet"
target = "label"
[gates.accuracy]
floor = 0.8
[own.campaign]
least = {least}
[promotion.staging]
requires = ["accuracy", "campaign"]
"""


def with_own(project, text, least=0):
    project.policy(DECLARED.format(least=least))
    (project.root / "gates").mkdir(exist_ok=True)
    (project.root / "gates" / "test_campaign.py").write_text(text)


def test_it_runs_beside_the_built_in_ones_and_is_required(project):
    with_own(project, OWN.replace(">= 0", ">= gate.policy.campaign.least"))
    result = project.run("--model-uri", project.register(), "--promote-to", "staging")
    assert (result.ret, project.holder) == (0, "1")
    assert [str(g.outcome) for g in project.report.gates] == ["PASSED", "PASSED"]
    assert "BCa bootstrap" in project.report.checks[-1].estimate.method


def test_it_refuses_like_a_built_in_one(project):
    with_own(project, OWN.replace(">= 0", ">= gate.policy.campaign.least"), least=1_000_000)
    result = project.run("--model-uri", project.register(), "--promote-to", "staging")
    project.refused(result, "FAILED", "profit >= 1e+06   FAILED")


def test_a_bar_of_the_policy_that_is_never_compared_refuses(project):
    with_own(project, OWN)
    result = project.run("--model-uri", project.register(), "--promote-to", "staging")
    project.refused(result, "FAILED", "the bar campaign.least = 0 was never compared")


def test_an_undeclared_gate_that_fails_blocks_too(project):
    (project.root / "test_own.py").write_text(OWN.replace(">= 0", ">= 1e9"))
    result = project.run(
        "--model-uri",
        project.register(),
        "--promote-to",
        "staging",
        "--pyargs",
        "gatekit_suites",
        "test_own.py",
    )
    project.refused(result, "FAILED", "1 failed, 2 passed")


def test_misuse_is_explained(project):
    project.policy(DECLARED.format(least=0))
    (project.root / "gates").mkdir()
    (project.root / "gates" / "test_misuse.py").write_text(
        """
import pytest
from gatekit.gates import accuracy

def test_no_mark(gate):
    pass

@pytest.mark.gate("campaign")
def test_float(gate, candidate, holdout):
    assert float(gate.measure(accuracy.overall, candidate, holdout)) > 0.5

@pytest.mark.gate("campaign")
def test_equal(gate, candidate, holdout):
    assert gate.measure(accuracy.overall, candidate, holdout) == 1.0

@pytest.mark.gate("campaign")
def test_strict(gate, candidate, holdout):
    assert gate.measure(accuracy.overall, candidate, holdout) > 0.5

@pytest.mark.gate("campaign")
def test_nan_bar(gate, candidate, holdout):
    assert gate.measure(accuracy.overall, candidate, holdout) >= float("nan")

@pytest.mark.gate("campaign")
def test_unknown_key(gate, candidate, holdout):
    assert gate.measure(accuracy.overall, candidate, holdout) >= gate.policy.accuracy.flor

@pytest.mark.gate("campaign")
def test_metric_without_rows(gate, candidate):
    assert gate.measure(max, candidate) >= 0
"""
    )
    result = project.run("--model-uri", project.register(), "gates")
    said = result.stdout.str()
    assert result.ret == 1
    assert 'needs @pytest.mark.gate("name")' in said
    assert said.count("a measurement has an interval, so it answers only") >= 3
    assert "a bar is a finite number" in said
    assert "flor" in said
    assert "write gate.measure(max, candidate, holdout)" in said
