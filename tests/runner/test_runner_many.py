"""Many small questions in a row: each gets its own answer or error, as if it were asked alone."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from gatekit.errors import DataError, ModelGone, ModelMisbehaved, ModelRefused
from gatekit.runner.conversation import AHEAD, Conversation
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.runner.protocol import Frame
from gatekit.testing import write_toy

X = np.linspace(-1, 1, 40)
ROWS = pa.table({"x0": X, "x1": X * 100})
SINGLE = [ROWS.slice(at, 1) for at in range(ROWS.num_rows)]


@pytest.fixture
def run(tmp_path):
    runners = []

    def start(rule, limits=None, columns=("x0", "x1"), **params):
        runners.append(Runner(limits or Limits(call_seconds=20), tmp_path / "scratch"))
        runners[-1].load(write_toy(tmp_path / rule, rule, columns, **params))
        return runners[-1]

    yield start
    for runner in runners:
        runner.close()


def said(given):
    """What came of each, in a line."""
    return [str(each) if isinstance(each, Exception) else each.tolist() for each in given]


def test_each_is_answered_as_it_is_alone_whatever_lies_beside_it(run):
    runner = run("threshold", columns={"x0": "double", "x1": "double?"})
    large = pa.concat_tables([ROWS] * 5000)
    tables = [
        *SINGLE[:3],
        ROWS.slice(5, 9),
        ROWS.select(["x0"]),  # another schema
        SINGLE[3],
        large,  # through shared memory, where it can be had
        *SINGLE[4:7],
        large.slice(7),
        ROWS.set_column(1, "x1", pa.nulls(ROWS.num_rows, pa.float64())),
        ROWS.select(["x1", "x0"]),  # another order
        SINGLE[7].cast(pa.schema([("x0", pa.float32()), ("x1", pa.float64())])),
        *SINGLE[8:],
    ]
    assert said(runner.answer_each(tables)) == [runner.predict(each).tolist() for each in tables]
    assert runner.answer_each([]) == []
    assert runner.answer_each(SINGLE[:1])[0].tolist() == [0]


def test_an_error_stands_in_the_place_of_its_answer(run):
    runner = run("raise_on")
    given = runner.answer_each(SINGLE)
    refused = [at for at, each in enumerate(given) if isinstance(each, ModelRefused)]
    assert refused == list(range(20))
    assert said(given)[20:] == [[1]] * 20
    assert "ValueError while predicting" in str(given[0])
    assert runner.predict(SINGLE[-1]).tolist() == [1]  # the line is where it was


def test_too_few_answers_are_an_error_of_their_own(run):
    given = run("wrong_length").answer_each([ROWS.slice(0, 3), ROWS.slice(0, 5)])
    assert said(given) == [
        "the model gave 2 predictions for 3 rows",
        "the model gave 4 predictions for 5 rows",
    ]


def test_where_the_process_ends_the_answers_end(run):
    runner = run("dies", columns=("x0", "x1"), column="x1", above=50.0)
    given = runner.answer_each(SINGLE)
    assert isinstance(given[-1], ModelGone)
    assert "ended with exit code" in str(given[-1])
    assert len(given) == 1 + int((X * 100 <= 50).sum())
    assert said(given[:-1]) == [[int(x > 0)] for x in X[: len(given) - 1]]
    with pytest.raises(ModelGone, match="ended with exit code"):
        runner.answer_each(SINGLE)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("hang", "gave no answer for 0.6 s while predicting"),
        ("garbage", "wrote garbage to its line"),
    ],
)
def test_what_is_no_answer_ends_them(run, rule, words):
    (given,) = run(rule, Limits(call_seconds=0.6)).answer_each(SINGLE)
    assert isinstance(given, ModelGone)
    assert words in str(given)


def test_time_in_all_is_counted_over_all_of_them(run):
    given = run("sleep", Limits(call_seconds=5, total_seconds=1.5), ms=200).answer_each(SINGLE)
    assert isinstance(given[-1], ModelGone)
    assert "took more than 1.5 s in all" in str(given[-1])


def test_a_table_that_does_not_fit_is_asked_of_nobody(run):
    runner = run("threshold")
    with pytest.raises(DataError, match="lacks 'x1'"):
        runner.answer_each([*SINGLE, ROWS.select(["x0"])])
    with pytest.raises(DataError, match="there is no row"):
        runner.answer_each([*SINGLE, ROWS.slice(0, 0)])
    assert runner.predict(SINGLE[0]).tolist() == [0]


def test_scores_come_with_their_labels(run):
    runner = run("odds")
    given = runner.answer_each(SINGLE, "predict_proba")
    alone = [runner.answer(each, "predict_proba") for each in SINGLE]
    assert [each.scores.tolist() for each in given] == [each.scores.tolist() for each in alone]
    assert all(
        isinstance(each, ModelMisbehaved) for each in run("nan", every=1).answer_each(SINGLE)
    )


class Line:
    """A line whose other end answers at once, and who writes down what was done on it."""

    def __init__(self):
        self.done = []

    def send(self, question, _):
        self.done.append(("sent", question.header["id"]))

    def receive(self, _):
        last = max([which for what, which in self.done if what == "read"], default=0)
        self.done.append(("read", last + 1))
        return Frame({"id": last + 1})


def test_the_next_question_is_there_before_an_answer_is_read(tmp_path):
    line = Line()
    talk = Conversation(Limits(), tmp_path, "candidate", None)
    talk.child, talk._greeted = SimpleNamespace(channel=line), True
    assert len(talk.ask_each({"op": "predict"}, SINGLE[:6], "predicting")) == 6
    sent = [which for what, which in line.done if what == "sent"]
    assert sent == [1, 2, 3, 4, 5, 6]
    waiting = [
        sum(what == "sent" for what, _ in line.done[:at]) - which + 1
        for at, (what, which) in enumerate(line.done)
        if what == "read"
    ]
    assert waiting == [1, AHEAD, AHEAD, AHEAD, AHEAD, 1]  # never more: neither pipe can fill
