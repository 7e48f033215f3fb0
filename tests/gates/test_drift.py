"""The drift gate: what moved is named, what did not passes, few rows leave it open."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import parquet

from gatekit.data import NoSample, open_sample
from gatekit.errors import DataError
from gatekit.gates import drift, drift_joint, drift_leak
from gatekit.policy import SampleSpec
from gatekit.policy_gates import DriftGate
from gatekit.verdict import decide

COLUMNS = {"age": "double", "visits": "long", "city": "string", "member": "boolean"}
CITIES = ["Bern", "Genf", "Chur"]


def rows(n, seed, **moved):
    random = np.random.default_rng(seed)
    age = random.normal(moved.get("age", 0.0), 1, n)
    return pa.table(
        {
            "age": age,
            "visits": random.poisson(moved.get("visits", 5), n),
            "city": random.choice(CITIES, n, p=moved.get("city", (0.5, 0.3, 0.2))),
            "member": random.random(n) < 0.5,
            "label": (age > moved.get("cut", 0)).astype(int),
        }
    )


@pytest.fixture
def sample(tmp_path):
    def make(table, name):
        parquet.write_table(table, tmp_path / f"{name}.parquet")
        return open_sample(SampleSpec(path=f"{name}.parquet"), name, "label", tmp_path)

    return make


@pytest.fixture
def scene(sample, fake):
    """candidate, reference and current, which is moved as told."""

    def make(n=3000, **moved):
        candidate = fake(lambda t: np.asarray(t["age"]) > moved.get("says", 0.0), COLUMNS)
        return candidate, sample(rows(n, 1), "reference"), sample(rows(n, 2, **moved), "current")

    return make


def judged(measure, scene, ask, key, bar):
    estimate = measure(*scene, ask=ask(DriftGate(**{key: bar})))
    return estimate, str(decide(estimate, "<=", bar).outcome)


BARS = [
    (drift.psi, "psi", 0.1),
    (drift.ks, "ks", 0.1),
    (drift.wasserstein, "wasserstein", 0.2),
    (drift.cramers_v, "cramers_v", 0.1),
]


@pytest.mark.parametrize(("measure", "key", "bar"), BARS, ids=[key for _, key, _ in BARS])
def test_what_has_not_moved_passes_and_few_rows_leave_it_open(scene, ask, measure, key, bar):
    assert judged(measure, scene(), ask, key, bar)[1] == "PASSED"
    few, outcome = judged(measure, scene(45), ask, key, bar)
    assert outcome == "INCONCLUSIVE"
    assert decide(few, "<=", bar).rows_needed in (50, 200)


@pytest.mark.parametrize(
    ("asked", "moved", "column"),
    [
        (0, {"age": 0.6}, "age"),
        (0, {"city": (0.2, 0.3, 0.5)}, "city"),
        (1, {"visits": 7}, "visits"),
        (2, {"age": 0.5}, "age"),
        (3, {"city": (0.2, 0.3, 0.5)}, "city"),
    ],
)
def test_what_has_moved_fails_and_is_named_alone(scene, ask, asked, moved, column):
    measure, key, bar = BARS[asked]
    estimate, outcome = judged(measure, scene(**moved), ask, key, bar)
    assert outcome == "FAILED"
    lines = estimate.detail[1:]
    assert lines[0].startswith(f"FAILED       {column}: ")
    assert not [line for line in lines[1:] if "FAILED" in line]
    assert estimate.detail[0].startswith("reference 3,000 rows, current 3,000")


def test_a_drift_on_the_bar_is_open_with_the_rows_that_would_decide(scene, ask):
    estimate, outcome = judged(drift.wasserstein, scene(600, age=0.2), ask, "wasserstein", 0.25)
    assert outcome == "INCONCLUSIVE"
    assert "rows would decide" in "".join(estimate.detail)


def test_missing_and_new_values_are_drift(scene, sample, ask):
    candidate, reference, _ = scene()
    table = rows(3000, 2)
    age = np.where(np.arange(3000) % 5 == 0, None, table["age"].to_numpy())
    gaps = sample(table.set_column(0, "age", pa.array(age.tolist())), "gaps")
    assert judged(drift.psi, (candidate, reference, gaps), ask, "psi", 0.1)[1] == "FAILED"
    city = np.where(np.arange(3000) % 5 == 0, "Zug", table["city"].to_numpy())
    new = sample(table.set_column(2, "city", pa.array(city.tolist())), "new")
    assert (
        judged(drift.cramers_v, (candidate, reference, new), ask, "cramers_v", 0.1)[1] == "FAILED"
    )


def test_a_column_without_any_number_is_open_and_its_absence_is_drift(scene, sample, ask):
    candidate, reference, _ = scene()
    table = rows(3000, 2).set_column(0, "age", pa.nulls(3000, pa.float64()))
    empty = sample(table, "empty")
    assert judged(drift.psi, (candidate, reference, empty), ask, "psi", 0.1)[1] == "FAILED"
    for sides in ((reference, empty), (empty, reference), (empty, empty)):
        for measure, key in ((drift.ks, "ks"), (drift.wasserstein, "wasserstein")):
            estimate, outcome = judged(measure, (candidate, *sides), ask, key, 0.2)
            assert outcome == "INCONCLUSIVE"
            assert "age: " in " ".join(estimate.detail)
    with pytest.raises(DataError, match="has no rows"):
        sample(table.slice(0, 0), "nothing")


def test_labels_are_equal_as_numbers(scene, sample, ask):
    candidate, reference, current = scene()
    label = current.table["label"].cast(pa.float64())
    as_floats = sample(current.table.set_column(4, "label", label), "floats")
    assert (
        judged(drift.of_labels, (candidate, reference, as_floats), ask, "label_drift", 0.1)[1]
        == "PASSED"
    )


def test_predictions_and_labels(scene, ask):
    key = "prediction_drift"
    assert judged(drift.of_predictions, scene(), ask, key, 0.1)[1] == "PASSED"
    assert judged(drift.of_predictions, scene(age=0.8), ask, key, 0.1)[1] == "FAILED"
    estimate, outcome = judged(drift.of_labels, scene(cut=0.8), ask, "label_drift", 0.1)
    assert outcome == "FAILED"
    assert estimate.detail[1].startswith("FAILED       label: ")


def test_numbers_that_a_regression_predicts_are_compared_as_numbers(scene, ask):
    candidate, reference, current = scene(age=1.0)
    candidate.task, candidate.says = "regression", {"native": lambda t: np.asarray(t["age"])}
    found = drift.of_predictions(candidate, reference, current, ask=ask(DriftGate()))
    assert found.value == pytest.approx(0.38, abs=0.03)  # D of N(0, 1) and N(1, 1)
    assert found.method == drift.LARGEST_GAP


def test_rows_without_labels_have_no_label_drift(scene, sample, ask):
    candidate, reference, _ = scene()
    log = sample(rows(500, 3).drop_columns("label"), "log")
    found = drift.of_labels(candidate, reference, log, ask=ask(DriftGate()))
    assert found.detail == ("current has no column 'label': its labels are not known",)
    assert judged(drift.psi, (candidate, reference, log), ask, "psi", 0.2)[1] == "PASSED"


def test_leaked_rows_are_counted_over_all_rows(scene, sample, ask):
    candidate, reference, _ = scene()
    table = rows(1000, 9)
    stolen = pa.concat_tables([table, reference.table.slice(100, 60)])
    other = stolen.slice(1000).set_column(4, "label", pa.array([2] * 60))
    holdout = sample(pa.concat_tables([stolen, other]), "holdout")
    found = drift_leak.rows(candidate, reference, holdout, ask=ask(DriftGate()))
    assert (found.value * found.n, found.n) == (60, 1120)
    assert found.low < 60 / 1120 < found.high
    assert "the first, counted from 0: 1000, 1001" in found.detail[-1]
    by_inputs = drift_leak.inputs(candidate, reference, holdout, ask=ask(DriftGate()))
    assert by_inputs.value * by_inputs.n == 120
    assert "60 rows of the holdout repeat" in by_inputs.detail[2]
    clean = sample(table, "clean")
    assert (
        judged(drift_leak.rows, (candidate, reference, clean), ask, "leaked_rows", 0.01)[1]
        == "PASSED"
    )


def test_numbers_are_equal_whatever_their_type(fake, sample, ask):
    trained = sample(pa.table({"x0": pa.array([1, 2, 3]), "label": [0, 1, 0]}), "reference")
    held = sample(pa.table({"x0": pa.array([1.0, 2.5]), "label": [0, 1]}), "holdout")
    found = drift_leak.rows(fake(lambda t: t), trained, held, ask=ask(DriftGate()))
    assert found.value == 0.5


def test_without_a_reference_nothing_is_measured(scene, ask):
    candidate, _, current = scene(60)
    none = NoSample("the policy names no [data.reference]")
    for measure in (
        drift.psi,
        drift.ks,
        drift.wasserstein,
        drift.cramers_v,
        drift.of_predictions,
        drift.of_labels,
        drift_joint.auc,
        drift_leak.rows,
        drift_leak.inputs,
    ):
        found = measure(candidate, none, current, ask=ask(DriftGate()))
        assert found.method == "does not apply"
        assert found.detail == ("the policy names no [data.reference]",)


def test_two_columns_untied_show_to_a_classifier_alone(fake, sample, ask):
    random = np.random.default_rng(4)

    def pair(tied, seed):
        x = np.random.default_rng(seed).normal(size=600)
        return pa.table(
            {"a": x, "b": x + random.normal(0, 0.1, 600) if tied else random.permutation(x)}
        )

    candidate = fake(lambda t: t, {"a": "double", "b": "double"})
    tied, untied, same = (sample(pair(t, s), str(s)) for t, s in ((True, 1), (False, 2), (True, 3)))
    settings = ask(DriftGate(joint_auc=0.6, psi=0.1))
    assert decide(drift.psi(candidate, tied, untied, ask=settings), "<=", 0.1).outcome == "PASSED"
    told = drift_joint.auc(candidate, tied, untied, ask=settings)
    assert told.low > 0.8
    alike = drift_joint.auc(candidate, tied, same, ask=settings)
    assert alike.low < 0.52
    assert alike.high < 0.6
    assert drift_joint.auc(candidate, tied, same, ask=ask(DriftGate())).method == "does not apply"


def test_a_folder_of_files_is_one_sample(tmp_path, fake, ask):
    folder = tmp_path / "log" / "day=1"
    folder.mkdir(parents=True)
    parquet.write_table(rows(200, 1).drop_columns("label"), folder / "b.parquet")
    parquet.write_table(rows(100, 2), folder / "a.parquet")
    (folder / ".c.parquet").write_bytes(b"half")
    spec = SampleSpec(path="log")
    found = open_sample(spec, "current", "label", tmp_path)
    assert found.rows == 300
    assert set(found.columns) == {"age", "visits", "city", "member", "label"}
    before = found.sha256
    parquet.write_table(rows(100, 3), folder / "a.parquet")
    assert open_sample(spec, "current", "label", tmp_path).sha256 != before
    with pytest.raises(DataError, match="the policy pins"):
        open_sample(SampleSpec(path="log", sha256="ab"), "current", "label", tmp_path)


@pytest.mark.parametrize(
    ("path", "words"), [("none", "no reference at"), ("empty", "no Parquet file")]
)
def test_a_sample_that_is_not_there(tmp_path, path, words):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=words):
        open_sample(SampleSpec(path=path), "reference", "label", tmp_path)


CENSUS = Path(__file__).parents[2] / "examples" / "employment" / "data"


def test_the_census_of_2018_has_moved_from_2015_and_halves_of_2015_have_not(sample, fake, ask):
    files = {2015: "train", 2018: "current"}
    years = {y: parquet.ParquetFile(CENSUS / f"{f}.parquet").read() for y, f in files.items()}
    half = pa.array(np.random.default_rng(0).random(years[2015].num_rows) < 0.5)
    columns = {"AGEP": "double", "SCHL": "long", "ANC": "long", "DEYE": "long"}
    candidate = fake(lambda t: t["AGEP"].to_numpy() > 30, columns)
    old, new = sample(years[2015], "2015"), sample(years[2018], "2018")
    found = drift.ks(candidate, old, new, ask=ask(DriftGate(ks=0.01)))
    assert found.low > 0.015
    assert [line.split()[:2] for line in found.detail[1:3]] == [
        ["FAILED", "ANC:"],
        ["FAILED", "SCHL:"],
    ]
    assert found.high < 0.06  # so real, and so small
    assert decide(found, "<=", 0.06).outcome == "PASSED"
    halves = [sample(years[2015].filter(pc.xor(half, flip)), f"h{flip}") for flip in (False, True)]
    alike = drift.ks(candidate, *halves, ask=ask(DriftGate(ks=0.01)))
    assert alike.high < 0.025
