"""docs/tutorial.md, step by step: by default with a stand-in for the trained model, in this
process; `make tutorial` trains it, and every command is a process as a person has it.
"""

import os
from pathlib import Path

# loaded once: pytester unloads what a run in this process loads, and `cryptography` bears no twin
import cryptography.hazmat.primitives.asymmetric.ed25519
import cryptography.hazmat.primitives.serialization  # noqa: F401
import pytest

import gatekit_pytest.session  # noqa: F401 - loaded once, or every run in this process would again
from gatekit.gates import accuracy, parity, safety, schema  # noqa: F401
from gatekit.registry.folder import FolderRegistry
from gatekit.runner import landlock
from gatekit.testing import write_toy

from .pages import ROOT, Follower, Person, blocks

BLOCKS = blocks(ROOT / "docs" / "tutorial.md")
IN_WHOLE = "GATEKIT_TUTORIAL"


def register_the_stand_in():
    """A toy that says of each row of the holdout what the tutorial's model says of it."""
    columns = ("calls", "months", "bill")
    toy = write_toy(Path("stand-in"), "threshold", columns, t=3.0)
    FolderRegistry(Path("registry")).register("churn-model", toy)


@pytest.fixture
def walls():
    """Without a wall around secrets no run is signed."""
    if landlock.version():
        return
    if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
        pytest.fail("no Landlock on this machine, and GATEKIT_REQUIRE_ALL=1")
    pytest.skip("no Landlock on this machine: no run would be signed")


@pytest.mark.usefixtures("walls", "light")
def test_every_step_does_what_the_page_says(pytester, monkeypatch, capsys):
    instead = {
        "export MLFLOW_TRACKING_URI=sqlite:///mlflow.db": "export MLFLOW_TRACKING_URI=folder:registry",
        "python train.py": register_the_stand_in,
    }
    plugins = "-p no:locust -p no:schemathesis -p no:cacheprovider"
    (pytester.path / "pytest.ini").write_text(f"[pytest]\naddopts = {plugins}\n")
    follower = Follower(pytester, monkeypatch, capsys, instead)
    for block in BLOCKS:
        follower.follow(block)


@pytest.mark.skipif(not os.environ.get(IN_WHOLE), reason="make tutorial: a minute or two")
def test_a_person_gets_the_same(tmp_path, monkeypatch):
    foreign = ("MLFLOW_", "GITLAB_", "GITHUB_", "PYTEST_", "GATEKIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    person = Person({**kept, "PYTEST_ADDOPTS": "-p no:locust"})
    monkeypatch.chdir(tmp_path)
    for block in BLOCKS:
        person.follow(block)
    assert (tmp_path / "mlflow.db").exists()
