"""The same job where pointers are stages, where the registry is a server, and where it is down."""

from __future__ import annotations

import time

import pytest

from tests.browser import PATIENCE_MS

pytestmark = pytest.mark.slow


def test_a_stage_is_moved_and_the_old_holder_archived(trained):
    project, model = trained.project, "churn-staged"
    registry = project.registry
    registry._client.create_registered_model(model)
    for line in (trained.logistic, trained.boosting):
        files = project.files(line["model_version"]).as_uri()
        registry._client.create_model_version(model, files, line["run_id"])
    gates = project.quick(model, pointer="stage", floor=0.75, file="stage.toml")
    for version in ("1", "2"):
        done = project.pytest(f"models:/{model}/{version}", *gates, "--promote-to", "staging")
        assert done.code == 0, done.said
        assert project.holder("staging", "stage", model) == version
    stages = {v.version: v.current_stage for v in versions(registry, model)}
    assert stages == {1: "Archived", 2: "Staging"}
    assert len(project.load(f"models:/{model}/Staging")) == 5
    named = project.gatekit("promote", f"models:/{model}/Staging", "--to", "staging", *gates)
    assert named.code == 0, named.said
    assert "churn-staged version 2 already holds 'staging'" in named.said


def versions(registry, model):
    return registry._client.search_model_versions(f"name='{model}'")


@pytest.mark.parametrize("command", ["pytest", "gatekit"])
def test_a_registry_that_is_down_is_said_to_be_down_and_soon(trained, closed_port, command):
    project, uri, start = trained.project, "models:/churn-model/2", time.monotonic()
    if command == "pytest":
        done = project.pytest(uri, registry=closed_port, seconds=60)
        assert done.code == 4
    else:
        done = project.gatekit("promote", uri, "--to", "staging", registry=closed_port, seconds=60)
        assert done.code == 1
    assert time.monotonic() - start < 20
    assert "does not answer" in done.said
    assert closed_port in done.said
    assert "no model" not in done.said
    assert "no such" not in done.said
    assert "has no version" not in done.said


@pytest.fixture(scope="module")
def on_server(trained, mlflow_server):
    """A version gated and promoted on a server: how that ended, its number, the server's URI."""
    project, (uri, _) = trained.project, mlflow_server
    version = project.train("boosting", registry=uri)["model_version"]
    done = project.pytest(f"models:/churn-model/{version}", "--promote-to", "staging", registry=uri)
    return done, version, uri


def test_the_same_job_against_a_server_over_postgresql(trained, on_server):
    done, version, uri = on_server
    assert done.code == 0, done.said
    assert f"PROMOTED churn-model version {version} now holds" in done.said
    assert len(trained.project.load("models:/churn-model@staging", registry=uri)) == 5


def test_the_report_opens_from_the_runs_artifacts_in_mlflows_own_pages(on_server, browser):
    """A person clicks from the gate run to the page, which is whole there."""
    from gatekit.registry.mlflow import MlflowRegistry

    _, version, uri = on_server
    registry = MlflowRegistry(uri)
    tags = registry.version("churn-model", version).tags
    (run_id,) = (k.removeprefix("gatekit.report.") for k in tags if k.startswith("gatekit.report."))
    experiment = registry._client.get_run(run_id).info.experiment_id
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{uri}/#/experiments/{experiment}/runs/{run_id}")
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_test_id("artifact-tree-node").get_by_text("gatekit", exact=True).click()
    page.get_by_test_id("artifact-tree-node").get_by_text("gatekit-report.html").click()
    verdict = page.frame_locator("iframe").get_by_role("heading", level=1)
    assert f"churn-model version {version} passed every gate" in verdict.inner_text()
    page.close()
