"""`gatekit init` in an empty repository of git, and what it wrote, run as the CI would."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gatekit.cli import main
from gatekit.errors import UsageProblem
from gatekit.policy_file import read_policy
from gatekit.starter.write import Start, write_start

from . import ci_files
from .forks import LIGHT
from .toy_project import furnish

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
    """An empty repository."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(ci, *more):
    return main(["init", "--ci", ci, *GIVEN, *more])


def shell(script: str, root: Path, **variables: str) -> tuple[int, str]:
    """Lines of a pipeline, as a runner gives them to its shell: exit code and all they printed."""
    foreign = ("MLFLOW_", "GITLAB_", "GITHUB_", "PYTEST_", "CI")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    (root / "light.py").write_text(LIGHT)
    plugins = "-p no:locust -p no:schemathesis -p light"
    kept |= {"PATH": f"{BIN}:{kept['PATH']}", "PYTEST_ADDOPTS": plugins, "PYTHONPATH": str(root)}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=root,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


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
    code, printed = shell("\n".join(lines), root, CI_PIPELINE_URL="pipeline", **variables)
    assert (code == 0) == ok, printed
    return printed


def wanted(step: dict, failed: bool, inputs: dict[str, str]) -> bool:
    """Whether a step runs, as far as the starter uses `if`."""
    asked = step.get("if", "success()")
    if asked in ("always()", "success()"):
        return asked == "always()" or not failed
    name, value = re.fullmatch(r"inputs\.(\w+) == '(\w+)'", asked).groups()
    return not failed and inputs[name] == value


def github_job(root: Path, file: str, name: str, ok=True, **given: str) -> str:
    """The `run` steps of one job, one by one, and whether it ends as it should."""
    flow = ci_files.github(root / ".github" / "workflows" / file)
    declared = flow["on"]["workflow_dispatch"]["inputs"]
    assert given.keys() <= declared.keys()
    inputs = {key: given.get(key, said.get("default", "")) for key, said in declared.items()}
    known = {"inputs.version": inputs["version"]}
    variables = {key: filled(str(value), known) for key, value in flow["env"].items()}
    del variables["MLFLOW_TRACKING_URI"]  # of the repository: here, pyproject.toml names it
    summary = {"GITHUB_STEP_SUMMARY": str(root / "summary.md"), "GITHUB_RUN_ID": "1"}
    failed, printed = False, ""
    for step in flow["jobs"][name]["steps"]:
        if "run" in step and step["name"] != "Install" and wanted(step, failed, inputs):
            code, said = shell(step["run"], root, **variables, **summary)
            failed, printed = failed or code != 0, printed + said
    assert failed != ok, printed
    return printed


def filled(text: str, known: dict[str, str]) -> str:
    """An expression's value; one that nobody knows is empty, as on GitHub."""
    return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: known.get(found[1], ""), text)


def read_reports(folder: Path) -> tuple[float, set[str]]:
    """Whether the metrics say it passed, and the files that Code Quality points at."""
    series = ci_files.metrics((folder / "metrics.txt").read_text())
    found = ci_files.findings((folder / "gl-code-quality-report.json").read_text())
    return series["gatekit_run_passed", ()], {each["location"]["path"] for each in found}


def test_the_written_pipeline_of_gitlab_runs(repository):
    init("gitlab")
    registry = furnish(repository)
    said = gitlab_job(repository, "gate", "1")
    assert "GATES PASSED  toy version 1: 5 passed" in said
    assert "usefulness" in said
    assert read_reports(repository / "gate-report") == (1, set())
    assert "passed every gate" in (repository / "gate-report" / "gatekit-report.md").read_text()
    assert registry.holder("toy", "staging", "alias") is None
    gitlab_job(repository, "staging", "1")
    assert "production" in gitlab_job(repository, "production", "1")
    assert registry.holder("toy", "production", "alias").version == "1"
    passed = ci_files.junit(repository / "gate-report" / "junit.xml")
    assert len(set(passed)) == len(passed) > 5
    refused = gitlab_job(repository, "gate", "2", ok=False)
    assert sorted(ci_files.junit(repository / "gate-report" / "junit.xml")) == sorted(passed)
    assert "accuracy" in refused
    assert read_reports(repository / "gate-report") == (0, {"gates.toml"})
    gitlab_job(repository, "staging", "2", ok=False)
    assert registry.holder("toy", "staging", "alias").version == "1"


def test_the_written_workflows_of_github_run(repository):
    init("github")
    registry = furnish(repository)
    staging, production = "candidate-to-staging.yml", "promote-to-production.yml"
    flow = ci_files.github(repository / ".github" / "workflows" / staging)
    assert flow["jobs"]["staging"]["needs"] == "gate"  # a gate that fails stops it there
    github_job(repository, staging, "gate", ok=False, version="2")
    assert "toy version 2 failed" in (repository / "summary.md").read_text()
    assert "GATES PASSED" in github_job(repository, staging, "gate", version="1")
    assert "toy version 1 passed every gate" in (repository / "summary.md").read_text()
    refused = github_job(repository, production, "production", ok=False, version="1")
    assert "staging" in refused
    github_job(repository, staging, "staging", version="1")
    assert registry.holder("toy", "staging", "alias").version == "1"
    github_job(repository, production, "production", version="1")
    assert registry.holder("toy", "production", "alias").version == "1"
    back = github_job(
        repository, production, "production", ok=False, version="2", action="rollback"
    )
    assert "no rollback of 'production' to version 2" in " ".join(back.split())
    assert registry.holder("toy", "production", "alias").version == "1"
