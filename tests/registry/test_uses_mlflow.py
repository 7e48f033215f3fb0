"""33 candidates on one small holdout that declares 32 uses, over MLflow and SQLite."""

import pytest

from gatekit.conclusion import conclude
from gatekit.decision import Asked
from gatekit.gate import Gate
from gatekit.gates import accuracy
from gatekit.ledger import Ledger
from gatekit.ledger import TestOutcome as Ended
from gatekit.plan import RunRequest, make_plan
from gatekit.run import open_run
from gatekit.testing import toy_holdout, write_toy

from .conftest import logged_run, registered

POLICY = """
model = "worn"
[data.holdout]
path = "holdout.parquet"
target = "label"
uses = 32
[gates.accuracy]
floor = 0.9
[promotion.staging]
requires = ["accuracy"]
"""


@pytest.mark.slow
def test_the_thirty_third_candidate_needs_fresh_labels(tmp_path, sqlite_root, monkeypatch):
    from gatekit.registry.embedded import embedded_uri
    from gatekit.registry.mlflow import MlflowRegistry

    monkeypatch.setenv("MLFLOW_TRACKING_URI", embedded_uri(sqlite_root))
    registry = MlflowRegistry(embedded_uri(sqlite_root), create=True)
    (tmp_path / "gates.toml").write_text(POLICY)
    toy_holdout(tmp_path / "holdout.parquet", 400, seed=1)
    for number in range(33):  # each a model of its own
        folder = write_toy(tmp_path / "toy", "threshold", t=number / 1000)
        run, source = logged_run(registry, folder)
        registered(registry, "worn", source, run)
    reports = {}
    for version in range(1, 34):
        plan = make_plan(RunRequest(f"models:/worn/{version}"), tmp_path)
        run, found = open_run(plan)
        try:
            run.count_use(found)
            assert run.uses.number == version
            if version in (1, 26, 32, 33):
                reports[version] = judged(run, found, tmp_path)
        finally:
            run.close(remove=True)
    assert [str(reports[v].outcome) for v in (1, 26, 32, 33)] == ["PASSED"] * 3 + ["INCONCLUSIVE"]
    assert [reports[v].run["uses"]["left"] for v in (1, 26, 32, 33)] == [31, 6, 0, -1]
    assert "soon" not in reports[1].run["uses"]["words"]
    assert "label fresh rows soon" in reports[26].run["uses"]["words"]
    assert "fresh labels needed" in reports[33].reasons[0]
    again, found = open_run(make_plan(RunRequest("models:/worn/1"), tmp_path))
    again.count_use(found)
    again.close(remove=True)
    assert again.uses.number == 1  # a retry, even now
    assert len(registry.entries("worn.uses")) == 33


def judged(run, registry, folder):
    gate = Gate("accuracy", "t::floor", run.plan.policy, run.uses)
    passed = (
        gate.measure(accuracy.overall, run.candidate, run.holdout) >= gate.policy.accuracy.floor
    )
    ended = Ended("accuracy", "t::floor", "passed" if passed else "failed")
    ledger = Ledger(checks=gate.page(), tests=[ended])
    asked = Asked(("accuracy",))
    return conclude(run, registry, ledger, asked, folder / "report").report
