"""locust as a person starts it: rows from a holdout, columns from the service, limits as exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gatekit_locust
from gatekit.errors import ServiceProblem
from gatekit.testing import toy_holdout
from gatekit_locust.bodies import read_bodies
from gatekit_service.app import create_app

from ..service.conftest import World, served, wait_for  # noqa: TID252 - tests are no package

LOCUSTFILE = Path(gatekit_locust.__path__[0], "locustfile.py")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("hand"))
    world.point(world.register())
    toy_holdout(world.root / "holdout.parquet", 50, seed=1)
    with served(create_app(world.settings(), world.opener)) as client:
        wait_for(lambda: client.health()["status"] == "ok", 60)
        client.rows = world.root / "holdout.parquet"
        yield client


def test_a_holdout_becomes_bodies_of_the_columns_that_the_model_takes(service):
    bodies = [json.loads(body) for body in read_bodies(service.rows, service.url, {}, 5)]
    assert len(bodies) == 10
    assert {tuple(each["dataframe_split"]["columns"]) for each in bodies} == {
        ("x0", "x1", "x2", "x3")
    }
    assert all(len(each["dataframe_split"]["data"]) == 5 for each in bodies)


def test_a_service_that_does_not_say_its_columns_is_named(tmp_path):
    toy_holdout(tmp_path / "holdout.parquet", 5, seed=1)
    with pytest.raises(ServiceProblem, match=r"127\.0\.0\.1:9/signature does not say"):
        read_bodies(tmp_path / "holdout.parquet", "http://127.0.0.1:9", {}, 1)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "code"), [("60000", 0), ("0.001", 1)])
def test_a_limit_is_an_exit_code(service, tmp_path, limit, code):
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"]
    command += ["--host", service.url, "--users", "2", "--spawn-rate", "2", "--loglevel", "WARNING"]
    command += ["--rows", str(service.rows), "--rate", "20", "--seconds", "2", "--only-summary"]
    command += ["--most-p99-ms", limit, "--most-error-rate", "0", "--out", str(tmp_path / "out")]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")}
    done = subprocess.run(
        command,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "gatekit: 40 requests, 0 failed" in done.stderr
    assert json.loads((tmp_path / "out").read_text())["versions"] == {"1": 40}
