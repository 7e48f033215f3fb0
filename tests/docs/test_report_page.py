"""docs/report.md against the code: its fields, and an example made by the product's own rules."""

import hashlib
import re
from pathlib import Path

import pytest

from gatekit.decision import Asked, decide_run
from gatekit.estimate import Estimate
from gatekit.ledger import Bar, Ledger, Measurement
from gatekit.ledger import TestOutcome as Ended
from gatekit.picture import Curve
from gatekit.policy import DataSpec, Policy
from gatekit.policy_file import Change
from gatekit.policy_gates import AccuracyGate, Gates
from gatekit.report.document import Report, build_report
from gatekit.stats import proportion

PAGE = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
FREE = (
    "model.signature",
    "run.packages",
    "run.uses",
    "run.golden",
)  # keys differ from report to report
TEXT = 'model = "churn-model"\n'


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def run():
    return {
        "created": "2026-11-23T09:00:00+00:00",
        "by": "ada",
        "engine": "native",
        "service_url": None,
        "python": "3.11.15",
        "machine": "Linux x86_64",
        "packages": {"pytest-gatekit": "0.1.0"},
        "commit": "7d9bec5a",
        "environment": digest("numpy==2.3.5\n"),
        "lock": "",
        "suites": [
            {"name": "gates/test_own.py", "sha256": digest("suite"), "text": "suite"},
        ],
        "walls": [],
        "accepted_unwalled": "",
        "uses": {},
        "golden": {"none": "no model was asked in this run"},
        "compiled": "",
    }


def identity(policy):
    return {
        "model": {
            "uri": "models:/churn-model/1",
            "name": "churn-model",
            "version": "1",
            "run_id": None,
            "source": "models:/m-1",
            "digest": digest("model"),
            "content": digest("content"),
            "files": [{"path": "MLmodel", "size": 5, "sha256": digest("files")}],
            "signature": {},
        },
        "champion": {"none": "no champion yet: nobody holds 'staging', nothing to lose to"},
        "data": {
            "path": "data/holdout.parquet",
            "rev": "",
            "commit": "7d9bec5a",
            "md5": hashlib.md5(b"data").hexdigest(),
            "sha256": digest("data"),
            "rows": 400,
            "target": "churn",
        },
        "policy": {
            "file": "gates.toml",
            "path": "gates.toml",
            "digest": policy.digest,
            "text": TEXT,
            "changes": [],
        },
        "run": run(),
    }


@pytest.fixture
def example():
    policy = Policy(
        model="churn-model",
        holdout=DataSpec(path="data/holdout.parquet", target="churn"),
        gates=Gates(accuracy=AccuracyGate(floor=0.9)),
    )
    low, high = (round(float(bound), 4) for bound in proportion.bounds(329, 400, 0.95))
    estimate = Estimate("accuracy", 0.8225, low, high, 0.95, 400, "Clopper-Pearson")
    test = "suites/test_accuracy.py::test_accuracy_clears_the_floor"
    measured = Measurement(estimate, "accuracy", test, blocking=True)
    verdict = measured >= Bar(0.9, "accuracy.floor")
    ended = Ended(
        "accuracy", test, "passed" if verdict else "failed", "assert accuracy >= 0.9   FAILED"
    )
    ledger = Ledger(checks=measured.page(), tests=[ended])
    asked = Asked(("accuracy",), "staging")
    return build_report(identity(policy), ledger, decide_run(ledger, policy, asked), asked)


def test_the_example_is_what_the_code_writes(example):
    shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1]
    assert shown == example.to_json().decode()
    assert Report.from_json(shown.encode()) == example
    assert "short by 0.047" in shown


def fields(value, path=""):
    if path in FREE:
        return {path + ".*"}
    if isinstance(value, dict):
        return set().union(*(fields(v, f"{path}.{k}".lstrip(".")) for k, v in value.items()))
    if isinstance(value, list):
        found = set().union(*(fields(item, path + "[]") for item in value))
        return found or {path + "[]"}
    return {path}


def test_every_field_is_described_and_no_other(example):
    import json

    document = json.loads(example.to_json())
    change = Change("accuracy.floor", 0.9, 0.8, loosened=True, by="ada")
    words = {
        "key": change.key,
        "gate": change.gate,
        "loosened": change.loosened,
        "words": change.words(),
    }
    document["policy"]["changes"] = [words]
    held = {f"champion.{key}" for key in ("title", "version", "digest")}
    samples = ("reference", "current")  # with [gates.drift] alone
    held |= {
        f"data.{sample}.{key}"
        for sample in samples
        for key in ("path", "commit", "md5", "sha256", "rows")
    }
    streamed = ("engine", "parts", "pilot_rows", "evidence", "source")  # of what is too large
    held |= {f"data.streamed.{key}" for key in streamed}
    held |= {f"data.{sample}.streamed.{key}" for sample in samples for key in streamed}
    held.add("data.streamed.own.*")  # where the policy names own measures
    held.add("run.environments.*")  # with --model-env declared alone
    held |= {"run.signed_by.key", "run.signed_by.name"}  # where somebody signs
    held.add("run.kept.*")  # where the load gate ran
    held.add("champion.report.*")  # where its own report is known
    curve = Curve("c", "points", (1.0,), (1.0,), (0.0,), (2.0,))
    drawn = {**curve.as_dict(), "labels": ["a"]}
    held |= fields({"checks": [{"estimate": {"pictures": [drawn]}}]})
    described = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## An example")[0], re.MULTILINE)
    assert len(described) == len(set(described))
    assert set(described) == fields(document) | held


def test_identity_is_written_as_described():
    """The parts of a report that a real run fills: their keys stand in the source that writes them."""
    import inspect

    from gatekit import candidate, conclusion, identity, one_pass, passes

    rooms = (candidate, conclusion, identity, one_pass, passes)
    source = "".join(inspect.getsource(each) for each in rooms)
    for field in re.findall(
        r"^\| `((?:model|champion|data|policy)\.[^`]+)` \|", PAGE, re.MULTILINE
    ):
        for key in re.findall(r"\w+", field)[1:]:
            assert f'"{key}"' in source, field
