"""A holdout that streams gives the verdicts of one whose rows are held, the whole way."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.testing.rules import RULES

pytestmark = pytest.mark.usefixtures("lent_server")

POLICY = """
model = "toy"
{top}

[data.holdout]
path = "holdout.parquet"
target = "label"
sensitive = ["group", ["group", "region"]]
slices = ["region", ["region", "group"]]

[gates.accuracy]
{bars}

[promotion.staging]
requires = ["accuracy"]

[streaming]
cache = true
"""
BY_SCORE = 'task = "binary"\nscore = "predict_proba"'
SCORE_BARS = """
floor = 0.7
tolerated_loss = 0.05
precision = 0.6
f1 = 0.6
mcc = 0.3
slice_floor = 0.7
slice_loss = 0.2
log_loss = 0.7
brier = 0.2
auc = 0.8
average_precision = 0.7
calibration_error = 0.3
auc_loss = 0.05
log_loss_rise = 0.1
"""
FAIRNESS = """
[gates.fairness]
demographic_parity_difference = 0.2
equalized_odds_ratio = 0.5
calibration_difference = 0.3
"""
NUMBER_BARS = (
    "mae = 2.0\nrmse = 2.0\nbias = 0.5\nquantile_loss = 1.0\ntolerated_loss = 1.0\nr2 = 0.5\n"
    "rmse_rise = 0.1"
)
PART = 400


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("GATEKIT_EVIDENCE", str(tmp_path_factory.mktemp("kept")))


@pytest.fixture
def made(project):
    def make(top, bars, label, n=1500):
        random = np.random.default_rng(4)
        x = random.normal(size=n)
        columns = {"x0": x} | {f"x{i}": random.normal(size=n) for i in (1, 2, 3)}
        columns |= {"group": random.choice(["a", "b"], n), "region": random.integers(8, 12, n)}
        columns["label"] = label(x, random)
        parquet.write_table(
            pa.table(columns), project.root / "holdout.parquet", row_group_size=PART
        )
        project.policy(POLICY.format(top=top, bars=bars))
        return project

    return make


def by_score(x, random):
    return (random.random(x.size) < RULES["probability"](x)).astype(np.int64)


def checks(project):
    """Every check by its name: the estimate, the bar and what came of it."""
    return {
        check.estimate.name: (check.estimate, check.bar, str(check.verdict.outcome))
        for check in project.report.checks
    }


def same(held, streamed, but=()):
    """The same verdicts and numbers; what is said beside them may say more of a held row."""
    assert held.keys() == streamed.keys()
    for name in held.keys() - set(but):
        (one, bar, outcome), (other, bar_too, outcome_too) = held[name], streamed[name]
        assert (bar, outcome, one.n) == (bar_too, outcome_too, other.n), name
        numbers = [[each.value, each.low, each.high] for each in (one, other)]
        assert numbers[1] == pytest.approx(numbers[0], abs=1e-8, nan_ok=True), name


def test_scores_labels_slices_and_groups_are_judged_alike(made):
    project = made(BY_SCORE, SCORE_BARS + FAIRNESS, by_score)
    new = project.register("probability", slope=3.2)
    old = project.register("probability", slope=2.0, warp=0.7)
    project.run("--model-uri", new, "--champion", old)
    held = checks(project)
    assert "streamed" not in project.report.data
    assert len(held) > 20
    result = project.run("--model-uri", new, "--champion", old, "--engine", "local")
    result.stdout.fnmatch_lines(["gatekit: the data streams: 4 parts  counted by: local"])
    same(held, checks(project))
    told = project.report.data["streamed"]
    assert (told["engine"], told["parts"], told["pilot_rows"]) == ("local", 4, 1500)
    assert told["source"] == "counted in this run"


def test_a_regression_is_judged_alike(made):
    project = made('task = "regression"', NUMBER_BARS, lambda x, r: 10 * x + r.normal(size=x.size))
    project.policy(
        (project.root / "gates.toml").read_text().replace('["region", ["region", "group"]]', "[]")
    )
    new, old = project.register("number"), project.register("number", shift=0.3)
    project.run("--model-uri", new, "--champion", old)
    held = checks(project)
    project.run("--model-uri", new, "--champion", old, "--engine", "local")
    streamed = checks(project)
    same(held, streamed)
    assert {"R2", "RMSE rise"} <= streamed.keys()
    assert not any("sample" in line for each, *_ in streamed.values() for line in each.detail)


def test_evidence_is_kept_for_the_same_bytes_and_for_no_others(made):
    project = made(BY_SCORE, "floor = 0.7", by_score)
    uri = project.register("probability")

    def source(*more):
        assert project.run("--model-uri", uri, "--engine", "local", *more).ret == 0
        told = project.report.data["streamed"]
        return told["source"], told["evidence"]

    fresh = source()
    assert fresh[0] == "counted in this run"
    assert source() == ("kept from an earlier run on the same bytes", fresh[1])
    rows = parquet.read_table(project.root / "holdout.parquet")
    parquet.write_table(rows.slice(1), project.root / "holdout.parquet", row_group_size=PART)
    changed = source()
    assert changed[0] == "counted in this run"
    assert changed[1] != fresh[1]


def test_kept_evidence_that_was_changed_is_not_believed(made, monkeypatch, tmp_path):
    monkeypatch.setenv("GATEKIT_EVIDENCE", str(tmp_path))
    project = made(BY_SCORE, "floor = 0.7", by_score)
    uri = project.register("probability")
    project.run("--model-uri", uri, "--engine", "local")
    (kept,) = tmp_path.glob("*.evidence")
    raw = bytearray(kept.read_bytes())
    raw[40] ^= 1
    kept.write_bytes(bytes(raw))
    project.run("--model-uri", uri, "--engine", "local")
    assert project.report.data["streamed"]["source"] == "counted in this run"


def test_slices_that_the_sample_did_not_show_are_bounded_too(made, monkeypatch):
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", 40)
    project = made(BY_SCORE, "slice_floor = 0.7", by_score)
    rows = parquet.read_table(project.root / "holdout.parquet")
    regions = [row % 60 if row > 1200 else 8 for row in range(rows.num_rows)]
    place = rows.column_names.index("region")
    rows = rows.set_column(place, "region", pa.array(regions))
    parquet.write_table(rows, project.root / "holdout.parquet", row_group_size=PART)
    result = project.run("--model-uri", project.register("probability"), "--engine", "local")
    result.stdout.fnmatch_lines(["*column 'region' has 60 different values*slice by may have 50*"])
    assert result.ret == 1


def test_a_pass_that_fails_is_made_once_and_every_gate_hears_why(made, monkeypatch):
    from gatekit.one_pass import OnePass

    passes, count = [], OnePass._counted
    monkeypatch.setattr(OnePass, "_counted", lambda *a: passes.append(1) or count(*a))
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", 40)
    project = made(BY_SCORE, "floor = 0.7\nrecall = 0.7", by_score)
    rows = parquet.read_table(project.root / "holdout.parquet")
    labels = rows["label"].to_pylist()
    labels[701] = None  # no row of the sample
    rows = rows.set_column(rows.column_names.index("label"), "label", pa.array(labels))
    parquet.write_table(rows, project.root / "holdout.parquet", row_group_size=PART)
    result = project.run("--model-uri", project.register("probability"), "--engine", "local")
    assert (result.ret, len(passes)) == (1, 1)
    assert result.stdout.str().count("holdout.parquet#1: column 'label' lacks 1 of 400") > 1


def test_an_own_measure_and_rows_are_given_the_sample_and_say_so(made):
    project = made(BY_SCORE, "floor = 0.7", by_score)
    (project.root / "test_own.py").write_text(
        "import pytest\npytestmark = pytest.mark.gate('accuracy')\n"
        "def hits(y, said):\n    return float((y == said).mean())\n"
        "def test_own(gate, candidate, holdout):\n"
        "    assert gate.measure(hits, candidate, holdout) >= gate.policy.accuracy.floor\n"
        "def test_rows(candidate, holdout):\n"
        "    candidate.predictions(holdout)\n"
    )
    uri = project.register("probability")
    result = project.run("--model-uri", uri, "--engine", "local", "test_own.py")
    found = checks(project)["hits"]
    assert found[0].detail == ("of a fixed sample of 1,500 of 1,500 rows: the holdout streams",)
    result.stdout.fnmatch_lines(["*streams: its 1,500 rows are not held at once*holdout.pilot*"])


OWN = """
import gatekit
import pytest

