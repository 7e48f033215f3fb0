"""Promise P9: who does not gate does not pay; importing gatekit imports none of its parts."""

import json
import subprocess
import sys

import pytest

import gatekit

HEAVY = {"mlflow", "numpy", "pandas", "pyarrow", "scipy", "sklearn"}
LISTING = """
import json, pathlib, sys

def pytest_sessionfinish():
    path = pathlib.Path(__file__).with_name("modules.json")
    path.write_text(json.dumps(sorted(sys.modules)))
"""


def modules_after(code):
    """What sys.modules holds after `code` in a fresh process."""
    code += "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_the_plugin_without_a_model_imports_nothing_of_ours_beyond_itself(tmp_path):
    (tmp_path / "conftest.py").write_text(LISTING)
    (tmp_path / "pytest.ini").touch()
    command = [sys.executable, "-m", "pytest", "--co", "-q", "-p", "no:locust"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout + done.stderr
    modules = set(json.loads((tmp_path / "modules.json").read_text()))
    assert {name for name in modules if name.partition(".")[0].startswith("gatekit")} == {
        "gatekit_pytest",
        "gatekit_pytest.fixtures",
        "gatekit_pytest.options",
        "gatekit_pytest.plugin",
    }
    assert modules & HEAVY == set()


def test_importing_gatekit_imports_none_of_its_parts():
    modules = modules_after("import gatekit; dir(gatekit)")
    assert {name for name in modules if name.startswith("gatekit")} == {"gatekit"}
    assert modules & HEAVY == set()


@pytest.mark.parametrize("name", ["Estimate", "Verdict", "Measurement", "read_policy", "make_plan"])
def test_a_policy_is_read_and_judged_without_the_heavy_ones(name):
    modules = modules_after(f"from gatekit import {name}")
    assert modules & HEAVY == set()


def test_mlflow_is_not_imported_to_open_a_run():
    assert "mlflow" not in modules_after("from gatekit import open_run, open_registry")


def test_every_public_name_is_there():
    for name in gatekit.__all__:
        assert getattr(gatekit, name) is not None
        assert name in dir(gatekit)
    from gatekit.verdict import Verdict

    assert gatekit.Verdict is Verdict


def test_the_version_is_the_installed_one():
    from importlib.metadata import version

    assert gatekit.__version__ == version("pytest-gatekit")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'gatekit' has no attribute 'Verdikt'"):
        _ = gatekit.Verdikt
