"""The whole way on toys: a pass moves the pointer, a failure leaves it, bad input writes nothing."""

import pytest

from gatekit.testing.toys import write_toy

pytestmark = pytest.mark.usefixtures("lent_server")


def test_a_pass_moves_the_pointer(project):
    result = project.run("--model-uri", project.register(), "--promote-to", "staging")
    assert result.ret == 0
    assert str(project.report.outcome) == "PASSED"
    assert project.holder == "1"
    assert "PROMOTED  toy version 1 now holds 'staging'" in result.stdout.str()


def test_a_failure_leaves_the_pointer(project):
    uri = project.register(wrong=0.4)
    result = project.run("--model-uri", uri, "--promote-to", "staging")
    project.refused(result, "FAILED", "accuracy >= 0.8   FAILED", "1 failed, 1 passed")


def test_an_undecided_model_is_inconclusive_and_says_how_many_rows_would_decide(project):
    uri = project.register(wrong=0.215)
    result = project.run("--model-uri", uri, "--promote-to", "staging")
    project.refused(result, "INCONCLUSIVE", "400 rows cannot decide it, about")
    assert "INCONCLUSIVE " in result.stdout.str()


def test_without_a_target_the_exit_code_is_the_verdict_and_nothing_moves(project):
    assert project.run("--model-uri", project.register()).ret == 0
    assert project.run("--model-uri", project.register(wrong=0.4)).ret == 1
    assert project.holder is None


def test_a_loosened_bar_passes_its_gates_and_does_not_promote(project):
    uri = project.register(wrong=0.215)
    result = project.run(
        "--model-uri", uri, "--gate-set", "accuracy.floor=0.5", "--promote-to", "staging"
    )
    assert result.ret == 1
    assert str(project.report.outcome) == "PASSED"
    assert project.holder is None
    said = result.stdout.str()
    assert "accuracy.floor loosened from 0.8 to 0.5 by" in said
    assert "--override REASON --gate accuracy" in said


def test_a_point_decision_is_called_one(project):
    uri = project.register(wrong=0.215)
    result = project.run("--model-uri", uri, "--gate-set", "accuracy.level=0.5", "-k", "floor")
    assert "PASSED point" in result.stdout.str()
    assert "accuracy.level loosened from 0.95 to 0.5" in result.stdout.str()


def test_a_tightened_bar_promotes(project):
    result = project.run(
        "--model-uri",
        project.register(),
        "--gate-set",
        "accuracy.floor=0.9",
        "--promote-to",
        "staging",
    )
    assert (result.ret, project.holder) == (0, "1")


def test_a_worse_challenger_loses_to_the_champion(project):
    assert project.run("--model-uri", project.register(), "--promote-to", "staging").ret == 0
    worse = project.register(wrong=0.12)
    result = project.run("--model-uri", worse, "--promote-to", "staging")
    assert result.ret == 1
    assert project.holder == "1"
    assert "against toy version 1" in result.stdout.str()


def test_observe_measures_and_never_blocks(project):
    project.policy(
        (project.root / "gates.toml")
        .read_text()
        .replace("floor = 0.8", 'floor = 0.8\nmode = "observe"')
    )
    result = project.run("--model-uri", project.register(wrong=0.4), "--promote-to", "staging")
    assert (result.ret, project.holder) == (0, "1")
    assert "failed\n" in result.stdout.str()
    assert "observed, does not block" in result.stdout.str()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["models:/toy/99"], "has no version 99"),
        (["models:/other/1"], "names 'other'"),
        (["models:/toy"], "no model name and version in it"),
        (["models:/toy/Canary"], "neither a version nor a stage"),
        (["s3://bucket/model"], "not a model URI"),
        (["models:/toy@nobody"], "nobody"),
        (["models:/toy/1", "--gates", "absent.toml"], "no policy at absent.toml"),
        (["models:/toy/1", "--gate-set", "accuracy.flor=1"], "Did you mean 'floor'?"),
        (["models:/toy/1", "--gate-set", "accuracy.floor=high"], "a finite number is needed"),
        (["models:/toy/1", "--champion", "models:/toy/1"], "is the candidate itself"),
        (["models:/toy/1", "--promote-to", "moon"], "no [promotion.moon]"),
    ],
)
def test_bad_input_is_one_sentence_exit_code_4_and_nothing_written(project, args, words):
    project.register()
    result = project.run("--model-uri", *args)
    assert result.ret == 4
    said = result.stderr.str()
    assert words in said
    assert "Traceback" not in said
    assert project.report is None
    assert project.tags() == []


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ('model = "toy"', 'model = "toy"\nmodle = 1', "modle is unknown. Did you mean 'model'?"),
        ("[gates.accuracy]", "[gates.acuracy]", "Did you mean 'accuracy'?"),
        (
            "floor = 0.8",
            'floor = "high"',
            "gates.accuracy.floor is 'high', a finite number is needed",
        ),
        ("floor = 0.8", "floor = 0.8\nlevel = 95", "gates.accuracy.level is 95"),
        ('target = "label"', 'target = "gone"', "no column 'gone'"),
        ('target = "label"', 'target = "label"\nsensitive = ["age"]', "no column 'age'"),
        ("holdout.parquet", "elsewhere.parquet", "no holdout at"),
        ('"robustness"]', '"robustnes"]', "Did you mean 'robustness'?"),
        (
            '"robustness"]',
            '"parity"]\n[gates.parity]\ndisagreements = nan',
            "a finite number is needed",
        ),
        ("floor = 0.8\ntolerated_loss = 0.05", "", "sets no bar"),
    ],
)
def test_a_bad_policy_is_one_sentence_exit_code_4_and_nothing_written(project, was, now, words):
    project.policy((project.root / "gates.toml").read_text().replace(was, now))
    result = project.run("--model-uri", project.register())
    assert result.ret == 4
    assert words in result.stderr.str()
    assert project.report is None


