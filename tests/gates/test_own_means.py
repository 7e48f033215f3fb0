"""A team's measure of means: on rows that are held like any metric, on rows that stream of all."""

import functools
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import gatekit
from gatekit.data import Streams, open_holdout
from gatekit.errors import DataError, PolicyError, UsageProblem
from gatekit.evidence.whole import Evidence
from gatekit.gate import Gate
from gatekit.means import Named, source_sha256
from gatekit.own_measures import own_measures, replicates
from gatekit.policy import DataSpec, OwnGate, Policy
from gatekit.stats.resampling import bootstrap
from gatekit.streaming.filling import fill
from gatekit.streaming.own import Own
from gatekit.streaming.question import CANDIDATE, CHAMPION, Said, ask
from gatekit.streaming.told import Told
from gatekit.uses import Uses

ROWS, BLOCK, REPLICATES = 6000, 1100, 2000
SPEC = DataSpec(path="h.parquet", target="label")


@gatekit.of_means
def cost_per_call(y, said):
    """What a missed customer and a call cost, by calls."""
    return {"cost": 120.0 * (y == 1) * (said == 0) + 15.0 * (said == 1), "calls": said == 1}


@cost_per_call.value
def ratio(means):
    return means["cost"] / means["calls"]


@gatekit.of_means
def hit(y, said):
    return y == said


@gatekit.of_means
def root(y, said):
    return (said - y) ** 2.0


@root.value
def square_root(mean):
    return mean**0.5


def plainly(y, said):
    """As `cost_per_call`, of arrays."""
    return float((120.0 * (y == 1) * (said == 0) + 15.0 * (said == 1)).mean() / (said == 1).mean())


def drawn(n=ROWS, seed=3):
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    return y, np.where(random.random(n) < 0.8, y, 1 - y)


def gate(**own):
    own = {"profit": OwnGate(numbers={"most": 90.0}, **own)}
    return Gate("profit", "test_profit", Policy(model="toy", holdout=SPEC, own=own))


@pytest.fixture
def streamed(tmp_path, fake, monkeypatch):
    """A holdout that streams, its candidate, and what a pass told that counted `measures`."""
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", 39)
    y, said = drawn()
    table = pa.table({"label": y, "x0": said.astype(float)})
    parquet.write_table(table, tmp_path / "h.parquet", row_group_size=2 * BLOCK)
    holdout = open_holdout(SPEC, tmp_path, Streams(10))

    def make(*measures, replicates=REPLICATES, role=CANDIDATE, block=BLOCK):
        file = source_sha256(Path(__file__))
        named = tuple(Named(f"f.py:{each.name}", each, file) for each in measures)
        pilot = holdout.pilot
        answers = {CANDIDATE: pilot.table["x0"].to_numpy().astype(int), CHAMPION: pilot.y}
        answers = {each: Said(labels) for each, labels in answers.items()}
        question = ask(holdout, "binary", 1, 0.5, answers, Own(named, replicates))
        question = pickle.loads(pickle.dumps(question))  # as it reaches a worker
        parts = []
        for start in range(0, ROWS, block):
            rows = slice(start, start + block)
            cut = {CANDIDATE: Said(said[rows]), CHAMPION: Said(y[rows])}
            parts.append(fill(question, table.slice(start, block), cut, ("h.parquet#0", start)))
        told = Told(question, functools.reduce(Evidence.merge, parts[::-1]))
        subject = fake(lambda rows: rows["x0"].to_numpy().astype(int))
        subject.role, subject.tell = role, lambda: told
        return subject, holdout

    return make


