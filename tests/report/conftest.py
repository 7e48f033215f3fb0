"""Reports of every outcome, made by the code that makes real ones."""

import hashlib
from types import SimpleNamespace

import pytest

from gatekit.decision import Asked, decide_run
from gatekit.estimate import Estimate, exact
from gatekit.ledger import Bar, Ledger, Measurement, TestOutcome
from gatekit.policy import DataSpec, Policy
from gatekit.policy_gates import AccuracyGate, Gates, LatencyGate
from gatekit.report.document import build_report

TEXT = 'model = "churn-model"\n\n[gates.accuracy]\nfloor = 0.9\n\n[gates.latency]\np99_ms = 50\n'


def accuracy(value=0.8225, low=0.788, high=0.853, **more):
    return Estimate("accuracy", value, low, high, 0.95, 400, "Clopper-Pearson", **more)


def p99(value=1.4, low=1.2, high=1.7, **more):
    return Estimate("p99", value, low, high, 0.95, 1000, "order statistics", "ms", 299, **more)


def identity(name="churn-model"):
    sha = hashlib.sha256(b"").hexdigest()
    file = {"path": "model.skops", "size": 1234, "sha256": sha}
    return {
        "model": {
            "uri": f"models:/{name}/1",
            "name": name,
            "version": "1",
            "run_id": "a1b2",
            "source": "models:/m-1",
            "digest": sha,
            "files": [file],
            "signature": {"inputs": [{"name": "tenure", "type": "double", "required": True}]},
        },
        "champion": {"none": "no champion yet: nobody holds 'staging', nothing to lose to"},
        "data": {"path": "data/holdout.parquet", "sha256": sha, "rows": 400, "target": "churn"},
        "policy": {"file": "gates.toml", "digest": sha, "text": TEXT, "changes": []},
        "run": {
            "created": "2026-11-23T09:00:00+00:00",
            "by": "ada",
            "engine": "native",
            "service_url": None,
            "python": "3.11.15",
            "machine": "Linux x86_64",
            "packages": {"pytest-gatekit": "0.1.0"},
        },
    }


def make(
    estimates=(),
    *,
    floor=0.9,
    tests=(),
    narrowed=False,
    target="staging",
    who=None,
    voids=(),
    names=("accuracy", "latency"),
):
    """A report over (gate, op, estimate) triples, decided by the product's own rules."""
    policy = Policy(
        model="churn-model",
        holdout=DataSpec(path="h", target="churn"),
        gates=Gates(accuracy=AccuracyGate(floor=floor), latency=LatencyGate(p99_ms=50.0)),
    )
    bars = {"accuracy": Bar(floor, "accuracy.floor"), "latency": Bar(50.0, "latency.p99_ms")}
    ledger = Ledger(voids=list(voids))
    for gate, op, estimate in estimates:
        test = f"suites/test_{gate}.py::test_{gate}_clears_its_bar"
        measured = Measurement(estimate, gate, test, blocking=True)
        bar = bars.get(gate, Bar(0.0, f"{gate}.bar"))
        verdict = (measured >= bar) if op == ">=" else (measured <= bar)
        ledger.checks += measured.page()
        ledger.tests.append(
            TestOutcome(
                gate, test, "passed" if verdict else "failed", "" if verdict else "assert ..."
            )
        )
    ledger.tests += tests
    asked = Asked(names, target, narrowed)
    return build_report(who or identity(), ledger, decide_run(ledger, policy, asked), asked)


@pytest.fixture
def failed():
    return make([("accuracy", ">=", accuracy()), ("latency", "<=", p99())])


@pytest.fixture
def inconclusive():
    return make([("accuracy", ">=", accuracy()), ("latency", "<=", p99())], floor=0.8)


@pytest.fixture
def passed():
    return make([("accuracy", ">=", accuracy()), ("latency", "<=", p99())], floor=0.78)


@pytest.fixture
def incomplete():
    return make([("accuracy", ">=", accuracy())], floor=0.78, narrowed=True, target=None)


def checks(estimate, op, bar):
    measured = Measurement(estimate, "accuracy", "t::test_it", blocking=True)
    _ = (measured >= bar) if op == ">=" else (measured <= bar)
    return measured.page()


@pytest.fixture
def build():
    """The builders themselves."""
    return SimpleNamespace(
        report=make, identity=identity, accuracy=accuracy, p99=p99, exact=exact, checks=checks
    )
