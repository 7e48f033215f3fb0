"""One project with one embedded MLflow registry: trained, gated and promoted as people do it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).resolve()
EXAMPLES = HERE.parents[2] / "examples"
BIN = Path(sys.executable).parent
PYPROJECT = """
[tool.gatekit]
gates = "examples/churn/gates.toml"

[tool.pytest]
addopts = ["-p", "no:locust", "-p", "no:schemathesis", "-p", "no:cacheprovider"]
"""
# The example's bars on one gate: `canary` may be overridden, `staging` may not.
QUICK = """
model = "{model}"
pointer = "{pointer}"

[data.holdout]
path = "examples/churn/data/holdout.parquet"
target = "churn"

[gates.accuracy]
floor = {floor}

[promotion.staging]
requires = ["accuracy"]

[promotion.canary]
requires = ["accuracy"]
override = ["accuracy"]
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended; `said` is all it printed, white space normalised."""

    code: int
    said: str
    last: str


class Project:
    """A folder with the churn example; commands run in it as a person runs them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = shutil.ignore_patterns("data", "__pycache__")
        shutil.copytree(EXAMPLES / "churn", root / "examples/churn", ignore=ignored)
        shutil.copy(EXAMPLES / "registering.py", root / "examples")
        (root / "pyproject.toml").write_text(PYPROJECT)
        self.quick()

    def quick(self, model="churn-model", pointer="alias", floor=0.9, file="quick.toml"):
        """Write a policy of one gate."""
        (self.root / file).write_text(QUICK.format(model=model, pointer=pointer, floor=floor))
        return ("--gates", file)

    def run(self, *command: str, registry: str = "", seconds: float = 120) -> Done:
        """A command in the project; `registry` is MLFLOW_TRACKING_URI."""
        foreign = ("MLFLOW_", "GITLAB_", "GITHUB_", "PYTEST_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        # on a machine that others use, boosted trees wait for the slowest core
        environment = {**kept, "OMP_NUM_THREADS": "1"}
        if registry:
            environment["MLFLOW_TRACKING_URI"] = registry
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert "Traceback" not in printed, printed
        assert "FutureWarning" not in printed, printed
        return Done(done.returncode, " ".join(printed.split()), done.stdout.strip()[-2000:])

    def pytest(self, uri: str, *args: str, **how) -> Done:
        return self.run("pytest", "--model-uri", uri, *args, **how)

    def gatekit(self, *args: str, **how) -> Done:
        return self.run("gatekit", *args, **how)

    def train(self, kind: str, **how) -> dict:
        done = self.run("python", "examples/churn/train.py", "--model", kind, **how)
        assert done.code == 0, done.said
        return json.loads(done.last.splitlines()[-1])

    def load(self, uri: str, **how) -> list:
        """What a client of MLflow gets: the answers to the first five rows."""
        code = (
            "import mlflow, pandas as pd; from gatekit.project import find_project; "
            "mlflow.set_tracking_uri(find_project().registry_uri()); "
            "rows = pd.read_parquet('examples/churn/data/holdout.parquet').drop(columns='churn'); "
            f"print(mlflow.pyfunc.load_model({uri!r}).predict(rows[:5]).tolist())"
        )
        # MLflow itself warns of stages to whoever uses them; gatekit does not
        done = self.run("python", "-W", "ignore", "-c", code, **how)
        assert done.code == 0, done.said
        return json.loads(done.last.splitlines()[-1])

    @property
    def registry(self):
        """The embedded registry, through gatekit's own eyes."""
        from gatekit.registry.embedded import embedded_uri
        from gatekit.registry.mlflow import MlflowRegistry

        return MlflowRegistry(embedded_uri(self.root))

    def files(self, version: str, model: str = "churn-model") -> Path:
        """The folder in the artifact store where a version's files lie."""
        uri = self.registry._client.get_model_version_download_uri(model, version)
        return Path(uri.removeprefix("file://"))

    def holder(self, target: str = "staging", kind="alias", model="churn-model") -> str | None:
        held = self.registry.holder(model, target, kind)
        return held.version if held else None

    def reports(self, version: str, model: str = "churn-model") -> dict[str, dict]:
        """Run id and summary of each report that the version's tags name."""
        tags = self.registry.version(model, version).tags
        prefix = "gatekit.report."
        return {k.removeprefix(prefix): json.loads(v) for k, v in tags.items() if prefix in k}


@dataclass(frozen=True, slots=True)
class Trained:
    """The project after training; both lines that training printed."""

    project: Project
    logistic: dict
    boosting: dict


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"))
    return Trained(project, project.train("logistic"), project.train("boosting"))


@dataclass(frozen=True, slots=True)
class Gated:
    """How one gate run ended, and how the version's own files looked around it."""

    done: Done
    before: tuple
    after: tuple
    holder: str | None


def gated(project: Project, version: str) -> Gated:
    from gatekit.digest import model_files

    before = model_files(project.files(version))
    done = project.pytest(f"models:/churn-model/{version}", "--promote-to", "staging")
    return Gated(done, before, model_files(project.files(version)), project.holder())


@pytest.fixture(scope="session")
def refused(trained):
    """Version 1 at the gate for staging, when nobody holds it."""
    return gated(trained.project, trained.logistic["model_version"])


@pytest.fixture(scope="session")
def promoted(trained, refused):
    """Version 2 at the same gate, after version 1 was refused."""
    return gated(trained.project, trained.boosting["model_version"])