def test_on_rows_that_are_held_it_is_bounded_like_any_metric(fake, make_holdout):
    y, said = drawn(400)
    holdout = make_holdout(pa.table({"label": y, "x0": said.astype(float)}))
    candidate = fake(lambda rows: rows["x0"].to_numpy().astype(int))
    found = gate().measure(cost_per_call, candidate, holdout).estimate
    plainly.__name__ = cost_per_call.name  # the seed is of the name
    plain = gate().measure(plainly, candidate, holdout).estimate
    assert (found.name, found.n, found.method) == ("cost_per_call", 400, plain.method)
    numbers = [[each.value, each.low, each.high] for each in (found, plain)]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-12)
    assert cost_per_call(y, said) == pytest.approx(plainly(y, said), rel=1e-12)
    assert (hit(y, said), root(y, y + 3)) == ((y == said).mean(), 3)
    assert cost_per_call.__doc__.startswith("What a missed customer")


def test_of_a_holdout_that_streams_it_is_of_all_rows(streamed):
    candidate, holdout = streamed(cost_per_call, hit, root)
    found = gate().measure(cost_per_call, candidate, holdout).estimate
    y, said = drawn()
    value, low, high, _ = bootstrap(cost_per_call, y, said, 0.95, 1)
    assert (found.n, found.detail) == (ROWS, ())
    assert found.value == pytest.approx(value, rel=1e-9)
    assert found.method == "percentile Poisson bootstrap, 2,000 replicates"
    # two bootstraps of 2,000 differ by chance: about 0.06 standard errors in each bound
    near = {"abs": 0.1 * (high - low)}
    assert (found.low, found.high) == pytest.approx((low, high), **near)
    assert candidate.asked == []
    again, _ = streamed(cost_per_call, hit, root, block=700)
    assert gate().measure(cost_per_call, again, holdout).estimate == found


@pytest.mark.parametrize("measure", [hit, root], ids=["mean", "value of one mean"])
def test_what_each_row_adds_may_be_one_array(streamed, measure):
    found = gate().measure(measure, *streamed(measure, replicates=2000)).estimate
    y, said = drawn()
    assert found.value == pytest.approx(measure(y, said), rel=1e-9)
    error = (y == said).std() / ROWS**0.5 / (2 * found.value if measure is root else 1)
    lean = 1.7507  # standard normal: 0.96
    assert found.low == pytest.approx(found.value - lean * error, abs=0.2 * error)
    assert found.high == pytest.approx(found.value + lean * error, abs=0.2 * error)


def test_either_model_may_be_measured_and_a_point_decision_needs_no_replicates(streamed):
    champion, holdout = streamed(hit, replicates=0, role=CHAMPION)
    found = gate(level=0.5).measure(hit, champion, holdout).estimate
    assert (found.value, found.low, found.high, found.method) == (1, 1, 1, "point")
    with pytest.raises(UsageProblem, match=r"with 0 replicates, and level 0.95 takes 2,000"):
        gate().measure(hit, champion, holdout)


def test_what_the_pass_did_not_count_is_an_error_that_says_what_to_write(streamed):
    candidate, holdout = streamed(hit)
    with pytest.raises(UsageProblem) as caught:
        gate().measure(root, candidate, holdout)
    assert "root was not counted in the pass over h.parquet" in str(caught.value)
    assert "test_own_means.py:root" in caught.value.hint
    other = gatekit.of_means(lambda y, said: y == said)
    other._rows.__name__ = "hit"  # another function of that name, typed into a notebook
    other._rows.__code__ = other._rows.__code__.replace(co_filename="<input>")
    with pytest.raises(UsageProblem, match="hit was not counted"):
        gate().measure(other, candidate, holdout)


def test_a_holdout_that_is_no_larger_than_the_sample_is_judged_as_if_it_were_held(
    streamed, monkeypatch
):
    candidate, holdout = streamed(hit)
    monkeypatch.setattr("gatekit.data.PILOT_ROWS", 1 << 16)
    holdout = open_holdout(SPEC, holdout.path.parent, Streams(10))
    found = gate().measure(hit, candidate, holdout).estimate
    assert (found.n, found.detail) == (ROWS, ())
    assert found.method == "percentile bootstrap, 2,000 resamples"


