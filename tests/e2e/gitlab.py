"""What stands in for GitLab: gitlab-ci-local over a repository of git, jobs as plain shells.

It takes a minute a pipeline, so the suite runs it only where GATEKIT_PIPELINE_TEST=1.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(sys.executable).parents[1]
RUNNER = ROOT / "requirements/node/node_modules/gitlab-ci-local/dist/index.js"
# what a test may say in GitLab's place
PREDEFINED = "CI_PIPELINE_SOURCE,CI_REGISTRY_IMAGE"
STATE = re.compile(r"^ *(PASS|FAIL|WARN) +(\S+)", re.MULTILINE)
ONLY_ASKED = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("GATEKIT_PIPELINE_TEST") != "1", reason="make pipeline-test"),
]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def environment(**more: str) -> dict[str, str]:
    """What a runner's shell has: nothing of this test run, and no registry of its own."""
    foreign = ("MLFLOW_", "GITLAB_", "PYTEST_", "CI", "GATEKIT_")
    return {k: v for k, v in os.environ.items() if not k.startswith(foreign)} | more


@dataclass(frozen=True, slots=True)
class Done:
    """A pipeline's exit code, the state of each job that ran, its output, and all it printed."""

    code: int
    states: dict[str, str]
    out: str
    printed: str

    def said_by(self, job: str) -> str:
        """What one job printed, its words a space apart: jobs run, and print, side by side."""
        lines = re.findall(rf"^{re.escape(job)} +> (.*)", self.printed, re.MULTILINE)
        return " ".join(" ".join(lines).split())


class Repository:
    """A repository with a remote, and pipelines of it."""

    def __init__(self, root: Path, remote: str, **told: str) -> None:
        """`root` has its files already; `told` are the variables of the project."""
        lacks = [str(p.name) for p in (VENV / "bin" / "node", RUNNER) if not p.is_file()]
        lacks += [name for name in ("rsync", "git") if shutil.which(name) is None]
        assert not lacks, f"needs {', '.join(lacks)}: make pipeline-test"
        self.root, self.told = root, told
        self.sh("git", "init", "--quiet", "--initial-branch", "main")
        self.sh("git", "add", "--force", ".")
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        self.sh("git", *who, "commit", "--quiet", "--message", "A candidate")
        self.sh("git", "remote", "add", "origin", f"git@gitlab.example:{remote}.git")
        self.sh("git", "update-ref", "refs/remotes/origin/main", "HEAD")
        self.sh("git", "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")

    def sh(self, *command: str, **more: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment(**more),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *words: str, told: dict[str, str] | None = None, **inputs: str) -> Done:
        """A pipeline, or the jobs that `words` name; `told` are further variables of this one."""
        command = [str(VENV / "bin" / "node"), str(RUNNER), "--force-shell-executor", *words]
        command += ["--ignore-predefined-vars", PREDEFINED]
        for name, value in {**self.told, **(told or {})}.items():
            command += ["--variable", f"{name}={value}"]
        for name, value in inputs.items():
            command += ["--input", f'{name}="{value}"']
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=3600,
            check=False,
        )
        printed = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        states = {job: state for state, job in STATE.findall(printed)}
        return Done(done.returncode, states, done.stdout, printed)
