"""Gate runs of the zoo in this process: the real suites, ledger and decision, a clock of our own.

Between gate and model stands all that stands there in a run, but for the process: a hundred
processes would take minutes. `bench/zoo.py` runs every pair as a user would.
"""

import functools
import importlib
import inspect
import os
from types import SimpleNamespace

from gatekit import run as runs
from gatekit.decision import Asked, decide_run
from gatekit.environments import model as environments
from gatekit.errors import GatekitError, ModelMisbehaved
from gatekit.gate import Gate
from gatekit.ledger import Ledger, TestOutcome
from gatekit.plan import RunRequest, make_plan
from gatekit.runner import watching, worker
from gatekit.runner.answer import checked, plain, raised
from gatekit.runner.process import Loaded
from gatekit.runner.protocol import frame_to_column
from gatekit.runner.scored import frame_to_scored
from gatekit.runner.worker import Worker, describe
from gatekit.scoring.engines import choose_engine
from gatekit.scoring.signature import read_signature
from gatekit.scoring.tables import conform
from gatekit.testing import defects, toys, zoo

STEP_SECONDS = 1e-5
installed_once = functools.cache(environments.installed)  # half a second, and the same for all


class Clock:
    """Goes on when it is read, and when somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def read(self):
        self.now += STEP_SECONDS
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def use_clock(monkeypatch):
    """No model sleeps, and all who time them read one clock."""
    clock = Clock()
    for room in (worker, watching):
        monkeypatch.setattr(room, "perf_counter", clock.read)
    for room in (defects, toys):
        monkeypatch.setattr(room, "time", SimpleNamespace(sleep=clock.sleep))


class Inside:
    """A runner without a process: the worker answers here."""

    is_alive = True

    def __init__(self):
        self.pipe = os.pipe()
        self.worker = Worker(*self.pipe)

    def load(self, folder, engine="auto"):
        self.signature = read_signature(folder)
        name = choose_engine(folder, engine)
        said = self.do({"op": "load", "folder": str(folder), "engine": name}, None)
        self.engine = getattr(self, "engine", name)
        return Loaded(said.header["seconds"], said.header["peak_mb"], name)

    def predict(self, table, *, engine=None):
        said = self.do({"op": "predict", "engine": engine or self.engine}, table)
        return checked(frame_to_column(said), table.num_rows)

    def answer(self, table, score, *, engine=None):
        said = self.do({"op": "predict", "engine": engine or self.engine, "score": score}, table)
        return frame_to_scored(said, table.num_rows)

    def answer_each(self, tables, score=""):
        return [self.answer_or_error(table, score) for table in tables]

    def answer_or_error(self, table, score):
        try:
            return self.answer(table, score) if score else self.predict(table)
        except ModelMisbehaved as error:
            return error

    def linear_form(self):
        said = self.do({"op": "linear", "folder": ""}, None)
        return plain(said.header["why"])  # an animal is no estimator

    def disturbed(self, table, score=""):
        said = self.do({"op": "disturb", "engine": self.engine, "score": score}, table)
        return plain(said.header["disturbed"])

    def time_rows(self, table, calls, warm_up, *, each=1):
        asked = {"calls": calls, "warm_up": warm_up, "each": each}
        said = self.do({"op": "time", "engine": self.engine, **asked}, table)
        return checked(frame_to_column(said), calls)

    def do(self, header, table):
        if table is not None:
            table = conform(table, self.signature)
        try:
            return self.worker._do(header, table, {"id": 0})
        except Exception as error:  # noqa: BLE001 - a model may raise anything
            raise raised(describe(error, table), "candidate", "predicting") from None

    def close(self):
        for end in self.pipe:
            os.close(end)
        self.pipe = ()  # it may be closed again


class Outcome:
    """What a run came to: its decision, and the bars that were missed or not decided."""

    def __init__(self, ledger, decision):
        self.decision = decision
        self.passed = decision.exit_code == 0
        self.failed_suites = {g.gate for g in decision.gates if g.outcome != "PASSED"}
        self.missed = {c.key for c in ledger.checks if not c.verdict}
        self.words = decision.reasons


def judged(pair, folder, model):
    """Run the suites that the pair's policy asks for on one of its models."""
    champion = str(folder / "champion") if pair.rival is not None else None
    sees_schema = "schema" in (pair.suite, *pair.also) or pair.alone
    sets = () if sees_schema else ("schema.examples=8",)
    request = RunRequest(str(folder / model), str(zoo.gates(folder, model)), sets, champion)
    run, _ = runs.open_run(make_plan(request, folder))
    ledger = Ledger()
    try:
        for gate in run.plan.required:
            suite(gate, run, ledger)
    finally:
        run.close(remove=True)
    return Outcome(ledger, decide_run(ledger, run.plan.policy, Asked(run.plan.required)))


def suite(name, run, ledger):
    """Run the tests of a built-in suite that have a bar."""
    module = importlib.import_module(f"gatekit_suites.test_{name}")
    given = {"candidate": run.candidate, "champion": run.champion, "holdout": run.holdout}
    if name == "drift":
        given |= {"reference": run.reference, "current": run.current}
    for test, function in vars(module).items():
        if not test.startswith("test_") or not has_bar(function, run.plan.policy):
            continue
        gate = Gate(name, test, run.plan.policy)
        wanted = {key: given[key] for key in inspect.signature(function).parameters if key in given}
        outcome, words = "passed", ""
        try:
            function(gate, **wanted)
        except (AssertionError, GatekitError) as error:
            outcome, words = "failed", str(error)
        ledger.checks += gate.page()
        ledger.tests.append(TestOutcome(name, test, outcome, words))


class Recorder:
    """A measurement of nothing, which remembers what it is compared with."""

    def __init__(self):
        self.bars = []

    def __ge__(self, bar):
        self.bars.append(bar)
        return True

    __le__ = __ge__


def has_bar(function, policy):
    """Whether the policy sets a bar that this test compares something with."""
    recorder = Recorder()
    gate = SimpleNamespace(policy=policy.face, measure=lambda *_: recorder)
    arguments = dict.fromkeys(inspect.signature(function).parameters)
    function(**{**arguments, "gate": gate})
    return any(hasattr(bar, "key") for bar in recorder.bars)


def start_inside(monkeypatch):
    """From now on a run starts no process for its models."""
    monkeypatch.setattr(runs.GateRun, "_start", lambda *_: Inside())
    monkeypatch.setattr(environments, "installed", installed_once)
