"""Promise P1, one test a line: what is not proved is not passed, and everything says the same.

`project.refused` holds exit code, report, the version's tag and the pointer to one answer.
"""

import pytest

from gatekit.testing.toys import toy_holdout
from tests.forks import LIGHT

pytestmark = pytest.mark.usefixtures("lent_server")

GATE = (
    'import pytest\npytestmark = pytest.mark.gate("accuracy")\nfrom gatekit.gates import accuracy\n'
)
FLOOR = (
    "    assert gate.measure(accuracy.overall, candidate, holdout) >= gate.policy.accuracy.floor\n"
)
GAIN = (
    "def test_gain(gate, candidate, champion, holdout):\n"
    "    assert gate.measure(accuracy.paired_gain, candidate, champion, holdout)"
    " >= -gate.policy.accuracy.tolerated_loss\n"
)
ONLY_ACCURACY = (', "robustness"]', "]")
TO_STAGING = ("--promote-to", "staging")


def own_accuracy(project, test, gain=GAIN):
    """The team's own accuracy suite in place of the built-in one, alone required."""
    text = (project.root / "gates.toml").read_text().replace(*ONLY_ACCURACY)
    project.policy(text.replace("[gates.robustness]\nstability = 0.3", ""))
    path = project.root / "test_own.py"
    path.write_text(GATE + test + "\n" + gain)
    return str(path)


def run_own(project, test, *args, gain=GAIN):
    suite = own_accuracy(project, test, gain)
    return project.run("--model-uri", project.register(), suite, *TO_STAGING, *args)


def test_the_own_suite_passes_when_nothing_is_wrong(project):
    """The control: what the other tests break is otherwise a pass."""
    result = run_own(project, f"def test_floor(gate, candidate, holdout):\n{FLOOR}")
    assert (result.ret, project.holder) == (0, "1")


def test_nan_predictions(project):
    result = project.run("--model-uri", project.register("nan", every=7), *TO_STAGING)
    project.refused(result, "FAILED", "predictions are not a number")


def test_a_metric_that_is_nan(project):
    test = "def test_nan(gate, candidate, holdout):\n    assert gate.measure(lambda y, p: float('nan'), candidate, holdout) >= -1.0\n"
    project.refused(run_own(project, test), "FAILED", "is nan: not a number")


def test_a_metric_that_is_infinite(project):
    test = "def test_inf(gate, candidate, holdout):\n    assert gate.measure(lambda y, p: float('inf'), candidate, holdout) >= 0.5\n"
    project.refused(run_own(project, test), "FAILED", "is inf: not a number")


def test_a_nan_against_the_champion(project):
    """MLflow passes a NaN candidate under a relative threshold; so would a NaN champion."""
    for first, second in (("threshold", "nan"), ("nan", "threshold")):
        project.register(first, **({"every": 7} if first == "nan" else {}))
        uri = project.register(second, **({"every": 7} if second == "nan" else {}))
        champion = f"models:/toy/{int(uri.rpartition('/')[2]) - 1}"
        result = project.run("--model-uri", uri, "--champion", champion, *TO_STAGING)
        assert result.ret == 1
        assert str(project.report.outcome) == "FAILED"
        assert project.holder is None
        assert "not a number" in result.stdout.str()


def test_a_champion_that_lacks_what_is_measured(project):
    """A champion whose column the holdout lacks cannot be compared: that is no pass."""
    project.register(columns={"x0": "double", "gone": "double"})
    result = project.run(
        "--model-uri", project.register(), "--champion", "models:/toy/1", *TO_STAGING
    )
    assert result.ret == 1
    assert project.holder is None
    assert "no column 'gone'" in result.stdout.str()
    assert str(project.report.outcome) == "FAILED"


def test_empty_data(project):
    toy_holdout(project.root / "holdout.parquet", 0, seed=1)
    result = project.run("--model-uri", project.register(), *TO_STAGING)
    assert result.ret == 4
    assert "has no rows" in result.stderr.str()
    assert (project.report, project.tags(), project.holder) == (None, [], None)