pytestmark = pytest.mark.gate("campaign")


@gatekit.of_means
def profit_per_call(y, said):
    return {"profit": 120.0 * y * said - 15.0 * said, "calls": said}


@profit_per_call.value
def ratio(means):
    return means["profit"] / means["calls"]


def test_campaign_pays(gate, candidate, holdout):
    assert gate.measure(profit_per_call, candidate, holdout) >= gate.policy.campaign.least
"""
OWN_GATE = """
[own.campaign]
least = 40
sums = ["test_campaign.py:{name}"]
"""


def test_an_own_measure_of_means_is_of_all_rows_where_the_policy_names_it(made, monkeypatch):
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", 40)
    project = made(BY_SCORE, "floor = 0.7", by_score, n=6000)
    policy = (project.root / "gates.toml").read_text()
    suite = project.root / "test_campaign.py"
    suite.write_text(OWN)
    uri = project.register("probability")

    def run(name, *more):
        project.policy(policy + OWN_GATE.format(name=name))
        return project.run("--model-uri", uri, *more, "test_campaign.py")

    run("profit_per_call")
    held, bar, outcome = checks(project)["profit_per_call"]
    run("profit_per_call", "--engine", "local")
    found, bar_too, outcome_too = checks(project)["profit_per_call"]
    assert (found.n, bar_too, outcome_too) == (held.n, bar, outcome) == (6000, 40, "PASSED")
    assert found.value == pytest.approx(held.value, rel=1e-9)
    near = 0.1 * (held.high - held.low)
    assert (found.low, found.high) == pytest.approx((held.low, held.high), abs=near)
    assert "2,000 replicates" in found.method
    first = project.report.data["streamed"]
    suite.write_text(OWN.replace("15.0", "16.0"))
    run("profit_per_call", "--engine", "local")
    told = project.report.data["streamed"]
    assert told["source"] == "counted in this run"  # of another source nothing was kept
    assert told["evidence"] != first["evidence"]
    suite.write_text(OWN)
    run("profit_per_call", "--engine", "local")
    told = project.report.data["streamed"]
    assert told == first | {"source": "kept from an earlier run on the same bytes"}
    assert checks(project)["profit_per_call"][0] == found
    result = run("profit", "--engine", "local")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*own.campaign.sums names 'test_campaign.py:profit'*no profit*"])
    project.policy(policy)
    result = project.run("--model-uri", uri, "--engine", "local", "test_campaign.py")
    result.stdout.fnmatch_lines(
        ["*profit_per_call was not counted in the pass over holdout.parquet*"]
    )
    assert 'sums = ["test_campaign.py:profit_per_call"]' in result.stdout.str()


@pytest.mark.parametrize("name", ["ray://x:1", "dask://", "dask"])
def test_an_engine_that_is_none_is_refused(made, name):
    project = made(BY_SCORE, "floor = 0.7", by_score)
    uri = project.register("probability")
    result = project.run("--model-uri", uri, "--engine", name)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"*--engine is '{name}'*An engine is local, dask://*"])
    text = (project.root / "gates.toml").read_text()
    project.policy(text.replace("cache = true", f'engine = "{name}"'))
    result = project.run("--model-uri", uri)
    result.stderr.fnmatch_lines([f"*streaming.engine is '{name}'*"])


@pytest.mark.slow
def test_a_holdout_in_a_store_is_judged_where_it_lies(made, store):
    project = made(BY_SCORE, "floor = 0.7", by_score)
    uri, file = project.register("probability"), project.root / "holdout.parquet"
    policy = project.root / "gates.toml"
    policy.write_text(policy.read_text().replace("cache = true", "cache = false"))
    assert project.run("--model-uri", uri, "--engine", "local").ret == 0
    here = project.report.data
    address = f"{store(project.root, 'run')}/holdout.parquet"
    file.unlink()
    policy.write_text(policy.read_text().replace('"holdout.parquet"', f'"{address}"'))
    assert project.run("--model-uri", uri).ret == 0
    there = project.report.data
    assert there["path"] == address
    assert there["sha256"] == here["sha256"]
    assert there["streamed"]["evidence"] == here["streamed"]["evidence"]
