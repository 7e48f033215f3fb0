"""The progress line: for who watches a terminal, and for nobody else; and --gate-quiet."""

import os
import pty
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from gatekit.gates import generator
from gatekit.gates.robustness_attack import counted
from gatekit_pytest import progress
from gatekit_pytest.progress import ProgressLine, is_wanted, progress_words

# nothing here waits for a clock: what is told at all is shown
CONFTEST = """
import gatekit.runner.forkserver
import gatekit_pytest.progress

gatekit.runner.forkserver.MODULES = ("pandas",)
gatekit_pytest.progress.DELAY_S = gatekit_pytest.progress.EVERY_S = 0
"""
OWN = """
import pytest
pytestmark = pytest.mark.gate("campaign")


def test_it_pays(gate, candidate, holdout, capsys):
    print("said by the test")
    for done in (0, 40, 80, 120):
        candidate.progress("steps", done, 120)
    assert capsys.readouterr().out == "said by the test\\\\n"
    assert gate.measure(share, candidate, holdout) >= gate.policy.campaign.least


def share(y, prediction):
    return float((y == prediction).mean())
""".replace("\\\\n", "\\n")
POLICY = """
model = "toy"
suites = ["test_own.py"]

[data.holdout]
path = "holdout.parquet"
target = "label"

[own.campaign]
least = 0.5
"""


@pytest.fixture
def watched(project):
    (project.root / "test_own.py").write_text(OWN)
    project.policy(POLICY)
    project.uri = project.register(wrong=0.1)
    return project


