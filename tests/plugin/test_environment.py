"""`--model-env`, from the command line to the report."""

import sys

import numpy as np
import pytest

from gatekit.testing.toys import write_toy

pytestmark = pytest.mark.usefixtures("lent_server")

POLICY = """
model = "toy"
[data.holdout]
path = "holdout.parquet"
target = "label"
[gates.accuracy]
floor = 0.8
[gates.environment]
{bars}
[promotion.staging]
requires = ["accuracy", "environment"]
"""


@pytest.fixture
def declared(project):
    def register(*requirements, bars=""):
        project.policy(POLICY.format(bars=bars))
        folder = write_toy(project.root / "made" / "model", "threshold")
        (folder / "requirements.txt").write_text("\n".join(requirements))
        return f"models:/toy/{project.registry.register('toy', folder).version}"

    return register


def checks(project):
    return {check.estimate.name: check for check in project.report.checks}


def test_here_what_is_declared_and_there_passes(project, declared):
    uri = declared(f"numpy=={np.__version__}", bars="drift = 0")
    result = project.run("--model-uri", uri, "--promote-to", "staging")
    assert result.ret == 0, result.stdout.str()
    assert checks(project)["drifted packages"].estimate.value == 0
    assert "environments" not in project.report.run


def test_here_what_is_missing_fails_and_drift_is_listed(project, declared):
    uri = declared("numpy==1.0.1", "gatekit-no-such-package")
    result = project.run("--model-uri", uri, "--promote-to", "staging")
    project.refused(result, "FAILED", "missing packages <= 0", "1 failed")
    found = checks(project)
    assert "gatekit-no-such-package" in found["missing packages"].estimate.detail[0]
    drifted = found["drifted packages"]
    assert drifted.verdict.outcome == "SHOWN"
    assert drifted.estimate.detail == (f"numpy: declared ==1.0.1, here {np.__version__}",)


def test_what_cannot_be_built_fails_every_gate_that_asks_the_model(project, declared, monkeypatch):
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("GATEKIT_ENVIRONMENTS", str(project.root / "environments"))
    uri = declared("gatekit-no-such-package==7")
    result = project.run("--model-uri", uri, "--model-env", "declared", "--promote-to", "staging")
    project.refused(result, "FAILED", "the environment it declares cannot be built")
    assert {str(gate.outcome) for gate in project.report.gates} == {"FAILED"}
    assert "not asked again" not in result.stdout.str()
    assert project.report.run["environments"] == {"candidate": None}


def test_in_the_declared_one_the_candidate_runs_with_what_it_declares(
    project, declared, monkeypatch, tmp_path_factory, index
):
    monkeypatch.setenv("GATEKIT_ENVIRONMENTS", str(tmp_path_factory.mktemp("environments")))
    uri = declared("numpy==1.26.4")
    result = project.run("--model-uri", uri, "--model-env", "declared", "--promote-to", "staging")
    assert result.ret == 0, result.stdout.str()
    ran = project.report.run["environments"]["candidate"]
    assert ran["added"] == ["pyarrow", "pyyaml"]
    lacking = checks(project)["missing packages"].estimate
    assert ran["sha256"][:12] in lacking.detail[0]
    assert "drifted packages" not in checks(project)
    asked = ("--model-uri", uri, "--model-env", "declared", "--gate-set", "environment.drift=0")
    result = project.run_apart(*asked, "-n", "1")
    assert result.ret == 1
    assert "attestation.lock" in result.stdout.str()
    assert ran["sha256"][:12] in checks(project)["missing packages"].estimate.detail[0]


def test_without_uv_nothing_is_begun(project, declared, monkeypatch):
    uri = declared("numpy")
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "/nowhere")
    result = project.run("--model-uri", uri, "--model-env", "declared")
    assert result.ret == 4
    assert "needs uv, which is not here" in result.stderr.str()
    assert project.report is None


def test_it_means_nothing_without_a_model(project):
    assert project.run("--model-env", "declared").ret == 4
    assert project.run("--model-uri", "models:/toy/1", "--model-env", "elsewhere").ret == 4
