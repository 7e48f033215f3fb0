"""A model that misbehaves fails the gates that asked it; the others run and the report is whole."""

import json
import re

import pytest
import yaml

from gatekit.runner import landlock

LOADER = "tests.runner.hostile"
POLICY = """
model = "toy"

[runner]
trusted = ["tests.runner.hostile"]
readable = [{tests}]
call_seconds = 2
memory_mb = 700
walls = ["secrets", "files", "network"]

[data.holdout]
path = "holdout.parquet"
target = "label"

[gates.accuracy]
floor = 0.8

[gates.safety]

[promotion.staging]
requires = ["accuracy", "safety"]
"""
pytestmark = [
    pytest.mark.skipif(not landlock.version(), reason="no Landlock on this machine"),
    pytest.mark.usefixtures("lent_server"),
]


def register(project, does, **params):
    folder = project.root / "hostile"
    folder.mkdir()
    x0 = [{"type": "double", "name": "x0", "required": True}]
    said = [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]
    described = {
        "flavors": {"python_function": {"loader_module": LOADER, "data": "toy.json"}},
        "signature": {"inputs": json.dumps(x0), "outputs": json.dumps(said), "params": None},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    (folder / "toy.json").write_text(json.dumps({"does": does, "params": params}))
    return f"models:/toy/{project.registry.register('toy', folder).version}"


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("exits", "ended with exit code 3"),
        ("raises_exit", "raised SystemExit while predicting"),
        ("segfaults", "was killed by SIGSEGV"),
        ("spins", "gave no answer for 0.5 s while predicting"),
        ("deadlocks", "gave no answer for 0.5 s while predicting"),
        ("forks", "raised BlockingIOError while predicting"),
        ("too_few", "the model gave 399 predictions for 400 rows"),
        ("objects", "predictions are of type struct<label: int64>, not labels or scores"),
        ("but_one", "raised ValueError while predicting"),
        ("garbage", "wrote garbage to its line while predicting: it does not begin like a frame"),
        ("eats_memory", "raised MemoryError while predicting"),
        ("closes_descriptors", "closed its line|ended with exit code"),
        ("kills_parent", "raised PermissionError while predicting"),
        ("writes_into_its_folder", "raised PermissionError while predicting"),
        ("patches_numpy", "raised ZeroDivisionError while predicting"),
    ],
)
def test_the_report_is_whole(project, request, monkeypatch, does, said):
    monkeypatch.setattr("gatekit.processes.RESTARTS", 0)  # three more deaths say the same
    tests = json.dumps(str(request.config.rootpath / "tests"))
    policy = POLICY.format(tests=tests)
    if "0.5 s" in said:
        policy = policy.replace("call_seconds = 2", "call_seconds = 0.5")
    project.policy(policy)
    result = project.run("--model-uri", register(project, does), "--promote-to", "staging")
    project.refused(result, "FAILED")
    report = project.report
    outcomes = {gate.gate: str(gate.outcome) for gate in report.gates}
    assert outcomes == {"accuracy": "FAILED", "safety": "PASSED"}
    words = [test["words"] for test in report.tests if test["gate"] == "accuracy"]
    assert [word for word in words if re.search(said, word)], words
    assert [test["outcome"] for test in report.tests if test["gate"] == "safety"] == ["passed"]
    assert {"secrets", "files", "network"} <= {w.partition(":")[0] for w in report.run["walls"]}


def test_a_flood_on_its_outputs_does_no_harm(project, request):
    """Megabytes of chatter are read and dropped; the gates pass."""
    tests = json.dumps(str(request.config.rootpath / "tests"))
    project.policy(POLICY.format(tests=tests).replace("call_seconds = 2", "call_seconds = 60"))
    result = project.run("--model-uri", register(project, "a_flood"), "--promote-to", "staging")
    assert result.ret == 0
    assert project.holder == "1"
    assert "a lot of words" not in result.stdout.str()


def test_a_clock_that_lies_passes_no_latency_gate(project, request, monkeypatch):
    """Every call takes 10 ms, and the model's own clock says a nanosecond."""
    monkeypatch.setattr("gatekit.processes.RESTARTS", 0)  # as above
    tests = json.dumps(str(request.config.rootpath / "tests"))
    asked = "[gates.latency]\np99_ms = 5\ncalls = 300\n\n[gates.safety]"
    policy = POLICY.format(tests=tests).replace("[gates.safety]", asked)
    policy = policy.replace("call_seconds = 2", "call_seconds = 60")  # it tells no sign of life
    project.policy(policy.replace('["accuracy", "safety"]', '["latency", "safety"]'))
    uri = register(project, "lies_about_time", step=1e-9)
    result = project.run("--model-uri", uri, "--promote-to", "staging")
    assert result.ret != 0
    assert project.holder is None
    words = [test["words"] for test in project.report.tests if test["gate"] == "latency"]
    assert any("its clock cannot be right" in word for word in words), words


def test_a_wall_that_is_asked_for_and_not_there_stops_every_gate(project, request):
    """With two processes allowed, the wall around processes cannot stand: nothing is loaded."""
    tests = json.dumps(str(request.config.rootpath / "tests"))
    policy = POLICY.format(tests=tests).replace('"network"]', '"processes"]\nprocesses = 2')
    project.policy(policy)
    result = project.run("--model-uri", register(project, "spins"), "--promote-to", "staging")
    assert result.ret != 0
    assert project.holder is None
    assert "a wall around processes, which cannot be had here" in result.stdout.str()
