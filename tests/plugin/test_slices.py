"""A model that is bad in one slice alone, and its sound twin, the whole way to the pointer."""

import pytest

from gatekit.testing.toys import toy_holdout

pytestmark = pytest.mark.usefixtures("lent_server")

COLUMNS = {"x0": "double", "city": "string", "plan": "string"}
SLICES = 'target = "label"\nslices = ["city", ["city", "plan"]]'
TO_STAGING = ("--promote-to", "staging")


@pytest.fixture
def sliced(project):
    """The project with a floor on accuracy and one on slices, and 1,500 rows to judge by."""
    toy_holdout(project.root / "holdout.parquet", 1500, seed=5, columns=COLUMNS)
    text = (project.root / "gates.toml").read_text()
    text = text.replace('target = "label"', SLICES)
    text = text.replace("tolerated_loss = 0.05", "slice_floor = 0.8")
    text = text.replace("[gates.robustness]\nstability = 0.3\n", "").replace(', "robustness"', "")
    project.policy(text)
    return project


def test_a_crossing_that_is_bad_refuses_and_is_named(sliced):
    uri = sliced.register("bad_slice", columns=COLUMNS, where={"city": "Chur", "plan": "Bern"})
    result = sliced.run("--model-uri", uri, *TO_STAGING)
    sliced.refused(result, "FAILED", "worst slice >= 0.8   FAILED", "city=Chur plan=Bern: 0.")
    checks = {check.estimate.name: check for check in sliced.report.checks}
    assert str(checks["accuracy"].verdict.outcome) == "PASSED"  # in the whole it hides
    detail = checks["worst slice"].estimate.detail
    assert [line for line in detail if line.startswith("FAILED")] == [detail[0]]
    assert detail[0].startswith("FAILED       city=Chur plan=Bern")


def test_its_sound_twin_passes(sliced):
    uri = sliced.register(
        "bad_slice", columns=COLUMNS, where={"city": "Chur", "plan": "Bern"}, wrong=0.0
    )
    assert sliced.run("--model-uri", uri, *TO_STAGING).ret == 0
    assert sliced.holder == "1"


def test_a_bar_on_each_measure_is_compared_and_holds(sliced):
    bars = ("balanced_accuracy", "precision", "recall", "specificity", "f1", "mcc")
    sets = [arg for bar in bars for arg in ("--gate-set", f"accuracy.{bar}=0.9")]
    uri = sliced.register(columns=COLUMNS)
    assert sliced.run("--model-uri", uri, *TO_STAGING, *sets).ret == 0
    compared = {check.key for check in sliced.report.checks if check.bar == 0.9}
    assert compared == {f"accuracy.{bar}" for bar in bars}
    worse = sliced.register(columns=COLUMNS, wrong=0.15)
    result = sliced.run("--model-uri", worse, *TO_STAGING, *sets)
    assert result.ret == 1
    held = [str(c.verdict.outcome) for c in sliced.report.checks if c.bar == 0.9]
    assert held == ["FAILED"] * 6


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (SLICES, 'target = "label"\nslices = ["region"]', "no column 'region'"),
        (SLICES, 'target = "label"\nslices = ["x0"]', "'x0' has 1,500 different values"),
        (SLICES, 'target = "label"\nslices = "city"', "must be a list of columns and of lists"),
        (SLICES, 'target = "label"\nslices = [["city", 3]]', "must be a list of columns and of"),
        (SLICES, 'target = "label"\nslices = ["city", []]', "must be a list of columns and of"),
        (SLICES, 'target = "label"\nslices = ["city", ["city"]]', "names the same columns twice"),
        (SLICES, 'target = "label"\nslices = [["city", "city"]]', "crosses a column with itself"),
        (SLICES, 'target = "label"', "slice_floor is set, and data.holdout.slices is empty"),
        ("slice_floor = 0.8", "slice_support = 0.5", "a whole number above 0 is needed"),
    ],
)
def test_a_bad_declaration_is_one_sentence_exit_code_4(sliced, was, now, words):
    sliced.policy((sliced.root / "gates.toml").read_text().replace(was, now))
    result = sliced.run("--model-uri", sliced.register(columns=COLUMNS))
    assert result.ret == 4
    assert words in result.stderr.str()
    assert sliced.report is None


def test_a_slice_floor_for_one_run_needs_slices(project):
    result = project.run(
        "--model-uri", project.register(), "--gate-set", "accuracy.slice_floor=0.8"
    )
    assert result.ret == 4
    assert "slice_floor is set, and data.holdout.slices is empty" in result.stderr.str()


def test_undeclared_slices_are_shown_as_nothing(project):
    result = project.run("--model-uri", project.register())
    assert result.ret == 0
    slices = [line for line in result.outlines if line.startswith("accuracy   worst slice")]
    assert [line.split()[-1] for line in slices] == ["shown", "shown"]
    assert slices[0].split() == ["accuracy", "worst", "slice", "shown"]
