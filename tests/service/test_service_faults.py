"""What is wrong around a service is said by it, in one sentence, and stops nothing that works."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from gatekit.gates import generator
from gatekit.policy_gates import LoadGate
from gatekit.service_client import LiveService
from gatekit_service.app import create_app

from .conftest import NAME, served, service_process, wait_for

ROW = {"dataframe_split": {"columns": ["x0", "x1", "x2", "x3"], "data": [[1, 0, 0, 0]]}}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "the service was not told what to serve. Set GATEKIT_MODEL"),
        ({"MODEL": NAME, "PORT": "http"}, "GATEKIT_PORT is 'http'"),
        ({"MODEL": NAME, "INFERENCES_SHARE": "2"}, "GATEKIT_INFERENCES_SHARE is '2'"),
        ({"MODEL": NAME, "VERIFY": "maybe"}, "GATEKIT_VERIFY is 'maybe'"),
        ({"MODEL": NAME, "GATES": "no-such.toml"}, "no policy at no-such.toml"),
    ],
    ids=["no model", "port", "share", "choice", "policy"],
)
def test_a_variable_that_is_missing_or_makes_no_sense_is_named(tmp_path, variables, words):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GATEKIT_")}
    done = subprocess.run(
        [sys.executable, "-m", "gatekit_service"],
        env={**kept, **{f"GATEKIT_{key}": value for key, value in variables.items()}},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_artifact_store_that_is_gone_is_told_and_what_serves_goes_on(world):
    first, second = world.register(), world.register(t=5.0)
    world.point(first)
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health()["version"] == first, 60)
        shutil.rmtree(world.files(second))  # the registry knows it, its files are not there
        world.point(second)
        error = wait_for(lambda: client.health()["last_error"], 60)
        assert second in error
        assert client.health()["status"] == "degraded"
        assert client.predict([[1, 0, 0, 0]]) == [1]
        world.point(first)
        wait_for(lambda: client.health()["last_error"] is None, 60)


@pytest.mark.slow
def test_a_swap_under_load_loses_no_request(world, tmp_path):
    """Locust in a process of its own, the service in another, two versions to and fro."""
    first, second = world.register(t=0.0), world.register(t=5.0)
    world.point(first)
    log = tmp_path / "log"
    with service_process(world.settings(poll_seconds=0.2), log) as url:
        service = LiveService(url, kept=tmp_path / "kept")
        wait_for(lambda: service.health()["version"] == first, 120)
        moving = subprocess.Popen([sys.executable, "-c", MOVE, str(world.root), first, second])
        gate = LoadGate(users=4, seconds=8.0, requests_per_second=40.0)
        run = generator.generate(service, [ROW], gate)
        moving.kill()
        moving.wait()
        swaps = len(service.health()["swaps"])
        service.close()
    assert (run.failures, run.requests) == ({}, 320)
    assert set(run.versions) == {first, second}
    assert swaps > 3
    kept = json.loads((tmp_path / "kept" / "load-run.json").read_text())
    assert kept["held_mb"]
    assert min(kept["held_mb"]) > 10


MOVE = """
import sys, time
from pathlib import Path
from gatekit.registry.folder import FolderRegistry
root, *versions = sys.argv[1:]
registry = FolderRegistry(Path(root) / "registry")
for turn in range(600):
    registry.move("churn-model", "staging", versions[(turn + 1) % 2], "alias")
    time.sleep(0.7)
"""
