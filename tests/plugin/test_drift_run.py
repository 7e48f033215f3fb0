"""The drift suite in a run: reference and current from the policy, or from the command line."""

import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.runner.forkserver import ForkServer
from gatekit.testing import toy_holdout

from .conftest import POLICY

DRIFT = (
    POLICY
    + """
[data.reference]
path = "train.parquet"

[gates.drift]
psi = 0.2
leaked_rows = 0.02
"""
)


@pytest.fixture(autouse=True)
def nothing_ahead(monkeypatch):
    """No process that imports ahead what no toy needs: it is most of a run's time."""
    monkeypatch.setattr(ForkServer, "begin", lambda: None)


def test_drift_is_gated_on_the_holdout_and_on_what_a_service_met(project):
    project.policy(DRIFT)
    toy_holdout(project.root / "train.parquet", 600, seed=7)
    uri = project.register()
    result = project.run("--model-uri", uri)
    assert result.ret == 0
    held = {check.key: check for check in project.report.checks if check.gate == "drift"}
    assert str(held["drift.psi"].verdict.outcome) == "PASSED"
    assert held["drift.leaked_rows"].estimate.value == 0
    assert project.report.data["reference"]["rows"] == 600
    assert project.report.data["current"]["path"] == "holdout.parquet"
    table = parquet.read_table(project.root / "holdout.parquet").drop_columns("label")
    moved = pa.array([2 * x + 1 for x in table["x1"].to_pylist()])
    (project.root / "log").mkdir()
    parquet.write_table(table.set_column(1, "x1", moved), project.root / "log" / "1.parquet")
    result = project.run("--model-uri", uri, "--current", "log", "-k", "drift or stability")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["E *worst PSI <= 0.2 * FAILED", "E *FAILED       x1: *"])
    assert project.report.data["current"]["rows"] == 400


def test_what_is_not_there_is_said_before_anything_runs(project):
    project.policy(DRIFT)
    result = project.run("--model-uri", project.register())
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no reference at *train.parquet*"])
    project.policy(POLICY + "\n[gates.drift]\npsi = 0.2\n")
    result = project.run("--model-uri", "models:/toy/1")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*there is no [[]data.reference[]]*"])