def test_a_missing_column(project):
    uri = project.register(columns={"x0": "double", "gone": "double"})
    result = project.run("--model-uri", uri, *TO_STAGING)
    assert result.ret == 4
    assert "no column 'gone'" in result.stderr.str()
    assert (project.report, project.tags(), project.holder) == (None, [], None)


def test_a_missing_metric(project):
    """The policy sets a bar that no test compares with."""
    test = f"def test_floor(gate, candidate, holdout):\n{FLOOR}"
    result = run_own(project, test, "-p", "no:randomly", gain="")
    project.refused(result, "INCOMPLETE", "accuracy.tolerated_loss")


def test_a_group_without_labels(project):
    text = (project.root / "gates.toml").read_text()
    project.policy(text.replace('target = "label"', 'target = "label"\nsensitive = ["sex"]'))
    import pyarrow.parquet as pq

    table = pq.read_table(project.root / "holdout.parquet")
    column = [None, *table["sex"].to_pylist()[1:]]
    import pyarrow as pa

    pq.write_table(
        table.set_column(table.column_names.index("sex"), "sex", pa.array(column)),
        project.root / "holdout.parquet",
    )
    result = project.run("--model-uri", project.register(), *TO_STAGING)
    assert result.ret == 4
    assert "'sex' lacks 1 of 400 values" in result.stderr.str()


def test_an_empty_threshold_set(project):
    text = (project.root / "gates.toml").read_text()
    project.policy(text.replace("floor = 0.8\ntolerated_loss = 0.05", ""))
    result = project.run("--model-uri", project.register(), *TO_STAGING)
    assert result.ret == 4
    assert "a gate without a bar can never pass" in result.stderr.str().lower()


def test_no_gate_collected(project):
    (project.root / "test_nothing.py").write_text("def test_one(): pass\n")
    result = project.run("--model-uri", project.register(), "test_nothing.py", *TO_STAGING)
    project.refused(result, "INCOMPLETE", "no gate was run")


def test_no_gate_is_no_pass_without_a_target_either(project):
    (project.root / "test_nothing.py").write_text("def test_one(): pass\n")
    assert project.run("--model-uri", project.register(), "test_nothing.py").ret == 1
    assert project.run("--model-uri", project.register(), "-k", "no_such_test").ret == 1


def test_nothing_collected_at_all(project):
    (project.root / "test_nothing.py").write_text("")
    result = project.run("--model-uri", project.register(), "test_nothing.py", *TO_STAGING)
    project.refused(result, "INCOMPLETE", "no gate was run")


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("@pytest.mark.skip(reason='today')", "skipped"),
        ("@pytest.mark.skipif(True, reason='today')", "skipped"),
        ("@pytest.mark.xfail(reason='known')", "xpassed"),
        ("@pytest.mark.xfail(run=False, reason='known')", "xfailed"),
    ],
)
def test_skipped_and_xfailed(project, how, word):
    test = f"{how}\ndef test_floor(gate, candidate, holdout):\n{FLOOR}"
    project.refused(run_own(project, test), "FAILED", word)


def test_an_expected_failure_is_a_failure(project):
    test = f"@pytest.mark.xfail\ndef test_floor(gate, candidate, holdout):\n{FLOOR}"
    suite = own_accuracy(project, test)
    result = project.run("--model-uri", project.register(wrong=0.4), suite, *TO_STAGING)
    project.refused(result, "FAILED", "xfailed")


def test_skipped_from_inside_after_measuring(project):
    test = (
        "def test_floor(gate, candidate, holdout):\n"
        "    gate.measure(accuracy.overall, candidate, holdout)\n    pytest.skip('enough')\n"
    )
    project.refused(run_own(project, test), "FAILED", "skipped")


def test_all_skipped(project):
    test = f"@pytest.mark.skip\ndef test_floor(gate, candidate, holdout):\n{FLOOR}"
    gain = "@pytest.mark.skip\n" + GAIN
    project.refused(run_own(project, test, gain=gain), "FAILED", "skipped")