WRONG = {
    "raises": (lambda y, said: 1 / 0, "it raised ZeroDivisionError: division by zero"),
    "short": (lambda y, said: y[:3], r"it gave an array of shape \(3,\) for 39 rows"),
    "one number": (lambda y, said: {"a": 1.0}, r"it gave 'a' of shape \(\) for 39 rows"),
    "words": (lambda y, said: {"a": ["x"] * y.size}, "it gave 'a' of type list for 39 rows"),
    "infinite": (lambda y, said: y / 0.0 if y.any() else y, "values that are not finite"),
    "nothing": (lambda y, said: {}, "it gave a dict of no names"),
    "no value": (lambda y, said: {"a": y}, "it gives 'a', and nothing says what their means"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_function_that_is_wrong_about_rows_is_named_with_what_it_gave(streamed, kind):
    function, words = WRONG[kind]
    function.__name__ = "it"
    with np.errstate(all="ignore"), pytest.raises(DataError, match=words):
        streamed(gatekit.of_means(function))


def test_other_names_in_other_rows_are_an_error(streamed):
    def it(y, said):
        return {"first": y} if y.size == 39 else {"second": y}

    made = gatekit.of_means(it)
    made.value(len)
    with pytest.raises(DataError, match="it gave 'second' in some rows and 'first' in others"):
        streamed(made)
    with pytest.raises(TypeError, match="it has its value by len already"):
        made.value(max)


def test_a_value_that_is_no_number_is_told_so():
    made = gatekit.of_means(lambda y, said: y == said)
    made.value(lambda mean: [mean])
    with pytest.raises(TypeError, match="is list; a measure is one number"):
        made(*drawn(10))


FILE = """
from __future__ import annotations
from dataclasses import dataclass
import gatekit

@dataclass
class Prices:
    call: float = 15.0

PRICES = Prices()

@gatekit.of_means
def calls(y, said):
    return PRICES.call * (said == 1)

def plain(y, said):
    return 1.0
"""


def named(*sums, **own):
    own = {"profit": OwnGate(sums=sums, **own)}
    return Policy(model="toy", holdout=SPEC, own=own)


def test_measures_are_read_from_the_files_that_the_policy_names_and_travel_without_them(tmp_path):
    (tmp_path / "m.py").write_text(FILE)
    (found,) = own_measures(named("m.py:calls", "m.py:calls"), tmp_path)
    assert (found.said, found.measure.name) == ("m.py:calls", "calls")
    assert found.sha256 == source_sha256(tmp_path / "m.py")
    sent = pickle.dumps(found)
    (tmp_path / "m.py").unlink()
    y, said = drawn(50)
    assert pickle.loads(sent).measure(y, said) == pytest.approx(15 * said.mean())


@pytest.mark.parametrize(
    ("said", "text", "words"),
    [
        ("m.py:call", FILE, "there is no call in that file. Did you mean 'calls'"),
        ("m.py:plain", FILE, "no measure of means. Write @gatekit.of_means above plain"),
        ("other.py:calls", FILE, "there is no file .*other.py"),
        ("m.py:calls", "import nowhere", "reading m.py raised ModuleNotFoundError: No module"),
        ("m.py:calls", "calls = (", "reading m.py raised SyntaxError"),
    ],
)
def test_what_cannot_be_read_says_where_the_policy_names_it(tmp_path, said, text, words):
    (tmp_path / "m.py").write_text(text)
    with pytest.raises(PolicyError, match=f"own.profit.sums names '{said}'.*{words}"):
        own_measures(named(said), tmp_path)


def test_there_are_as_many_replicates_as_the_level_takes_that_is_left():
    assert replicates(named("m.py:calls"), None) == 2000
    assert replicates(named("m.py:calls", level=0.999), None) == 20_000
    assert replicates(named("m.py:calls", level=0.5), None) == 0
    assert replicates(named(), None) == 0
    uses = Uses(number=1, declared=10, left=9, parts=10)
    assert replicates(named("m.py:calls"), uses) == 4000
