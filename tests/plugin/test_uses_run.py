"""A run counts its use of the test set before it reads a label, and says where the set stands."""

import json

import pytest

from gatekit.runner.forkserver import ForkServer

from .conftest import POLICY

DECLARED = POLICY.replace('target = "label"', 'target = "label"\nuses = 2')
ADAPTIVE = DECLARED.replace("uses = 2", 'uses = 2\nspending = "adaptive"')


@pytest.fixture(autouse=True)
def nothing_ahead(monkeypatch):
    """No process that imports ahead what no toy needs: it is most of a run's time."""
    monkeypatch.setattr(ForkServer, "begin", lambda: None)


def entries(project):
    return [entry for _, entry in project.registry.entries("toy.uses")]


def summary(result):
    return " ".join(result.stdout.str().split())


def test_uses_are_counted_and_shown_and_a_retry_is_free(project):
    uri = project.register()
    result = project.run("--model-uri", uri)
    assert result.ret == 0
    assert "use 1 of the test set; the policy declares no number" in summary(result)
    assert project.report.run["uses"]["number"] == 1
    project.run("--model-uri", uri, "-k", "accuracy")
    assert len(entries(project)) == 1
    project.run("--model-uri", uri, "--gate-set", "accuracy.floor=0.81")  # another policy
    project.run("--model-uri", project.register(wrong=0.05))
    assert len(entries(project)) == 3


def test_looking_is_no_use_and_neither_is_a_gate_that_asks_no_label(project):
    project.policy(POLICY + "\n[gates.safety]\n")
    uri = project.register()
    project.run("--model-uri", uri, "--collect-only")
    project.run("--model-uri", uri, "-k", "loading")
    assert project.report.run["uses"] == {}
    assert entries(project) == []


def test_the_same_model_registered_again_is_the_same_model(project):
    first, second = project.register(), project.register()
    assert project.run("--model-uri", first, "--promote-to", "staging").ret == 0
    result = project.run("--model-uri", second, "--promote-to", "staging")
    said = summary(result)
    assert "the same model as version 1, registered again: nothing to compare with" in said
    assert result.ret == 0
    assert project.holder == "2"
    assert len(entries(project)) == 1
    assert project.run("--model-uri", second, "--champion", first).ret == 0
    assert len(entries(project)) == 1


def test_a_spent_test_set_leaves_labels_open_and_asks_for_fresh_ones(project):
    project.policy(DECLARED)
    warned = [summary(project.run("--model-uri", project.register(wrong=w))) for w in (0, 0.01)]
    assert "use 2 of the test set, 0 of 2 left: label fresh rows soon" in warned[1]
    assert "level 0.95 spent over 2 uses (fixed)" in json.dumps(project.report.document())
    result = project.run("--model-uri", project.register(wrong=0.02), "--promote-to", "staging")
    assert result.ret == 1
    assert project.holder is None
    assert "fresh labels needed: all 2 uses of this test set are spent" in summary(result)
    held = {check.estimate.name: check for check in project.report.checks}
    assert str(held["accuracy"].verdict.outcome) == "INCONCLUSIVE"
    assert not held["accuracy"].estimate.is_number
    assert str(held["stability"].verdict.outcome) == "PASSED"  # asks no label
    assert str(project.report.outcome) == "INCONCLUSIVE"


def test_sealed_labels_tell_no_number_anywhere(project):
    project.policy(ADAPTIVE)
    result = project.run(
        "--model-uri", project.register(wrong=0.1), "--gate-set", "accuracy.floor=0.9"
    )
    assert result.ret == 1
    assert "more is not told" in summary(result)
    page = (project.root / ".gatekit/report/gatekit-report.html").read_text()
    for text in (result.stdout.str(), project.report.to_json().decode(), page):
        assert "0.895" not in text  # what the model scores here, and its bounds
        assert "0.89" not in text
    told = entries(project)[1]
    assert (told["event"], json.loads(told["passed"])) == ("told", [])
    assert json.loads(told["told"]) == ["accuracy.floor"]


def test_a_folder_is_gated_without_a_count(project):
    project.register()
    folder = str(next((project.root / "made").iterdir()))
    assert project.run("--model-uri", folder).ret == 0
    project.policy(DECLARED)
    result = project.run("--model-uri", folder)
    assert result.ret == 1
    assert "could not be counted: a model folder is gated without a registry" in summary(result)


@pytest.mark.slow
def test_spread_over_workers_it_is_one_use_at_the_spent_level(project):
    project.policy(DECLARED)
    result = project.run_apart("--model-uri", project.register(), "-n", "2")
    assert result.ret == 0
    assert len(entries(project)) == 1
    (accuracy,) = [c for c in project.report.checks if c.estimate.name == "accuracy"]
    assert accuracy.estimate.level == pytest.approx(0.975)
    assert project.report.run["uses"]["left"] == 1