@pytest.mark.parametrize(
    "args",
    [("-k", "floor"), ("-m", "not slow and not gate"), ("--deselect", "test_own.py::test_gain")],
)
def test_deselected(project, args):
    test = f"def test_floor(gate, candidate, holdout):\n{FLOOR}"
    project.refused(run_own(project, test, *args), "INCOMPLETE", "deselected")


def test_deselected_by_a_conftest(project):
    """Nobody chose a part on the command line: a hidden test is a failure, not a choice."""
    (project.root / "conftest.py").write_text(
        "def pytest_collection_modifyitems(items):\n"
        "    items[:] = [i for i in items if 'champion' not in i.name]\n"
    )
    result = project.run("--model-uri", project.register(), *TO_STAGING)
    project.refused(result, "FAILED", "accuracy.tolerated_loss = 0.05 was never compared")


def test_rerun_to_green(project):
    test = (
        "tries = []\n@pytest.mark.flaky(reruns=2)\n"
        "def test_floor(gate, candidate, holdout):\n"
        "    tries.append(1)\n    assert len(tries) > 1\n" + FLOOR
    )
    project.refused(run_own(project, test), "FAILED", "rerun")


def test_an_error_in_set_up(project):
    test = (
        "@pytest.fixture\ndef broken():\n    raise RuntimeError('no table')\n"
        f"def test_floor(gate, candidate, holdout, broken):\n{FLOOR}"
    )
    project.refused(run_own(project, test), "FAILED", "error in setup")


def test_an_error_in_teardown(project):
    test = (
        "@pytest.fixture\ndef broken():\n    yield\n    raise RuntimeError('no table')\n"
        f"def test_floor(gate, candidate, holdout, broken):\n{FLOOR}"
    )
    project.refused(run_own(project, test), "FAILED", "error in teardown")


def test_plain_assertions(project):
    result = project.run("--model-uri", project.register(), "--assert=plain", *TO_STAGING)
    project.refused(result, "FAILED", "run without --assert=plain")


def test_python_without_assertions(project):
    import sys

    uri = project.register(wrong=0.4)
    (project.root / "light.py").write_text(LIGHT)
    result = project.pytester.run(
        *(sys.executable, "-O", "-m", "pytest", "--assert=plain", "-p", "light"),
        *("--model-uri", uri, *TO_STAGING),
    )
    project.refused(result, "FAILED", "run without python -O", "never compared")


def test_measured_but_never_compared(project):
    test = "def test_floor(gate, candidate, holdout):\n    gate.measure(accuracy.overall, candidate, holdout)\n"
    project.refused(run_own(project, test), "FAILED", "measured but never compared")


def test_compared_and_the_answer_ignored(project):
    """The ledger decides, not the assert: a comparison nobody asserted has failed all the same."""
    test = (
        "def test_floor(gate, candidate, holdout):\n"
        "    gate.measure(accuracy.overall, candidate, holdout) >= gate.policy.accuracy.floor\n"
    )
    suite = own_accuracy(project, test)
    result = project.run("--model-uri", project.register(wrong=0.4), suite, *TO_STAGING)
    project.refused(result, "FAILED", "it cannot reach the floor")


def test_a_failure_that_is_caught(project):
    test = (
        f"def test_floor(gate, candidate, holdout):\n  try:\n{FLOOR}  except AssertionError: pass\n"
    )
    suite = own_accuracy(project, test)
    result = project.run("--model-uri", project.register(wrong=0.4), suite, *TO_STAGING)
    project.refused(result, "FAILED", "it cannot reach the floor")


@pytest.mark.parametrize("first", ["True", "False"])
def test_a_test_that_is_there_twice(project, first):
    """The second one does not stand for both, whichever of them fails."""
    (project.root / "conftest.py").write_text(
        "def pytest_collection_modifyitems(items):\n    items.extend(list(items))\n"
    )
    test = (
        "tries = []\ndef test_floor(gate, candidate, holdout):\n"
        f"{FLOOR}    tries.append(1)\n    assert {first} == (len(tries) == 1)\n"
    )
    project.refused(run_own(project, test), "FAILED")


