"""A small project with a folder registry and toy models: gates run in a second, without MLflow."""

import json
from pathlib import Path

# loaded once: pytester unloads what a run in this process loads, and `cryptography` bears no twin
import cryptography.hazmat.primitives.asymmetric.ec
import cryptography.hazmat.primitives.asymmetric.ed25519
import cryptography.hazmat.primitives.serialization  # noqa: F401
import pytest

import gatekit_pytest.session  # noqa: F401 - loaded once, or every run in this process would again
from gatekit import cli
from gatekit.attest.keys import private_key
from gatekit.gates import accuracy, robustness  # noqa: F401
from gatekit.registry.folder import FolderRegistry
from gatekit.report.document import Report
from gatekit.runner.forkserver import ForkServer
from gatekit.testing.toys import toy_holdout, write_toy
from tests.forks import LIGHT

POLICY = """
model = "toy"

[data.holdout]
path = "holdout.parquet"
target = "label"

[gates.accuracy]
floor = 0.8
tolerated_loss = 0.05

[gates.robustness]
stability = 0.3

[promotion.staging]
requires = ["accuracy", "robustness"]
"""

KEYS = '\n[keys.ci]\npublic = "ci.pem.pub"\nroles = ["attest", "promote"]\n'
VARIABLE = "GATEKIT_SIGNING_KEY"
OWN = """
import pytest
pytestmark = pytest.mark.gate("accuracy")
"""


class Project:
    """What a test does and sees: run pytest, then compare exit code, report and pointer."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.root = Path(pytester.path)
        self.registry = FolderRegistry(self.root / "registry")
        self.policy(POLICY)
        (self.root / "pyproject.toml").write_text('[tool.gatekit]\nregistry = "folder:registry"\n')
        (self.root / "pytest.ini").write_text(
            "[pytest]\naddopts = -p no:locust -p no:schemathesis -p no:cacheprovider\n"
        )
        toy_holdout(self.root / "holdout.parquet", 400, seed=1, groups=("sex",))

    def policy(self, text):
        (self.root / "gates.toml").write_text(text)

    def register(self, rule="threshold", **params):
        """Register a toy as the next version and return its URI."""
        folder = write_toy(
            self.root / "made" / str(len(list(self.root.glob("made/*")))), rule, **params
        )
        version = self.registry.register("toy", folder)
        return f"models:/toy/{version.version}"

    def run(self, *args):
        """pytest in this process: three times as fast, and what it imports is here already."""
        return self.pytester.runpytest_inprocess(*args)

    def run_apart(self, *args):
        """pytest in a process of its own, where the process matters."""
        (self.root / "light.py").write_text(LIGHT)
        return self.pytester.runpytest_subprocess("-p", "light", *args)

    @property
    def report(self):
        """The report on disk, None if nothing was written."""
        path = self.root / ".gatekit" / "report" / "gatekit-report.json"
        return Report.from_json(path.read_bytes()) if path.exists() else None

    @property
    def holder(self):
        held = self.registry.holder("toy", "staging", "alias")
        return held.version if held else None

    def tags(self, version="1"):
        """The report tags of a version, parsed."""
        tags = self.registry.version("toy", version).tags
        return [json.loads(v) for k, v in tags.items() if k.startswith("gatekit.report.")]

    def refused(self, result, outcome, *words):
        """Exit code, report, tag and pointer all say the same: no."""
        assert result.ret == 1
        assert str(self.report.outcome) == outcome
        assert [tag["outcome"] for tag in self.tags()] == [outcome]
        assert self.holder is None
        said = result.stdout.str()
        assert "PROMOTION REFUSED" in said
        for word in words:
            assert word in said


@pytest.fixture(autouse=True)
def light_server(monkeypatch):
    """Toys need neither scikit-learn nor MLflow: no run here waits for their imports."""
    monkeypatch.setattr("gatekit.runner.forkserver.MODULES", ("pandas",))


class Lent:
    """One fork server for many runs: none of them ends it."""

    def __init__(self, server):
        self.fork = server.fork

    def close(self):
        pass


@pytest.fixture(scope="session")
def server():
    """With what a model of another loader than gatekit's own needs."""
    made = ForkServer.begin(("pandas", "mlflow.pyfunc"))
    yield made
    if made is not None:
        made.close()


@pytest.fixture
def lent_server(server, monkeypatch):
    """Runs that are not about their fork server need not begin one each."""
    if server is not None:
        monkeypatch.setattr(ForkServer, "begin", lambda: Lent(server))


@pytest.fixture
def project(pytester):
    return Project(pytester)


@pytest.fixture
def keyed(project, monkeypatch):
    """The project with a key that its policy trusts, its private half in the environment."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert cli.main(["keygen", "--out", "ci.pem"]) == 0
    project.policy(POLICY + KEYS)
    pem = (project.root / "ci.pem").read_text()
    (project.root / "ci.pem").unlink()
    monkeypatch.setenv(VARIABLE, pem)
    project.pem, project.key = pem, private_key(pem, "test")
    return project


@pytest.fixture
def promoter(keyed, monkeypatch):
    """Gives the key back, which a run takes out of the environment."""
    return lambda: monkeypatch.setenv(VARIABLE, keyed.pem)
