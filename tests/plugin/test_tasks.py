"""A regression and a model that gives probabilities, the whole way: pass, fail, inconclusive."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from gatekit.testing.rules import RULES

pytestmark = pytest.mark.usefixtures("lent_server")

COMMON = """
model = "toy"
{top}

[data.holdout]
path = "holdout.parquet"
target = "label"

[gates.accuracy]
{bars}

[promotion.staging]
requires = ["accuracy"]
"""
TO_STAGING = ("--promote-to", "staging")
BY_SCORE = 'task = "binary"\nscore = "predict_proba"'
BY_NUMBER = 'task = "regression"'


def rows(project, n, label):
    random = np.random.default_rng(4)
    x = random.normal(size=n)
    columns = {"x0": x} | {f"x{i}": random.normal(size=n) for i in (1, 2, 3)}
    columns["label"] = label(x, random)
    parquet.write_table(pa.table(columns), project.root / "holdout.parquet")


@pytest.fixture
def by_score(project):
    def drawn(x, random):
        return (random.random(x.size) < RULES["probability"](x)).astype(np.int64)

    def make(bars, n=1000):
        rows(project, n, drawn)
        project.policy(COMMON.format(top=BY_SCORE, bars=bars))
        return project

    return make


@pytest.fixture
def by_number(project):
    def make(bars, n=1000):
        rows(project, n, lambda x, random: 10 * x + random.normal(size=x.size))
        project.policy(COMMON.format(top=BY_NUMBER, bars=bars))
        return project

    return make


def outcomes(project):
    return {c.key.partition(".")[2]: str(c.verdict.outcome) for c in project.report.checks if c.key}


PROBABLE = """
floor = 0.7
log_loss = 0.5
brier = 0.2
auc = 0.85
average_precision = 0.8
calibration_error = 0.08
"""
CLOSE = """
mae = 1.2
rmse = 1.5
r2 = 0.95
quantile_loss = 0.6
bias = 0.2
"""


def test_good_probabilities_pass_every_bar_and_promote(by_score):
    project = by_score(PROBABLE)
    result = project.run("--model-uri", project.register("probability"), *TO_STAGING)
    assert result.ret == 0, result.stdout.str()
    assert set(outcomes(project).values()) == {"PASSED"}
    assert len(outcomes(project)) == 6
    assert project.holder == "1"


def test_a_model_too_sure_of_itself_fails_by_its_calibration_alone(by_score):
    project = by_score("auc = 0.85\ncalibration_error = 0.08")
    result = project.run("--model-uri", project.register("probability", warp=4.0), *TO_STAGING)
    project.refused(result, "FAILED", "calibration error <= 0.08   FAILED", "said 0.")
    assert outcomes(project) == {"auc": "PASSED", "calibration_error": "FAILED"}


def test_few_rows_are_inconclusive_and_say_how_many_would_do(by_score):
    project = by_score("auc = 0.85\nlog_loss = 0.5", n=45)
    result = project.run("--model-uri", project.register("probability"), *TO_STAGING)
    project.refused(result, "INCONCLUSIVE")
    assert set(outcomes(project).values()) == {"INCONCLUSIVE"}
    needed = {c.estimate.name: c.verdict.rows_needed for c in project.report.checks if c.bar}
    assert needed["log loss"] == 50
    assert needed["AUC"] > 45


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"hard": True}, "gives 2 different scores on 1,000 rows: these are labels"),
        ({"outside": True}, "times outside 0 to 1"),
    ],
)
def test_scores_that_mean_nothing_are_refused_in_words(by_score, how, words):
    project = by_score("auc = 0.5\nlog_loss = 0.6")
    result = project.run("--model-uri", project.register("probability", **how), *TO_STAGING)
    project.refused(result, "FAILED", words)


def test_the_threshold_makes_the_labels(by_score):
    project = by_score("floor = 0.6\nrecall = 0.9")
    uri = project.register("probability")
    assert project.run("--model-uri", uri).ret == 1
    text = (project.root / "gates.toml").read_text()
    project.policy(text.replace('score = "pre', 'threshold = 0.2\nscore = "pre'))
    assert project.run("--model-uri", uri, *TO_STAGING).ret == 0


def test_a_champion_is_compared_by_ranking_and_by_loss(by_score):
    project = by_score("auc_loss = 0.01\nlog_loss_rise = 0.02\ntolerated_loss = 0.05")
    assert project.run("--model-uri", project.register("probability"), *TO_STAGING).ret == 1
    assert set(outcomes(project).values()) == {"NO CHAMPION"}  # and so nothing was proved
    other = project.register("probability", warp=1.01)  # ranks the same, and is another model
    again = project.run("--model-uri", other, "--champion", "models:/toy/1")
    assert again.ret == 0, again.stdout.str()
    assert set(outcomes(project).values()) == {"PASSED"}
    worse = project.register("probability", warp=4.0)
    assert project.run("--model-uri", worse, "--champion", "models:/toy/1").ret == 1
    assert outcomes(project)["log_loss_rise"] == "FAILED"
    assert outcomes(project)["auc_loss"] == "PASSED"  # it ranks the same


def test_a_close_regression_passes_every_bar_and_promotes(by_number):
    project = by_number(CLOSE)
    result = project.run("--model-uri", project.register("number", spread=0.1), *TO_STAGING)
    assert result.ret == 0, result.stdout.str()
    assert set(outcomes(project).values()) == {"PASSED"}
    assert len(outcomes(project)) == 5
    said = result.stdout.str()
    assert "accuracy   RMSE " in said
    for other in ("MCC", "AUC", "log loss", "worst slice", "gain on champion"):
        assert other not in said


def test_a_shifted_regression_fails(by_number):
    project = by_number(CLOSE)
    result = project.run("--model-uri", project.register("number", shift=3.0), *TO_STAGING)
    project.refused(result, "FAILED", "|bias| <= 0.2   FAILED", "mean error +2.9")
    assert outcomes(project)["bias"] == "FAILED"


def test_a_regression_on_few_rows_is_inconclusive(by_number):
    project = by_number("mae = 1.2", n=40)
    result = project.run("--model-uri", project.register("number", spread=0.1), *TO_STAGING)
    project.refused(result, "INCONCLUSIVE", "about 50 would")


def test_a_regression_is_compared_with_its_champion(by_number):
    project = by_number("tolerated_loss = 0.1\ngain = 0.5\nrmse_rise = 0.1")
    old, new = project.register("number", shift=3.0), project.register("number")
    assert project.run("--model-uri", new, "--champion", old).ret == 0
    assert outcomes(project) == dict.fromkeys(("tolerated_loss", "gain", "rmse_rise"), "PASSED")
    assert project.run("--model-uri", old, "--champion", new).ret == 1
    assert outcomes(project) == dict.fromkeys(("tolerated_loss", "gain", "rmse_rise"), "FAILED")


@pytest.mark.parametrize(
    ("top", "bars", "words"),
    [
        ("", "auc = 0.8", "gates.accuracy.auc is a bar on scores of two classes; say where"),
        ("", "mae = 1.0", "gates.accuracy.mae is a bar on numbers; the task is binary"),
        (BY_NUMBER, "floor = 0.8", "floor is a bar on labels; the task is regression"),
        (BY_NUMBER + '\nscore = "p"', "mae = 1.0", "score is 'p', and the task is regression"),
        (
            'task = "multiclass"\nscore = "predict_proba"',
            "auc = 0.8",
            "auc is a bar on scores of two classes; the task is multiclass",
        ),
        ('task = "multiclass"\nscore = "p"', "floor = 0.8", "score names the column 'p'"),
        (BY_NUMBER, "quantile_loss = 1\nquantile = 1.0", "quantile is 1"),
        (BY_SCORE + "\nthreshold = 0", "floor = 0.8", "threshold is 0"),
    ],
)
def test_a_bar_that_does_not_fit_the_task_is_exit_code_4(project, top, bars, words):
    project.policy(COMMON.format(top=top, bars=bars))
    result = project.run("--model-uri", project.register())
    assert result.ret == 4
    assert words in result.stderr.str()
    assert project.report is None