def test_a_lost_worker(project):
    test = (
        "import os\ndef test_floor(gate, candidate, holdout):\n"
        f"{FLOOR}\ndef test_dies(gate):\n    os._exit(3)\n"
    )
    suite = own_accuracy(project, test)
    uri = project.register()
    result = project.run_apart("--model-uri", uri, suite, *TO_STAGING, "-n", "2")
    assert result.ret == 1
    assert str(project.report.outcome) == "FAILED"
    assert project.holder is None
    assert "was lost" in result.stdout.str()


@pytest.mark.parametrize(
    "leave", ["pytest.exit('enough', returncode=0)", "raise KeyboardInterrupt"]
)
def test_an_interrupted_session(project, leave):
    test = (
        f"def test_floor(gate, candidate, holdout):\n{FLOOR}\ndef test_leaves(gate):\n    {leave}\n"
    )
    suite = own_accuracy(project, test)
    result = project.run_apart("--model-uri", project.register(), suite, *TO_STAGING)
    assert result.ret != 0
    assert str(project.report.outcome) == "FAILED"
    assert project.holder is None
    assert "not run" in result.stdout.str()


def test_a_failing_test_beside_the_gates(project):
    """pytest would exit 1, so the pointer may not move."""
    suite = own_accuracy(project, f"def test_floor(gate, candidate, holdout):\n{FLOOR}")
    (project.root / "test_beside.py").write_text("def test_beside():\n    assert 0\n")
    result = project.run("--model-uri", project.register(), suite, "test_beside.py", *TO_STAGING)
    project.refused(result, "FAILED", "beside the gates")


def test_a_broken_suite_file(project):
    suite = own_accuracy(project, f"def test_floor(gate, candidate, holdout):\n{FLOOR}")
    (project.root / "test_broken.py").write_text("import nothing_like_this\n")
    result = project.run("--model-uri", project.register(), suite, "test_broken.py", *TO_STAGING)
    assert result.ret != 0
    assert project.holder is None
    assert str(project.report.outcome) == "FAILED"


@pytest.mark.parametrize("rule", ["crash", "segfault", "wrong_length"])
def test_a_model_that_misbehaves(project, rule):
    result = project.run("--model-uri", project.register(rule), *TO_STAGING)
    project.refused(result, "FAILED")
    assert "candidate" in result.stdout.str()


def test_a_champion_that_dies_is_called_the_champion(project):
    project.register("crash")
    uri = project.register()
    result = project.run("--model-uri", uri, "--champion", "models:/toy/1", *TO_STAGING)
    assert result.ret == 1
    assert "the champion's process ended with exit code 3" in result.stdout.str()
    assert str(project.report.outcome) == "FAILED"
    assert project.holder is None


def test_a_partial_run_is_incomplete_and_exits_by_its_own_gates(project):
    uri = project.register()
    result = project.run("--model-uri", uri, "-k", "test_accuracy and floor")
    assert result.ret == 0
    assert str(project.report.outcome) == "INCOMPLETE"
    assert "GATES INCOMPLETE" in result.stdout.str()
    assert (
        project.run("--model-uri", project.register(wrong=0.4), "-k", "test_accuracy and floor").ret
        == 1
    )
    assert project.holder is None


def test_partial_runs_do_not_add_up(project):
    """All gates passed in two partial runs: gatekit promote still refuses."""
    from gatekit.cli import main

    uri = project.register()
    assert project.run("--model-uri", uri, "--pyargs", "gatekit_suites.test_accuracy").ret == 0
    assert project.run("--model-uri", uri, "--pyargs", "gatekit_suites.test_robustness").ret == 0
    project.pytester.chdir()
    assert main(["promote", uri, "--to", "staging"]) == 1
    assert project.holder is None
    assert project.run("--model-uri", uri).ret == 0
    assert main(["promote", uri, "--to", "staging"]) == 0
    assert project.holder == "1"
