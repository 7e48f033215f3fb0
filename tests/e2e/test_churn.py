"""The main job on real MLflow, by the commands a person types."""

from __future__ import annotations

import json
import re

import pytest

from gatekit.digest import model_digest
from gatekit.project import person

pytestmark = pytest.mark.slow

V1, V2 = "models:/churn-model/1", "models:/churn-model/2"


def test_training_prints_what_it_registered(trained):
    assert trained.logistic["model_version"] == "1"
    assert trained.logistic["accuracy"] == 0.8225
    assert trained.boosting["model_version"] == "2"
    assert trained.boosting["accuracy"] == 0.9425


def test_a_model_below_the_floor_is_refused(trained, refused):
    assert refused.done.code == 1
    assert "accuracy 0.8225 [0.788, 0.853] >= 0.9 FAILED" in refused.done.said
    assert "PROMOTION REFUSED churn-model version 1 stays out of 'staging'" in refused.done.said
    assert refused.holder is None


def test_the_report_is_kept_with_the_version_and_not_in_its_files(trained, refused):
    assert refused.before == refused.after
    run_id, summary = next(iter(trained.project.reports("1").items()))
    assert summary["outcome"] == "FAILED"
    report = json.loads(trained.project.registry.read(run_id, "gatekit-report.json"))
    assert report["model"]["digest"] == model_digest(refused.before)
    kept = trained.project.registry._client.list_artifacts(run_id, "gatekit")
    assert "gatekit/gatekit-report.json" in {file.path for file in kept}


def test_a_model_above_the_floor_is_promoted_and_loads_by_its_alias(trained, promoted):
    assert promoted.done.code == 0, promoted.done.said
    assert "PROMOTED churn-model version 2 now holds 'staging'" in promoted.done.said
    assert promoted.holder == "2"
    assert promoted.before == promoted.after
    answers = trained.project.load("models:/churn-model@staging")
    assert len(answers) == 5
    assert set(answers) <= {0, 1}


@pytest.mark.parametrize(
    ("sets", "code", "words"),
    [
        (
            ["accuracy.floor=0.80"],
            1,
            [
                "accuracy 0.8225 [0.788, 0.853] >= 0.8 INCONCLUSIVE",
                "the floor lies inside the interval: 400 rows",
            ],
        ),
        (
            ["accuracy.floor=0.80", "accuracy.level=0.5"],
            0,
            ["accuracy 0.8225 >= 0.8 PASSED point", "accuracy.level loosened from 0.95 to 0.5"],
        ),
    ],
)
def test_a_loosened_bar_decides_and_says_so(trained, refused, sets, code, words):
    flags = [flag for text in sets for flag in ("--gate-set", text)]
    done = trained.project.pytest(V1, "--gates", "quick.toml", *flags)
    assert done.code == code, done.said
    for word in words:
        assert word in done.said
    assert (code == 1) == bool(re.search(r"cannot decide it, about [\d,]+ would", done.said))
    now = float(sets[0].partition("=")[2])
    assert f"accuracy.floor loosened from 0.9 to {now:g} by {person()}" in done.said
    assert f"gatekit promote {V1} --to TARGET --override REASON --gate accuracy" in done.said
    assert trained.project.holder() != "1"


def test_a_loosened_pass_promotes_only_by_an_override_that_the_target_allows(trained, refused):
    project, quick = trained.project, ("--gates", "quick.toml")
    done = project.pytest(V1, *quick, "--gate-set", "accuracy.floor=0.78")
    assert done.code == 0, done.said
    assert "accuracy 0.8225 [0.788, 0.853] >= 0.78 PASSED" in done.said
    assert f"accuracy.floor loosened from 0.9 to 0.78 by {person()}" in done.said
    plain = project.gatekit("promote", V1, "--to", "canary", *quick)
    assert plain.code == 1
    assert "passed a bar that was lowered by hand" in plain.said
    override = ("--override", "a test of overrides", "--gate", "accuracy")
    barred = project.gatekit("promote", V1, "--to", "staging", *quick, *override)
    assert barred.code == 1
    assert "does not allow overriding 'accuracy' for 'staging'" in barred.said
    assert project.holder("canary") is None
    done = project.gatekit("promote", V1, "--to", "canary", *quick, *override)
    assert done.code == 0, done.said
    assert "overridden: a test of overrides" in done.said
    assert project.holder("canary") == "1"


def test_a_pointer_is_gated_as_the_version_it_leads_to(trained, promoted):
    done = trained.project.pytest("models:/churn-model@staging", "--gates", "quick.toml")
    assert done.code == 0, done.said
    assert "GATES PASSED churn-model version 2" in done.said
    outcomes = [each["outcome"] for each in trained.project.reports("2").values()]
    assert outcomes == ["PASSED"] * len(outcomes)
    assert len(outcomes) >= 2


def test_a_run_and_a_folder_are_gated_and_not_promotable(trained, tmp_path):
    project = trained.project
    folder = project.registry.fetch(V2, tmp_path / "downloaded")
    count = len(project.reports("2"))
    for uri in (f"runs:/{trained.boosting['run_id']}/model", str(folder)):
        done = project.pytest(uri, "--gates", "quick.toml")
        assert done.code == 0, done.said
        assert "accuracy 0.9425" in done.said
        assert "gated, but not promotable" in done.said
        refused = project.pytest(uri, "--gates", "quick.toml", "--promote-to", "staging")
        assert refused.code == 4
        assert "is no registered version, so it cannot be promoted" in refused.said
    assert len(project.reports("2")) == count
