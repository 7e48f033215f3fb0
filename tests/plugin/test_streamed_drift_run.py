"""The drift suite where reference and current stream: the verdicts of rows that are held."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.runner.forkserver import ForkServer
from gatekit.streaming.local import LocalEngine

POLICY = """
model = "toy"
score = "predict_proba"

[data.holdout]
path = "holdout.parquet"
target = "label"

[data.reference]
path = "train"
{current}
[gates.accuracy]
floor = 0.5

[gates.drift]
psi = 0.2
ks = 0.2
wasserstein = 0.3
cramers_v = 0.2
label_drift = 0.2
leaked_rows = 0.5
leaked_inputs = 0.5
{bars}

[streaming]
above_rows = {above}
"""
PART = 400


@pytest.fixture(autouse=True)
def nothing_ahead(monkeypatch):
    """No process that imports ahead what no toy needs: it is most of a run's time."""
    monkeypatch.setattr(ForkServer, "begin", lambda: None)


def rows(n, seed, moved=0.0):
    random = np.random.default_rng(seed)
    x = random.normal(moved, 1, size=n)
    columns = {"x0": x} | {f"x{i}": random.integers(0, 9, n) / 2 for i in (1, 2, 3)}
    return pa.table(columns | {"label": (x + random.normal(size=n) > 0).astype(int)})


@pytest.fixture
def made(project, monkeypatch):
    """A project with training rows in a folder, of which the holdout has some; and the passes."""
    passes = []
    run = LocalEngine.run

    def noted(engine, task, parts):
        passes.append(([model.role for model in task.models], parts[0].name))
        return run(engine, task, parts)

    monkeypatch.setattr(LocalEngine, "run", noted)
    train, holdout = rows(1500, 1), rows(1200, 2, moved=0.05)
    (project.root / "train").mkdir()
    for place in (0, 1):
        part = train.slice(750 * place, 750)
        parquet.write_table(part, project.root / "train" / f"{place}.parquet", row_group_size=PART)
    holdout = pa.concat_tables([holdout, train.slice(700, 100)])
    parquet.write_table(holdout, project.root / "holdout.parquet", row_group_size=PART)
    parquet.write_table(rows(1700, 3, moved=0.1), project.root / "log.parquet", row_group_size=PART)
    project.passes = passes
    return project


def write(project, above, current="", bars="prediction_drift = 0.2"):
    if current:
        current = f'\n[data.current]\npath = "{current}"\n'
    project.policy(POLICY.format(above=above, current=current, bars=bars))


def drift(project):
    return {
        check.key.partition(".")[2]: check
        for check in project.report.checks
        if check.gate == "drift"
    }


KEYS = {
    "psi", "ks", "wasserstein", "cramers_v", "label_drift", "prediction_drift", "leaked_rows",
    "leaked_inputs",
}  # fmt: skip


@pytest.mark.parametrize(
    ("current", "above", "passes", "what"),
    [
        ("", 10, ["0.parquet", "holdout.parquet"], "reference"),
        ("", 1400, ["0.parquet"], "reference"),
        ("log.parquet", 1600, ["log.parquet"], "current"),
    ],
)
def test_verdicts_are_those_of_rows_that_are_held(made, current, above, passes, what):
    uri = made.register("probability")
    write(made, 10**6, current)
    made.run("--model-uri", uri)
    held = drift(made)
    assert made.passes == []
    write(made, above, current)
    made.run("--model-uri", uri)
    streamed = drift(made)
    assert held.keys() == streamed.keys() == KEYS
    for key, one in held.items():
        other = streamed[key]
        assert str(one.verdict.outcome) == str(other.verdict.outcome), key
        numbers = [
            [each.estimate.value, each.estimate.low, each.estimate.high] for each in (one, other)
        ]
        assert numbers[1] == pytest.approx(numbers[0], abs=1e-3, nan_ok=True), key
    # each sample once, and the holdout once for all gates
    assert sorted(name for _, name in made.passes) == passes
    assert all(roles == ["candidate"] for roles, _ in made.passes)
    assert streamed["leaked_rows"].estimate.value == pytest.approx(100 / 1300)
    told = made.report.data[what]["streamed"]
    assert told["source"] == "counted in this run"
    assert len(told["evidence"]) == 64


def test_leaked_rows_are_looked_for_among_all_rows_of_the_reference(made, monkeypatch):
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", 40)
    write(made, 1400, bars="")
    made.run("--model-uri", made.register("probability"), "-k", "trained_on")
    found = drift(made)
    words = "looked for among all 1,500 rows of the reference, which streams"
    for key in ("leaked_rows", "leaked_inputs"):
        assert (found[key].estimate.value, found[key].estimate.n) == (100 / 1300, 1300)
        assert words in found[key].estimate.detail


def test_without_a_bar_on_predictions_no_model_is_asked_about_a_sample(made):
    uri = made.register("probability")
    write(made, 10, "log.parquet", bars="joint_auc = 0.9\njoint_rows = 200")
    made.run("--model-uri", uri)
    assert sorted(roles for roles, _ in made.passes) == [[], [], ["candidate"]]
    assert "prediction_drift" not in drift(made)
    words = drift(made)["joint_auc"].estimate.detail[0]
    assert words == (
        "of a fixed sample of 1,500 of 1,500 rows: the reference streams; "
        "of a fixed sample of 1,700 of 1,700 rows: the current streams"
    )
    assert made.report.run["walls"]


@pytest.mark.slow
def test_reference_and_current_in_a_store_are_judged_where_they_lie(made, store):
    uri, policy = made.register("probability"), made.root / "gates.toml"
    write(made, 1400, "log.parquet", bars="")
    made.run("--model-uri", uri, "-k", "stability")
    here = made.report.data
    address = store(made.root, "drift")
    policy.write_text(policy.read_text().replace('"train"', f'"{address}/train"'))
    result = made.run("--model-uri", uri, "-k", "stability", "--current", f"{address}/log.parquet")
    result.stdout.fnmatch_lines(
        [
            "gatekit: the reference streams: 4 parts of train",
            "gatekit: the current streams: 5 parts of log.parquet",
        ]
    )
    there = made.report.data
    for what in ("reference", "current"):
        assert there[what]["sha256"] == here[what]["sha256"]
        assert there[what]["rows"] == here[what]["rows"]
        told = there[what]["streamed"]["evidence"]
        assert len(told) == 64
        assert told == here[what]["streamed"]["evidence"]
