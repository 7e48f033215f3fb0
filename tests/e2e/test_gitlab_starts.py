"""Other repositories on GitLab: the component in five lines, and what `gatekit init` writes.

`make pipeline-test` runs it.
"""

import json
import re
import shutil

import pytest

from gatekit.cli import main
from tests.toy_project import furnish

from .gitlab import ONLY_ASKED, ROOT, VENV, Repository

pytestmark = ONLY_ASKED
POLICY = """
model = "toy"

[data.holdout]
path = "holdout.parquet"
target = "label"

[gates.accuracy]
floor = 0.9

[promotion.staging]
requires = ["accuracy"]
"""
# Training stands in for the user's own: it says which version it registered.
FIVE_LINES = """
train:
  stage: build
  script: [echo "MODEL_VERSION=$TRAINED" > train.env]
  artifacts: {reports: {dotenv: train.env}}

include:
  - component: $CI_SERVER_FQDN/team/project/gate@$CI_COMMIT_SHA
    inputs:
      model: toy
      version: $MODEL_VERSION
  - component: $CI_SERVER_FQDN/team/project/promote@$CI_COMMIT_SHA
    inputs:
      model: toy
      version: $MODEL_VERSION
"""
# The environment is there already, so nothing is installed; a registry that is a folder needs no server.
TOLD = {"PYTEST_ADDOPTS": "-p no:locust -p no:schemathesis"}


def furnished(root):
    """A toy project whose registry, and what a run leaves, are no part of the repository."""
    (root / ".gitignore").write_text("registry\n.gatekit\n.gitlab-ci-local\n")
    return furnish(root)


def holder(registry, target):
    held = registry.holder("toy", target, "alias")
    return held.version if held else None


@pytest.fixture(scope="module")
def including(tmp_path_factory):
    """A project that includes the components, and its registry."""
    root = tmp_path_factory.mktemp("including")
    registry = furnished(root)
    (root / "gates.toml").write_text(POLICY)
    with_venv = FIVE_LINES.replace("inputs:\n", f'inputs:\n      venv: "{VENV}"\n')
    (root / ".gitlab-ci.yml").write_text(with_venv)
    # a component of the project itself, at the commit that runs: the one kind that needs no remote
    shutil.copytree(ROOT / "templates", root / "templates")
    return Repository(root, "team/project", **TOLD), registry


def test_the_component_refuses_a_bad_version(including):
    project, registry = including
    done = project.run(told={"TRAINED": "2"})
    assert done.states == {"train": "PASS", "gate": "FAIL"}, done.printed
    assert done.code == 1
    assert holder(registry, "staging") is None


def test_the_component_promotes_a_good_version_on_its_proof(including):
    project, registry = including
    done = project.run(told={"TRAINED": "1"})
    jobs = ("train", "gate", "promote-staging")
    assert done.states == dict.fromkeys(jobs, "PASS"), done.printed
    assert done.code == 0
    assert "GATES PASSED  toy version 1" in done.printed
    assert holder(registry, "staging") == "1"
    reports = project.root / "gate-report"
    assert json.loads((reports / "gl-code-quality-report.json").read_text()) == []
    assert (reports / "gatekit-report.html").is_file()


def test_inputs_name_job_stage_and_target(including):
    project, _ = including
    more = 'target: "canary"\n      when: "manual"\n      stage: "deploy"\n'
    text = (project.root / ".gitlab-ci.yml").read_text()
    first, promote = text.split("/promote@$CI_COMMIT_SHA")
    first = first.replace("inputs:\n", 'inputs:\n      job: "judge"\n', 1)
    promote = promote.replace("inputs:\n", f"inputs:\n      {more}", 1)
    (project.root / "other.yml").write_text(f"{first}/promote@$CI_COMMIT_SHA{promote}")
    listed = project.run("--file", "other.yml", "--list-json")
    jobs = {job["name"]: job for job in json.loads(listed.out)}
    assert set(jobs) == {"train", "judge", "promote-canary"}
    assert jobs["promote-canary"]["when"] == "manual"
    assert jobs["promote-canary"]["stage"] == "deploy"


def test_an_input_that_must_be_given_is_asked_for(including):
    project, _ = including
    text = (project.root / ".gitlab-ci.yml").read_text()
    (project.root / "lacking.yml").write_text(text.replace("      version: $MODEL_VERSION\n", ""))
    done = project.run("--file", "lacking.yml", "--list")
    assert done.code != 0
    assert re.search(r"version.* required value has not been provided", done.printed)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """An empty repository after `gatekit init --ci gitlab`."""
    root = tmp_path_factory.mktemp("started")
    registry = furnished(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        given = ("--model", "toy", "--target", "label", "--data", "holdout.parquet")
        assert main(["init", "--ci", "gitlab", *given]) == 0
    return Repository(root, "team/started", VENV=str(VENV), **TOLD), registry


def test_what_init_wrote_refuses_a_bad_version(started):
    project, registry = started
    done = project.run(version="2")
    assert done.states == {"gate": "FAIL"}, done.printed
    assert holder(registry, "staging") is None


def test_what_init_wrote_goes_to_staging_by_itself_and_to_production_by_hand(started):
    project, registry = started
    done = project.run(version="1")
    assert done.states == {"gate": "PASS", "staging": "PASS"}, done.printed
    assert (holder(registry, "staging"), holder(registry, "production")) == ("1", None)
    done = project.run("production", version="1")
    assert (done.code, done.states) == (0, {"production": "PASS"}), done.printed
    assert holder(registry, "production") == "1"
