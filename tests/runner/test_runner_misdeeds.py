"""Every misdeed of a model ends in its own sentence, within its limit, and never in a crash here."""

import os
import time

import numpy as np
import pyarrow as pa
import pytest

from gatekit.errors import DataError, GatekitError, ModelMisbehaved, UsageProblem
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.testing import write_toy

LIMITS = Limits(call_seconds=20, load_seconds=30)
X = np.linspace(-1, 1, 40)
TABLE = pa.table({"x0": X, "label": (X > 0).astype(np.int64)})


@pytest.fixture
def run(tmp_path):
    runners = []

    def start(rule, limits=LIMITS, columns=("x0",), **params):
        runner = Runner(limits, tmp_path / "scratch")
        runners.append(runner)
        runner.load(write_toy(tmp_path / rule, rule, columns, **params))
        return runner

    yield start
    for runner in runners:
        runner.close()


def refused(runner, table=TABLE, kind=ModelMisbehaved):
    with pytest.raises(kind) as caught:
        runner.predict(table)
    return str(caught.value)


def gone(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_good_model_predicts_and_is_timed(run):
    runner = run("threshold")
    assert np.array_equal(runner.predict(TABLE), TABLE["label"].to_numpy())
    latencies_ms = runner.time_rows(TABLE, 60, 5)
    assert latencies_ms.shape == (60,)
    assert (latencies_ms > 0).all()


def test_a_slow_call_is_timed_as_slow_and_is_alive_beyond_the_limit(run):
    runner = run("sleep", Limits(call_seconds=1.3), ms=60)
    latencies_ms = runner.time_rows(TABLE, 25, 2)
    assert (latencies_ms >= 60).all()
    assert latencies_ms.sum() > 1300


def test_words_come_back_as_words(run):
    predictions = run("words").predict(TABLE)
    assert predictions.tolist() == ["no"] * 20 + ["yes"] * 20


def test_an_empty_word_is_refused(run):
    said = refused(run("words", empty_every=8))
    assert said == "5 of 40 predictions are empty, the first at row 7"


def test_nan_is_refused(run):
    assert refused(run("nan", every=18)) == (
        "2 of 40 predictions are not a number, the first at row 17"
    )


def test_an_exit_is_named_and_every_later_call_says_the_same(run):
    runner = run("crash")
    said = refused(runner)
    assert said == "the candidate's process ended with exit code 3 while predicting"
    assert refused(runner) == said
    with pytest.raises(ModelMisbehaved, match="exit code 3 while predicting"):
        runner.time_rows(TABLE, 3, 0)


def test_a_signal_is_named(run):
    assert refused(run("segfault")).startswith(
        "the candidate's process was killed by SIGSEGV while predicting"
    )


def test_an_exception_is_one_line_and_the_process_lives_on(run):
    runner = run("raise_on")
    assert refused(runner) == (
        "the candidate raised ValueError while predicting: cannot score 20 negative rows"
    )
    assert runner.predict(TABLE.slice(20)).tolist() == [1] * 20


def test_a_hang_is_killed_at_the_limit(run):
    runner = run("hang", Limits(call_seconds=0.6))
    child = runner._talk.child.process.pid
    start = time.monotonic()
    assert refused(runner) == "the candidate's process gave no answer for 0.6 s while predicting"
    assert time.monotonic() - start < 3
    assert gone(child)


def test_a_wrong_length_is_refused(run):
    assert refused(run("wrong_length")) == "the model gave 39 predictions for 40 rows"


def test_a_flood_on_its_outputs_is_drained_and_bounded(run):
    runner = run("stdout_flood", Limits(output_kb=8), mb=8)
    assert runner.predict(TABLE).sum() == 20
    assert 0 < len(runner._talk.child.stderr.kept) <= 8 * 1024


@pytest.mark.parametrize("oversize", [False, True])
def test_garbage_on_the_line_is_refused(run, oversize):
    said = refused(run("garbage", oversize=oversize))
    assert said.startswith("the candidate's process wrote garbage to its line while predicting")
    assert ("announces" in said) == oversize


def test_a_secret_is_not_in_its_environment(run, monkeypatch):
    monkeypatch.setenv("GATEKIT_CANARY_TOKEN", "x")
    assert run("reads_environment", name="GATEKIT_CANARY_TOKEN").predict(TABLE).sum() == 0


def test_the_canary_could_be_seen(run):
    # Without this, the test above would also pass for a rule that sees nothing at all.
    assert run("reads_environment", name="PATH").predict(TABLE).sum() == 40


def test_order_and_batch_dependence_come_through(run):
    order, batch = run("order_dependent"), run("batch_dependent")
    backwards = TABLE.take(list(range(39, -1, -1)))
    assert not np.array_equal(order.predict(backwards)[::-1], order.predict(TABLE))
    assert batch.predict(TABLE.slice(39)).tolist() == [0]
    assert batch.predict(TABLE)[39] == 1


def test_data_that_do_not_fit_are_the_datas_fault(run):
    runner = run("threshold", columns={"x0": "long"})
    assert "'x0' holds double" in refused(runner, kind=DataError)
    assert "lacks 'x0'" in refused(runner, TABLE.select(["label"]), DataError)
    assert "no row" in refused(runner, TABLE.slice(0, 0), DataError)


def test_an_engine_that_was_not_loaded_is_refused(run):
    with pytest.raises(UsageProblem, match="pyfunc"):
        run("threshold").predict(TABLE, engine="pyfunc")


def test_one_runner_holds_one_model(run, tmp_path):
    with pytest.raises(UsageProblem, match="one model"):
        run("threshold").load(write_toy(tmp_path / "other", "nan"))


def test_a_model_that_cannot_be_loaded_says_why(tmp_path):
    folder = write_toy(tmp_path / "toy", "threshold")
    (folder / "toy.json").write_text("{broken")
    said = "the champion raised JSONDecodeError while loading"
    with (
        Runner(LIMITS, tmp_path / "scratch", role="champion") as runner,
        pytest.raises(ModelMisbehaved, match=said),
    ):
        runner.load(folder)


def test_memory_is_bounded(tmp_path):
    folder = write_toy(tmp_path / "toy", "threshold", ("x0",))
    with Runner(Limits(memory_mb=120), tmp_path / "scratch") as runner:
        runner.load(folder)
        assert runner.predict(TABLE).sum() == 20
        with pytest.raises(ModelMisbehaved):
            runner.predict(pa.table({"x0": np.zeros(10_000_000)}))


def test_close_ends_the_process_and_can_be_repeated(run):
    runner = run("threshold")
    child = runner._talk.child.process.pid
    runner.close()
    runner.close()
    assert gone(child)
    with pytest.raises(GatekitError, match="has been closed"):
        runner.predict(TABLE)


def test_starting_is_cheap_and_leaves_nothing_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = time.monotonic()
    with Runner(LIMITS, tmp_path / "scratch") as runner:
        assert time.monotonic() - start < 0.5
        runner.load(write_toy(tmp_path / "toy", "threshold"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scratch", "toy"]
