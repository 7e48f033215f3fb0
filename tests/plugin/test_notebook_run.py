"""`gatekit.run_gates`: the same suites and the same ledger as on the command line."""

import html
import signal
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import gatekit
from gatekit import cli
from gatekit.errors import CandidateError, DataError, GatekitError, PolicyError, UsageProblem
from gatekit.notebook import child
from gatekit.notebook.inputs import Inputs
from gatekit.testing.toys import write_toy
from tests.forks import LIGHT

from .conftest import Project

TABLES = {
    "model": "toy",
    "data": {"holdout": {"path": "holdout.parquet", "target": "label"}},
    "gates": {"accuracy": {"floor": 0.8}},
    "promotion": {"staging": {"requires": ["accuracy"]}},
}


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A project, in whose folder the notebook runs.

    Without pytester, which takes away what a test imports: MLflow bears no second import.
    """
    monkeypatch.chdir(tmp_path)
    project = Project(SimpleNamespace(path=tmp_path))
    (project.root / "conftest.py").write_text(LIGHT)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return project


def test_a_registered_version_is_gated_as_on_the_command_line(notebook):
    uri = notebook.register()
    result = gatekit.run_gates(uri, "holdout.parquet", "gates.toml")
    assert (result.passed, result.verdict, result.not_promotable) == (True, "PASSED", "")
    assert [tag["outcome"] for tag in notebook.tags()] == ["PASSED"]
    assert len(notebook.registry.entries("toy.uses")) == 1
    assert result.report["run"]["uses"]["number"] == 1
    assert "use 1 of the test set" in result.output
    # the policy is the reviewed one, and so the run is proof
    assert cli.main(["promote", uri, "--to", "staging"]) == 0
    assert notebook.holder == "1"


ANSWERS = {
    "a wrong call": (
        4,
        "ERROR: gatekit: churn-model has no version 9. Its versions: 1\n\n",
        UsageProblem,
        "^churn-model has no version 9. Its versions: 1$",
    ),
    "pytest's own words": (
        4,
        "ERROR: usage: __main__.py [options]\nunrecognized arguments: --no-such\n",
        UsageProblem,
        "unrecognized arguments: --no-such",
    ),
    "no report": (-9, "Killed", GatekitError, "pytest's exit code is -9: Killed"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_run_without_a_report_is_an_error_in_its_own_words(answer, tmp_path, monkeypatch):
    code, complaint, error, words = answer
    monkeypatch.setattr(child, "_finished", lambda command: (code, "", complaint))
    with pytest.raises(error, match=words):
        child.run_pytest(Inputs("mine", tmp_path / "gates.toml"), None, tmp_path)


class Frames(HTMLParser):
    """The attributes of every frame."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "iframe":
            self.found.append(dict(attrs))


@pytest.mark.slow
def test_a_fitted_estimator_is_judged_on_a_frame_and_proves_nothing(notebook):
    from sklearn.linear_model import LogisticRegression

    (notebook.root / "conftest.py").write_text(LIGHT.replace("pandas", "mlflow.sklearn"))
    notebook.register()
    frame = parquet.read_table(notebook.root / "holdout.parquet").to_pandas().iloc[:300]
    model = LogisticRegression().fit(frame[["x1", "x2"]], frame["label"])  # x0 is what tells
    result = gatekit.run_gates(model, frame, TABLES)
    assert (result.passed, result.verdict) == (False, "FAILED"), result.output
    inputs = result.report["model"]["signature"]["inputs"]
    assert [column["name"] for column in inputs] == ["x1", "x2"]
    assert result.report["data"]["rows"] == 300
    first = result.checks[0]
    assert (first.estimate.name, first.estimate.n, first.bar) == ("accuracy", 300, 0.8)
    assert "LogisticRegression is registered nowhere" in result.not_promotable
    assert notebook.registry.entries("toy.uses") == []
    check_how_it_is_shown(result)


def check_how_it_is_shown(result):
    """What a notebook asks a value for, best first; then what a terminal does."""
    shown = Frames()
    shown.feed(result._repr_html_())
    (frame,) = shown.found
    assert frame["srcdoc"].replace('<base href="about:srcdoc">', "") == result.page
    assert frame["sandbox"] is None
    assert result.page.startswith("<!doctype html>")
    assert html.escape(result.told.sentence) in result._repr_html_()
    assert "`.page`" in result._repr_markdown_()
    said = repr(result)
    assert said == str(result)
    assert ">= 0.8   FAILED" in said
    assert "Not promotable" in said
    assert max(map(len, said.splitlines())) <= 80


def broken(model="mine", data=None, policy=TABLES):
    return {"model": model, "data": data, "policy": policy}


class Unfitted:
    def predict(self, rows):
        return rows


def unfitted():
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


WRONG = {
    "no model": (broken(model=7), CandidateError, "not int '7'"),
    "a class": (broken(model=Unfitted), CandidateError, "not the class Unfitted"),
    "no estimator": (broken(model=Unfitted()), CandidateError, "no scikit-learn estimator"),
    "not fitted": (broken(model=unfitted), CandidateError, "is not fitted"),
    "no such folder": (broken(model="nowhere"), CandidateError, "no folder with an MLmodel"),
    "rows of no kind": (broken(data=[[1]]), DataError, "a pyarrow table or a pandas frame"),
    "a mixed frame": (broken(data=pd.DataFrame({"a": [1, "b"]})), DataError, "as Parquet"),
    "a policy of no kind": (broken(policy=3), PolicyError, "a path, a mapping or a Policy"),
    "no such policy": (broken(policy="nowhere.toml"), PolicyError, "no policy at"),
    "an unknown key": (broken(policy={**TABLES, "modle": 1}), PolicyError, "modle is unknown"),
    "no TOML": (broken(policy={**TABLES, "model": object()}), PolicyError, "model is a object"),
    "no data table": (broken(policy={"model": "toy"}), PolicyError, "data.holdout.path"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_used_is_said_before_anything_runs(notebook, case):
    asked, error, words = WRONG[case]
    write_toy(notebook.root / "mine", "threshold")
    asked = {key: each() if each is unfitted else each for key, each in asked.items()}
    with pytest.raises(error, match=words) as raised:
        gatekit.run_gates(**asked)
    assert raised.value.hint or case == "no data table"


def test_columns_that_the_model_was_not_fitted_on_are_named(notebook):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(pd.DataFrame({"z": [0.0, 1.0]}), [0, 1])
    with pytest.raises(DataError, match="no column 'z', on which the model was fitted"):
        gatekit.run_gates(model, None, TABLES)
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(DataError, match=r"fitted on 1 columns without names, .* has 5 beside"):
        gatekit.run_gates(
            model, pa.table({**{f"x{i}": [1.0] for i in range(5)}, "label": [1]}), TABLES
        )


SLEEPS = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
print("begun", flush=True)
time.sleep(600)
"""


def test_an_interrupted_notebook_ends_the_run(monkeypatch):
    started, real = [], child.subprocess.Popen.communicate

    def communicate(self, *args, **how):
        if not started:
            started.append(self)
            assert self.stdout.readline() == "begun\n"
            raise KeyboardInterrupt
        return real(self, *args, **how)

    monkeypatch.setattr(child.subprocess.Popen, "communicate", communicate)
    with pytest.raises(KeyboardInterrupt):
        child._finished([sys.executable, "-c", SLEEPS])
    assert started[0].returncode == -signal.SIGINT  # by itself: it was not killed
