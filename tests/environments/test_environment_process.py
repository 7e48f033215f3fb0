"""A model's process in the environment that it declares: with that alone, and behind its walls."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from gatekit.environments.model import ModelEnvironment
from gatekit.errors import ModelMisbehaved
from gatekit.runner import landlock
from gatekit.runner.environment import code_alone
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.testing import write_toy

from .wheels import write_wheel

TABLE = pa.table({"x0": [-1.0, 1.0], "x1": [0.0] * 2, "x2": [0.0] * 2, "x3": [0.0] * 2})
# What a package can do when Python starts: read what it should not, and write what it saw.
STARTS = "import nosy_start\n"
NOSY = """
import json, os
seen = {}
for name, path in (("gate", f"/proc/{os.getppid()}/environ"), ("home", %r)):
    try:
        seen[name] = len(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read())
    except OSError as error:
        seen[name] = type(error).__name__
with open("seen.json", "w") as out:
    json.dump(seen, out)
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """One folder of environments for all tests here."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def run(tmp_path, monkeypatch, kept, index):
    monkeypatch.setenv("GATEKIT_ENVIRONMENTS", str(kept))
    runners = []

    def start(folder, *requirements, **limits):
        (folder / "requirements.txt").write_text("\n".join(requirements))
        built = ModelEnvironment(folder, is_declared=True).built()
        code = code_alone(tmp_path)
        readable = (str(built.folder), str(code))
        asked = Limits(readable=readable, python=str(built.python), code=str(code), **limits)
        runners.append(Runner(asked, tmp_path / "run" / "scratch"))
        return runners[-1], built

    yield start
    for runner in runners:
        runner.close()


def test_it_runs_with_old_numpy_and_with_nothing_of_ours(run, tmp_path):
    folder = write_toy(tmp_path / "model", "threshold")
    runner, built = run(folder, "numpy==1.26.4")
    assert built.packages["numpy"] == "1.26.4"
    assert built.added == ("pyarrow", "pyyaml")
    runner.load(folder, "native")
    assert runner.predict(TABLE).tolist() == [0, 1]
    if landlock.version():
        assert {wall.partition(":")[0] for wall in runner.walls} >= {"secrets", "files", "network"}
    with pytest.raises(ModelMisbehaved, match="No module named 'mlflow'") as lacks:
        runner.load(folder, "pyfunc")
    assert "No package that it declares has this module" in str(lacks.value)


@pytest.mark.skipif(not landlock.version(), reason="no Landlock on this machine")
def test_what_a_package_does_when_python_starts_it_does_behind_the_walls(
    run, tmp_path, monkeypatch
):
    wheels = tmp_path / "wheels"
    files = {"nosy.pth": STARTS, "nosy_start.py": NOSY % str(Path.home())}
    write_wheel(wheels, "nosy", "1.0", files=files)
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    folder = write_toy(tmp_path / "model", "threshold")
    runner, _ = run(folder, "numpy==1.26.4", "nosy")
    runner.load(folder, "native")
    seen = json.loads((tmp_path / "run" / "scratch" / "seen.json").read_text())
    assert seen == {"gate": "PermissionError", "home": "PermissionError"}


def test_without_a_wall_that_was_asked_for_no_package_is_looked_at(run, tmp_path, monkeypatch):
    wheels = tmp_path / "wheels"
    files = {"nosy.pth": STARTS, "nosy_start.py": NOSY % str(Path.home())}
    write_wheel(wheels, "nosy", "1.0", files=files)
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    folder = write_toy(tmp_path / "model", "threshold")
    # a wall around memory is raised only with a limit
    runner, _ = run(folder, "numpy==1.26.4", "nosy", walls=("memory",), memory_mb=None)
    with pytest.raises(ModelMisbehaved, match="asks for a wall around memory"):
        runner.load(folder, "native")
    assert not (tmp_path / "run" / "scratch" / "seen.json").exists()


def test_gatekit_alone_is_alone(tmp_path):
    code = code_alone(tmp_path)
    assert code_alone(tmp_path) == code
    assert [each.name for each in code.iterdir()] == ["gatekit"]
    assert str(code) not in sys.path