def on_a_terminal(project, *args, **environment):
    """What a person sees who runs it in a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    said = []
    names = ("CI", "MLFLOW_TRACKING_URI", "PYTEST_ADDOPTS")
    env = {k: v for k, v in os.environ.items() if k not in names}
    env |= {"TERM": "xterm", "COLUMNS": "80", **environment}
    command = [sys.executable, "-m", "pytest", "--model-uri", project.uri, *args]
    with subprocess.Popen(
        command, cwd=project.root, env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as run:
        os.close(theirs)

        def read():
            try:
                while piece := os.read(ours, 4096):
                    said.append(piece)
            except OSError:  # Linux says so where the other side is closed
                pass

        reader = threading.Thread(target=read)
        reader.start()
        code = run.wait()
        reader.join()
    os.close(ours)
    return code, b"".join(said).decode()


class Screen:
    """A terminal of enough lines, as far as pytest and the line use it."""

    def __init__(self, text, columns=80):
        self.lines, self.row, self.column, self.columns = [[]], 0, 0, columns
        at = 0
        while at < len(text):
            if text.startswith("\x1b[", at):
                end = next(i for i in range(at + 2, len(text)) if text[i].isalpha())
                self.escape(text[at + 2 : end], text[end])
                at = end + 1
                continue
            self.put(text[at])
            at += 1

    def escape(self, number, letter):
        if letter == "K":
            del self.lines[self.row][self.column :]
        elif letter == "A":
            self.row -= int(number or 1)
        elif letter == "C":
            self.column += int(number)
        else:
            assert letter in "mh", letter  # colours

    def put(self, letter):
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.row += 1
        else:
            self.lines += [[] for _ in range(self.row + 1 - len(self.lines))]
            line = self.lines[self.row]
            line += [" "] * (self.column + 1 - len(line))
            line[self.column] = letter
            self.column += 1
        self.lines += [[] for _ in range(self.row + 1 - len(self.lines))]

    @property
    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)


@pytest.mark.slow
def test_a_person_sees_the_line_and_it_leaves_no_trace(watched):
    (watched.root / "conftest.py").write_text(CONFTEST)
    code, raw = on_a_terminal(watched)
    assert code == 0, raw
    assert "campaign: 40 of 120 steps, 33%" in raw
    assert "campaign: 80 of 120 steps, 67%" in raw
    left = Screen(raw).text
    assert "steps" not in left
    assert "test_own.py ." in left
    assert "GATES PASSED" in left


def test_in_a_log_there_is_none_and_capture_works_as_ever(watched):
    result = watched.run("--model-uri", watched.uri)
    assert result.ret == 0
    assert "steps" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("terminal", "environment", "wanted"),
    [
        (True, {}, True),
        (True, {"CI": "false", "TERM": "xterm"}, True),
        (True, {"CI": "true"}, False),
        (True, {"CI": "1"}, False),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_it_is_for_a_terminal_and_not_for_a_ci(terminal, environment, wanted, monkeypatch):
    monkeypatch.setattr(progress.sys, "stderr", SimpleNamespace(isatty=lambda: terminal))
    assert is_wanted(environment) is wanted


class Written(ProgressLine):
    """The line without a terminal: what it writes is kept."""

    def __init__(self):
        manager = SimpleNamespace(getplugin=lambda name: None)
        super().__init__(SimpleNamespace(pluginmanager=manager))
        self.written = []

    def _write(self, text):
        self.written.append(text)


def test_what_takes_no_time_shows_nothing_and_what_does_is_not_told_too_often(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    line = Written()
    for at, done in ((0.0, 0), (0.5, 5), (1.1, 11), (1.2, 12), (1.4, 14)):
        now[0] = 100.0 + at
        line.tell("queries", done, 100)
    assert [text.strip("\r\x1b[K") for text in line.written] == [
        ": 11 of 100 queries, 11%",
        ": 14 of 100 queries, 14%",
    ]
    line.tell("queries", 100, 100)
    assert line.written[-1] == progress.CLEAR
    line.clear()
    assert len(line.written) == 3
    line.tell("rows predicted", 0, progress.MANY)
    assert "0 of 100,000 rows predicted" in line.written[-1]


def test_the_line_fits_any_terminal_of_80_columns():
    assert progress_words("robustness", "attack queries", 12_000, 200_000) == (
        "robustness: 12,000 of 200,000 attack queries, 6%"
    )
    assert len(progress_words("g" * 90, "attack queries", 1, 2)) < 80


def test_an_attack_tells_how_many_of_its_queries_are_spent():
    told = []
    ask = counted(lambda values: values[0] > 0, 50, lambda *what: told.append(what))
    ask([np.ones(20)])
    ask([np.ones(10)])
    assert told == [("attack queries", 0, 50), ("attack queries", 20, 50)]


def test_rows_of_a_large_holdout_are_told(watched, monkeypatch):
    monkeypatch.setattr("gatekit.runner.process.MANY_ROWS", 400)
    monkeypatch.setattr(progress, "MANY", 400)
    monkeypatch.setattr("gatekit_pytest.session.is_wanted", lambda: True)
    result = watched.run("--model-uri", watched.uri)
    assert result.ret == 0
    assert "campaign: 0 of 400 rows predicted" in result.stderr.str()
    assert result.stderr.str().rstrip("\n").endswith("\x1b[K")  # and it is gone again


def test_a_load_run_tells_its_seconds_and_how_it_failed():
    told = []
    command = [sys.executable, "-c", "import sys; sys.exit('no locust')"]
    code, complaint = generator._run(command, 30.0, lambda *what: told.append(what))
    assert (code, complaint.strip()) == (1, "no locust")
    assert {(unit, of) for unit, _, of in told} == {("seconds of load", 30.0)}


def test_quiet_says_the_verdict_and_no_more(watched):
    result = watched.run("--model-uri", watched.uri, "--gate-quiet")
    assert result.ret == 0
    assert result.stdout.str().strip() == "GATES PASSED  toy version 1: 1 passed"


def test_quiet_tells_what_failed(watched):
    watched.policy(POLICY.replace("0.5", "1.5"))
    result = watched.run("--model-uri", watched.uri, "--gate-quiet")
    assert result.ret == 1
    said = result.stdout.str()
    assert "assert share >= 1.5   FAILED" in said
    assert "GATES FAILED  toy version 1: 1 failed" in said
    for left_out in ("test session starts", "promotion gates", "report:", "short test summary"):
        assert left_out not in said


def test_quiet_without_a_model_is_a_mistake(watched):
    result = watched.run("--gate-quiet")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--gate-quiet needs --model-uri URI" in result.stderr.str()
