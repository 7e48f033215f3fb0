"""Our .gitlab-ci.yml, run whole against a live `mlflow server`, its jobs' states read one by one.

    make pipeline-test

gitlab-ci-local stands in for GitLab, with jobs as plain shells of this machine. It takes minutes, so
the suite runs it only where GATEKIT_PIPELINE_TEST=1.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ..servers import start_server  # noqa: TID252 - tests are no installed package

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(sys.executable).parents[1]
RUNNER = ROOT / "requirements/node/node_modules/gitlab-ci-local/dist/index.js"
STATE = re.compile(r"^ *(PASS|FAIL|WARN) +(\S+)", re.MULTILINE)
# The pipeline is tried here; the gates have tests of their own, so few of them are asked.
POLICY = """
model = "churn-model"

[data.holdout]
path = "data/holdout.parquet"
target = "churn"

[gates.accuracy]
floor = 0.9

[gates.staging]
p99_ms = 5000

[gates.load]
error_rate = 0.05
seconds = 2
users = 1

[promotion.staging]
requires = ["accuracy"]

[promotion.production]
from = "staging"
requires = ["staging", "load"]
override = ["accuracy", "staging", "load", "ladder"]
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("GATEKIT_PIPELINE_TEST") != "1", reason="make pipeline-test"),
]


@pytest.fixture(scope="module")
def node():
    """The stand-in, or why it is not there."""
    lacks = [str(p.name) for p in (VENV / "bin" / "node", RUNNER) if not p.is_file()]
    lacks += [name for name in ("rsync", "git") if shutil.which(name) is None]
    assert not lacks, f"needs {', '.join(lacks)}: make pipeline-test"
    return [str(VENV / "bin" / "node"), str(RUNNER)]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Pipeline:
    """A clone of the tracked files, with a remote, and pipelines of it."""

    def __init__(self, root: Path, node: list[str], registry: str) -> None:
        self.root, self._node, self.registry = root, node, registry
        listed = self.sh("git", "ls-files", "-z", cwd=ROOT).split("\0")
        for name in filter(None, listed):
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, root / name)
        (root / "examples/churn/gates.toml").write_text(POLICY)
        self.sh("git", "init", "--quiet", "--initial-branch", "main")
        self.sh("git", "add", "--force", ".")
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        self.sh("git", *who, "commit", "--quiet", "--message", "A candidate")
        self.sh("git", "remote", "add", "origin", "git@gitlab.example:team/churn.git")
        self.sh("git", "update-ref", "refs/remotes/origin/main", "HEAD")
        self.sh("git", "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.told = {
            "VENV": str(VENV),
            "CHECKS": "none",
            "DEPLOY_WITH": "process",
            "DEPLOY_SECONDS": "900",
            "MLFLOW_TRACKING_URI": registry,
            "STAGING_URL": self.url,
            "GATEKIT_POLL_SECONDS": "1",
            "DVC_NO_ANALYTICS": "1",
        }

    def sh(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command, cwd=cwd or self.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *words: str, **inputs: str) -> tuple[int, dict[str, str], str]:
        """Exit code, state of each job that ran, and all it printed."""
        command = [*self._node, "--force-shell-executor", *words]
        for name, value in self.told.items():
            command += ["--variable", f"{name}={value}"]
        for name, value in inputs.items():
            command += ["--input", f'{name}="{value}"']
        foreign = ("MLFLOW_", "GITLAB_", "PYTEST_", "CI", "GATEKIT_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        done = subprocess.run(
            command,
            cwd=self.root,
            env=kept,
            capture_output=True,
            text=True,
            timeout=3600,
            check=False,
        )
        printed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        return done.returncode, {job: state for state, job in STATE.findall(printed)}, printed

    def holder(self, target: str) -> str | None:
        from gatekit.errors import NotFound
        from gatekit.registry.mlflow import MlflowRegistry

        try:
            held = MlflowRegistry(self.registry).holder("churn-model", target, "alias")
        except NotFound:
            return None
        return held.version if held else None


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of its own: nobody else's churn-model is on it."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "artifacts").mkdir()
    database, one = f"sqlite:///{folder / 'registry.db'}", ("--workers", "1")
    uri, process = start_server(database, folder / "artifacts", folder / "server.log", one)
    yield uri
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(60)


@pytest.fixture(scope="module")
def pipeline(node, server, tmp_path_factory):
    made = Pipeline(tmp_path_factory.mktemp("gitlab"), node, server)
    yield made
    environment = {**os.environ, **made.told}
    stop = [sys.executable, "service/deploy/deploy", "staging", "--stop"]
    subprocess.run(stop, cwd=made.root, env=environment, check=True)


@pytest.fixture(scope="module")
def refused(pipeline):
    """A pipeline of a model below the floor."""
    return *pipeline.run(model="logistic"), pipeline.holder("staging")


@pytest.fixture(scope="module")
def good(pipeline, refused):
    """A pipeline of a model above it; nobody names a manual job."""
    done = pipeline.run(model="boosting")
    return *done, pipeline.holder("staging"), pipeline.holder("production")


def version_in(printed: str) -> str:
    return re.findall(r"churn-model version (\d+)", printed)[-1]


def test_a_refused_candidate_stops_the_pipeline_at_the_gate(refused):
    code, states, printed, holder = refused
    assert code == 1, printed
    assert states == {"train": "PASS", "gate": "FAIL"}, printed
    assert "it cannot reach the floor" in printed
    assert holder is None


def test_a_good_one_reaches_staging_and_waits_there_for_a_person(good):
    code, states, printed, staging, production = good
    jobs = ("train", "gate", "staging", "deploy-staging", "staging-suite", "load")
    assert states == dict.fromkeys(jobs, "PASS"), printed
    assert code == 0
    assert staging == version_in(printed)
    assert production is None
    assert f"serves churn-model version {staging}" in printed


def test_the_reports_are_there_for_gitlab(pipeline, good):
    reports = pipeline.root / "gate-report"
    assert json.loads((reports / "gl-code-quality-report.json").read_text()) == []
    assert (reports / "metrics.txt").read_text().endswith("# EOF\n")
    assert (reports / "gatekit-report.html").is_file()


def test_the_named_job_promotes_the_given_version(pipeline, good):
    version = good[3]
    code, states, printed = pipeline.run("production", version=version)
    assert (code, states) == (0, {"production": "PASS"}), printed
    assert pipeline.holder("production") == version


def test_a_version_without_proof_stays_out_whoever_presses_the_button(pipeline, good, refused):
    unproved = version_in(refused[2])
    code, states, printed = pipeline.run("production", version=unproved)
    assert code == 1
    assert states == {"production": "FAIL"}, printed
    assert f"ladder: version {unproved} never held 'staging'" in printed
    assert pipeline.holder("production") == good[3]


def test_the_rollback_job_goes_back_to_what_was_proved(pipeline, good, refused):
    environment = {**os.environ, "MLFLOW_TRACKING_URI": pipeline.registry}
    forced = ["promote", f"models:/churn-model/{version_in(refused[2])}", "--to", "production"]
    forced += ["--override", "the classic exercise"]
    forced += [
        word for gate in ("accuracy", "staging", "load", "ladder") for word in ("--gate", gate)
    ]
    subprocess.run(
        [str(VENV / "bin" / "gatekit"), *forced], cwd=pipeline.root, env=environment, check=True
    )
    assert pipeline.holder("production") == version_in(refused[2])
    code, states, printed = pipeline.run("rollback")
    assert (code, states) == (0, {"rollback": "PASS"}), printed
    assert pipeline.holder("production") == good[3]
