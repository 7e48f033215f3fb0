"""What a stranger installs: built from the tracked files, tried from another folder."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from gatekit.registry.folder import FolderRegistry
from gatekit.testing import toy_holdout, write_toy

ROOT = Path(__file__).resolve().parents[1]
POLICY = """
model = "toy"

[data.holdout]
path = "holdout.parquet"
target = "label"

[gates.accuracy]
floor = 0.8

[gates.schema]
examples = 20

[gates.robustness]
stability = 0.3

[promotion.staging]
requires = ["accuracy", "schema", "robustness"]
"""

pytestmark = pytest.mark.slow


def run(*command, cwd, ok=True):
    """A command without the developer's PYTHONPATH, so that only what is installed is found."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLFLOW"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 or not ok, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the source distribution and the wheel that was built from it."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    listed = run("git", "ls-files", "-z", cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)
    # neither --wheel nor --sdist: the wheel is made from the source distribution, not the tree
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, tree, cwd=tree)
    return out


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A fresh environment: the wheel is installed, everything else is looked up in ours."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install"]
    run(*pip, "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    (site,) = folder.glob("lib/python*/site-packages")
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # a plain path: the .pth files in it, an editable gatekit's among them, are not followed
    (site / "zz_dependencies.pth").write_text("\n".join(sorted(ours)) + "\n")
    return folder


@pytest.fixture
def project(tmp_path):
    """A folder that knows nothing of this repository."""
    (tmp_path / "gates.toml").write_text(POLICY)
    (tmp_path / "pyproject.toml").write_text('[tool.gatekit]\nregistry = "folder:registry"\n')
    toy_holdout(tmp_path / "holdout.parquet", 400, seed=1)
    registry = FolderRegistry(tmp_path / "registry")
    registry.register("toy", write_toy(tmp_path / "model", "threshold"))
    return tmp_path


def test_the_wheel_takes_no_foreign_name(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "gatekit",
        "gatekit_locust",
        "gatekit_pytest",
        "gatekit_service",
        "gatekit_suites",
        "pytest_gatekit-0.1.0.dist-info",
    }
    assert not [name for name in names if "/test_" in name and "gatekit_suites" not in name]


def test_the_wheel_holds_every_tracked_module_and_page(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    homes = {
        "gatekit/": "gatekit/",
        "plugins/gatekit_pytest/": "gatekit_pytest/",
        "plugins/gatekit_locust/": "gatekit_locust/",
        "service/gatekit_service/": "gatekit_service/",
        "suites/": "gatekit_suites/",
    }
    tracked = run("git", "ls-files", *homes, cwd=ROOT).stdout.splitlines()
    wanted = {
        home + name.removeprefix(folder)
        for folder, home in homes.items()
        for name in tracked
        if name.startswith(folder) and (ROOT / name).is_file()
    }
    assert {"gatekit/report/page.html", "gatekit/py.typed", "gatekit_suites/test_accuracy.py"} <= (
        wanted
    )
    assert wanted - names == set()


def test_the_source_distribution_holds_the_licence(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "pyproject.toml", "suites/test_accuracy.py"} <= names


def test_what_is_imported_is_what_was_installed(installed, project):
    python = installed / "bin" / "python"
    code = "import gatekit, gatekit_pytest, gatekit_suites, gatekit_service, gatekit_locust\n"
    code += "for m in (gatekit, gatekit_pytest, gatekit_suites, gatekit_service, gatekit_locust):\n"
    code += "    print(m.__file__)\n"
    code += "print(gatekit.__version__)"
    *files, version = run(python, "-c", code, cwd=project).stdout.splitlines()
    assert len(files) == 5
    assert all(Path(file).is_relative_to(installed) for file in files), files
    assert version == "0.1.0"


def test_the_installed_suites_gate_and_promote_from_anywhere(installed, project):
    gate = [installed / "bin" / "python", "-m", "pytest", "-p", "no:locust"]
    gate += ["-p", "no:schemathesis", "-p", "no:cacheprovider", "--pyargs", "gatekit_suites"]
    done = run(*gate, "--model-uri", "models:/toy/1", "--promote-to", "staging", cwd=project)
    assert "PROMOTED  toy version 1 now holds 'staging'" in done.stdout
    assert ": 3 passed\n" in done.stdout
    assert (project / ".gatekit" / "report" / "gatekit-report.html").stat().st_size > 1000
    assert FolderRegistry(project / "registry").holder("toy", "staging", "alias").version == "1"
    failed = run(
        *gate,
        "--model-uri",
        "models:/toy/1",
        "--gate-set",
        "accuracy.floor=1.0",
        cwd=project,
        ok=False,
    )
    assert failed.returncode == 1
    assert "GATES INCONCLUSIVE" in failed.stdout


def test_the_command_is_there(installed, project):
    done = run(installed / "bin" / "gatekit", "--help", cwd=project)
    assert "promote" in done.stdout
    assert "rollback" in done.stdout
    status = run(installed / "bin" / "gatekit", "status", "toy", cwd=project, ok=False)
    assert "Traceback" not in status.stdout + status.stderr
