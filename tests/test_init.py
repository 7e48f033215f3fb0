"""`gatekit init` in an empty repository of git, and what it wrote, run as the CI would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gatekit.cli import main
from gatekit.errors import UsageProblem
from gatekit.policy_file import read_policy
from gatekit.registry.folder import FolderRegistry
from gatekit.starter.write import Start, write_start
from gatekit.testing import toy_holdout, write_toy

from . import ci_files

BIN = Path(sys.executable).parent
GIVEN = ("--model", "toy", "--target", "label", "--data", "holdout.parquet")
FILES = {
    "gitlab": [".gitlab-ci.yml"],
    "github": [
        ".github/workflows/candidate-to-staging.yml",
        ".github/workflows/promote-to-production.yml",
    ],
}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """An empty repository, then: a registry with a good and a bad version, and a holdout."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def furnish(root: Path) -> FolderRegistry:
    (root / "pyproject.toml").write_text('[tool.gatekit]\nregistry = "folder:registry"\n')
    toy_holdout(root / "holdout.parquet", 400, seed=1)
    registry = FolderRegistry(root / "registry")
    registry.register("toy", write_toy(root / "good", "threshold"))
    registry.register("toy", write_toy(root / "bad", "wrong_length"))
    return registry


def init(ci, *more):
    return main(["init", "--ci", ci, *GIVEN, *more])


def sh(script: str, root: Path, ok=True, **variables: str) -> str:
    """Lines of a pipeline, as a runner gives them to its shell."""
    foreign = ("MLFLOW_", "GITLAB_", "GITHUB_", "PYTEST_", "CI")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=root,
        env={
            **kept,
            "PATH": f"{BIN}:{kept['PATH']}",
            "PYTEST_ADDOPTS": "-p no:locust",
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("ci", FILES)
def test_it_writes_files_that_are_what_the_ci_reads(repository, ci, capsys):
    assert init(ci) == 0
    said = capsys.readouterr().out
    for name in ("gates.toml", "gates/test_usefulness.py", *FILES[ci]):
        assert f"written:   {name}" in said
        assert "@" not in (repository / name).read_text().replace("actions/", "").replace("@v", "")
    ci_files.check(f"{ci}-ci" if ci == "gitlab" else "github-workflows", *map(Path, FILES[ci]))
    policy = read_policy(repository / "gates.toml")
    assert (policy.model, policy.holdout.target) == ("toy", "label")
    assert set(policy.promotion) == {"staging", "production"}


@pytest.mark.parametrize("ci", FILES)
def test_it_never_overwrites(repository, ci, capsys):
    (repository / "gates.toml").write_text("mine")
    assert init(ci) == 1
    assert (repository / "gates.toml").read_text() == "mine"
    assert "left as is: gates.toml is there already" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}
    assert init(ci) == 1
    assert {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "a b"},
        {"model": '$(rm -rf "x")'},
        {"data": "../holdout.parquet"},
        {"data": "/etc/passwd"},
        {"target": "a\nb"},
        {"floor": 1.0},
        {"install": "x; rm -rf y"},
    ],
)
def test_what_a_pipeline_cannot_carry_is_refused(tmp_path, wrong):
    good = {"model": "m", "data": "d.csv", "target": "y", "floor": 0.9, "install": "pytest-gatekit"}
    with pytest.raises(UsageProblem):
        write_start(tmp_path, "gitlab", Start(**{**good, **wrong}))
    assert not list(tmp_path.iterdir())


def test_a_target_with_quotes_is_read_back(tmp_path):
    write_start(tmp_path, "github", Start("m", "d.csv", 'the "y"', 0.9, "pytest-gatekit"))
    assert read_policy(tmp_path / "gates.toml").holdout.target == 'the "y"'


def gitlab_job(root: Path, name: str, version: str, ok=True) -> str:
    """One job of the pipeline file, its input filled in."""
    text = (root / ".gitlab-ci.yml").read_text().partition("\n---\n")[2]
    jobs = yaml.load(text.replace("$[[ inputs.version ]]", version), ci_files.Loader)
    lines = [*jobs["default"]["before_script"], *jobs[name]["script"]]
    variables = {**jobs["variables"], "VENV": str(BIN.parent), "CI_JOB_URL": "job"}
    return sh("\n".join(lines), root, ok, CI_PIPELINE_URL="pipeline", **variables)


def github_job(root: Path, file: str, name: str, ok=True, **inputs: str) -> str:
    """The `run` steps of one job, `if` and expressions as far as the starter uses them."""
    flow = ci_files.github(root / ".github" / "workflows" / file)
    declared = flow["on"]["workflow_dispatch"]["inputs"]
    inputs = {key: inputs.get(key, said.get("default", "")) for key, said in declared.items()}
    variables = {key: str(value) for key, value in flow["env"].items()}
    variables |= {"VERSION": inputs["version"], "GITHUB_RUN_ID": "1"}
    variables["GITHUB_STEP_SUMMARY"] = str(root / "summary.md")
    del variables[
        "MLFLOW_TRACKING_URI"
    ]  # a variable of the repository: here, pyproject.toml names it
    lines = []
    for step in flow["jobs"][name]["steps"]:
        asked = step.get("if", "always()")
        wanted = asked == "always()" or asked == f"inputs.action == '{inputs.get('action')}'"
        if "run" in step and wanted and step["name"] != "Install":
            lines.append(step["run"])
    return sh("\n".join(lines), root, ok, **variables)


def test_the_written_pipeline_of_gitlab_runs(repository):
    init("gitlab")
    registry = furnish(repository)
    said = gitlab_job(repository, "gate", "1")
    assert "GATES PASSED  toy version 1: 5 passed" in said
    assert "usefulness" in said
    for name in ("gl-code-quality-report.json", "metrics.txt", "junit.xml", "gatekit-report.md"):
        assert (repository / "gate-report" / name).stat().st_size > 1
    assert registry.holder("toy", "staging", "alias") is None
    gitlab_job(repository, "staging", "1")
    assert "production" in gitlab_job(repository, "production", "1")
    assert registry.holder("toy", "production", "alias").version == "1"
    passed = ci_files.junit(repository / "gate-report" / "junit.xml")
    assert len(set(passed)) == len(passed) > 5
    refused = gitlab_job(repository, "gate", "2", ok=False)
    assert sorted(ci_files.junit(repository / "gate-report" / "junit.xml")) == sorted(passed)
    assert "accuracy" in refused
    gitlab_job(repository, "staging", "2", ok=False)
    assert registry.holder("toy", "staging", "alias").version == "1"


def test_the_written_workflows_of_github_run(repository):
    init("github")
    registry = furnish(repository)
    staging, production = "candidate-to-staging.yml", "promote-to-production.yml"
    assert "GATES PASSED" in github_job(repository, staging, "gate", version="1")
    assert "toy version 1 passed every gate" in (repository / "summary.md").read_text()
    refused = github_job(repository, production, "production", ok=False, version="1")
    assert "staging" in refused
    github_job(repository, staging, "staging", version="1")
    assert registry.holder("toy", "staging", "alias").version == "1"
    github_job(repository, production, "production", version="1")
    assert registry.holder("toy", "production", "alias").version == "1"
