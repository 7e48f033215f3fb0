"""The churn example as a project of its own, for benchmarks of whole runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = '[tool.gatekit]\ngates = "examples/churn/gates.toml"\n'
FOREIGN = ("MLFLOW_", "GITLAB_", "GITHUB_", "PYTEST_")
# The plugins of a user's installation; those of the tests' own environment are kept out.
GATES = ("-p", "gatekit_pytest.plugin", "-p", "_hypothesis_pytestplugin", "-q")
GATES = (*GATES, "-p", "no:cacheprovider", "--model-uri", "models:/churn-model/2")
# How long one row takes on a busy machine is not what is measured here.
GATES = (*GATES, "--gate-set", "latency.p99_ms=5000")
CHAMPION = ("--champion", "models:/churn-model/1")


def make_project(root: Path) -> None:
    """Train and register both models in `root`: version 1 is logistic, version 2 boosted."""
    ignored = shutil.ignore_patterns("data", "__pycache__")
    shutil.copytree(ROOT / "examples/churn", root / "examples/churn", ignore=ignored)
    shutil.copy(ROOT / "examples/registering.py", root / "examples")
    (root / "pyproject.toml").write_text(SETTINGS)
    for kind in ("logistic", "boosting"):
        done = called(root, sys.executable, "examples/churn/train.py", "--model", kind)
        if done.returncode != 0:
            sys.exit(done.stderr[-2000:])


def called(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in the project, as a person runs it; one thread a prediction on every side."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    # what is installed is compiled, and so is a checkout from its second run on
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