def test_options_without_a_model_are_refused(project):
    result = project.run("--promote-to", "staging")
    assert result.ret == 4
    assert "--promote-to needs --model-uri" in result.stderr.str()


def test_a_folder_is_gated_but_not_promotable(project):
    folder = write_toy(project.root / "model", "threshold")
    result = project.run("--model-uri", str(folder))
    assert result.ret == 0
    assert "gated, but not promotable" in result.stdout.str()
    result = project.run("--model-uri", str(folder), "--promote-to", "staging")
    assert result.ret == 4
    assert "no registered version" in result.stderr.str()


def test_pointers_resolve(project):
    project.register()
    project.registry.move("toy", "champion", "1", "alias")
    project.registry.move("toy", "staging", "1", "stage")
    for uri in ("models:/toy@champion", "models:/toy/Staging", "models:/toy/1"):
        assert project.run("--model-uri", uri).ret == 0
        assert project.report.model["version"] == "1"


def test_collect_only_runs_and_writes_nothing(project):
    result = project.run("--model-uri", project.register(), "--collect-only", "-q")
    assert result.ret == 0
    assert "test_accuracy_clears_the_floor" in result.stdout.str()
    assert project.report is None
    assert project.tags() == []


def test_without_the_plugin_the_option_is_unknown(project):
    result = project.run_apart("-p", "no:gatekit", "--model-uri", project.register())
    assert result.ret == 4


def test_junit_names_the_measurement(project):
    project.run("--model-uri", project.register(), "--junitxml", "junit.xml")
    assert (
        "accuracy accuracy 1 [0.993, 1] &gt;= 0.8 PASSED"
        in (project.root / "junit.xml").read_text()
    )


def test_stop_at_the_first_failure(project):
    result = project.run(
        "--model-uri", project.register(wrong=0.4), "-x", "--promote-to", "staging"
    )
    project.refused(result, "FAILED")


def test_two_workers_give_the_same_report(project):
    uri = project.register(wrong=0.1)
    one = project.run("--model-uri", uri)
    alone = project.report
    two = project.run_apart("--model-uri", uri, "-n", "2")
    assert one.ret == two.ret == 0
    assert str(project.report.outcome) == "PASSED"
    assert sorted(map(str, project.report.checks)) == sorted(map(str, alone.checks))


@pytest.mark.parametrize("how", [["--pyargs", "gatekit_suites"], ["--lf"], ["--ff"]])
def test_other_ways_to_run_everything_promote_as_well(project, how):
    """The whole set of gates was compared, so it is a pass, however the tests were named."""
    result = project.run("--model-uri", project.register(), "--promote-to", "staging", *how)
    assert (result.ret, project.holder) == (0, "1")


def test_the_last_failed_alone_are_a_part(project):
    (project.root / "pytest.ini").write_text("[pytest]\naddopts = -p no:locust\n")
    uri = project.register(wrong=0.4)
    assert project.run("--model-uri", uri).ret == 1
    result = project.run(
        "--model-uri", uri, "--lf", "--gate-set", "accuracy.floor=0.1", "--promote-to", "staging"
    )
    assert result.ret == 1
    assert str(project.report.outcome) == "INCOMPLETE"
    assert project.holder is None
