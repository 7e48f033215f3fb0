"""Our .gitlab-ci.yml, run whole against a live `mlflow server`, its jobs' states read one by one.

`make pipeline-test` runs it.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from ..servers import start_server  # noqa: TID252 - tests are no installed package
from .gitlab import ONLY_ASKED, ROOT, VENV, Repository, environment, free_port

# The pipeline is tried here; the gates have tests of their own, so few of them are asked.
POLICY = """
model = "churn-model"

[data.holdout]
path = "data/holdout.parquet"
target = "churn"

[gates.accuracy]
floor = 0.9

[gates.staging]
p99_ms = 5000

[gates.load]
error_rate = 0.05
seconds = 2
users = 1

[promotion.staging]
requires = ["accuracy"]

[promotion.production]
from = "staging"
requires = ["staging", "load"]
override = ["accuracy", "staging", "load", "ladder"]
"""
# writes down how it was called
DOCKER = '#!/bin/sh\necho "$*" >> "$CALLS"\n'
SCHEDULED = {"CI_PIPELINE_SOURCE": "schedule"}
HOLDOUT = "examples/churn/data/holdout.parquet"
pytestmark = ONLY_ASKED


class Pipeline(Repository):
    """A clone of the tracked files, against a registry."""

    def __init__(self, root: Path, registry: str) -> None:
        self.registry = registry
        listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, root / name)
        (root / "examples/churn/gates.toml").write_text(POLICY)
        told = {
            "VENV": str(VENV),
            "CHECKS": "none",
            "DEPLOY_WITH": "process",
            "DEPLOY_SECONDS": "900",
            "MLFLOW_TRACKING_URI": registry,
            "STAGING_URL": f"http://127.0.0.1:{free_port()}",
            "PRODUCTION_URL": f"http://127.0.0.1:{free_port()}",
            "GATEKIT_POLL_SECONDS": "1",
            "DVC_NO_ANALYTICS": "1",
        }
        super().__init__(root, "team/churn", **told)

    def gatekit(self, *words: str) -> str:
        return self.sh(str(VENV / "bin" / "gatekit"), *words, MLFLOW_TRACKING_URI=self.registry)

    def holder(self, target: str) -> str | None:
        from gatekit.errors import NotFound
        from gatekit.registry.mlflow import MlflowRegistry

        try:
            held = MlflowRegistry(self.registry).holder("churn-model", target, "alias")
        except NotFound:
            return None
        return held.version if held else None

    def stop(self) -> None:
        for stage in ("staging", "production"):
            stop = [sys.executable, "service/deploy/deploy", stage, "--stop"]
            told = environment(**self.told)
            subprocess.run(stop, cwd=self.root, env=told, check=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of its own: nobody else's churn-model is on it."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "artifacts").mkdir()
    database, one = f"sqlite:///{folder / 'registry.db'}", ("--workers", "1")
    uri, process = start_server(database, folder / "artifacts", folder / "server.log", one)
    yield uri
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(60)


@pytest.fixture(scope="module")
def pipeline(server, tmp_path_factory):
    made = Pipeline(tmp_path_factory.mktemp("gitlab"), server)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def refused(pipeline):
    """A pipeline of a model below the floor, and who held `staging` after it."""
    return pipeline.run(model="logistic"), pipeline.holder("staging")


@pytest.fixture(scope="module")
def good(pipeline, refused):
    """A pipeline of a model above it; nobody names a manual job. Its holders afterwards."""
    done = pipeline.run(model="boosting")
    return done, pipeline.holder("staging"), pipeline.holder("production")


def version_in(printed: str) -> str:
    return re.findall(r"churn-model version (\d+)", printed)[-1]


def test_a_refused_candidate_stops_the_pipeline_at_the_gate(refused):
    done, holder = refused
    assert done.code == 1, done.printed
    assert done.states == {"train": "PASS", "gate": "FAIL"}, done.printed
    assert "it cannot reach the floor" in done.printed
    assert holder is None


def test_a_good_one_reaches_staging_and_waits_there_for_a_person(good):
    done, staging, production = good
    jobs = ("train", "gate", "staging", "deploy-staging", "staging-suite", "load")
    assert done.states == dict.fromkeys(jobs, "PASS"), done.printed
    assert done.code == 0
    assert staging == version_in(done.printed)
    assert production is None
    assert f"serves churn-model version {staging}" in done.printed


def test_the_reports_are_there_for_gitlab(pipeline, good):
    reports = pipeline.root / "gate-report"
    assert json.loads((reports / "gl-code-quality-report.json").read_text()) == []
    assert (reports / "metrics.txt").read_text().endswith("# EOF\n")


def test_the_environments_link_leads_to_the_report_among_the_artifacts(pipeline, good):
    link = (pipeline.root / "report.env").read_text().strip()
    found = re.fullmatch(
        r"REPORT_URL=https?://\S+/team/churn/-/jobs/\d+/artifacts/file/(\S+)", link
    )
    assert found, link
    assert "<html" in (pipeline.root / found[1]).read_text()


def test_one_image_is_pushed_by_commit_and_by_the_stage_that_runs_it(pipeline, tmp_path):
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    text = (pipeline.root / ".gitlab-ci.yml").read_text()
    # a daemon beside the job is GitLab's to start; without it these are jobs like the others
    (pipeline.root / "images.yml").write_text(text.replace('  services: ["docker:27-dind"]\n', ""))
    told = {"DEPLOY_WITH": "compose", "BUILDER": "docker", "CALLS": str(tmp_path / "calls")}
    told |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CI_REGISTRY_IMAGE": "r.example/churn"}
    for job in ("build-image", "tag-image"):
        done = pipeline.run(job, "--file", "images.yml", told=told)
        assert (done.code, done.states) == (0, {job: "PASS"}), done.printed
    called = (tmp_path / "calls").read_text().splitlines()
    commit = pipeline.sh("git", "rev-parse", "HEAD").strip()
    name = "r.example/churn"
    assert [line for line in called if line.startswith(("push", "pull", "tag"))] == [
        f"push {name}:{commit}",
        f"tag {name}:{commit} {name}:staging",
        f"push {name}:staging",
        f"pull {name}:{commit}",
        f"tag {name}:{commit} {name}:production",
        f"push {name}:production",
    ]


def test_the_named_job_promotes_the_given_version(pipeline, good):
    done = pipeline.run("production", version=good[1])
    assert (done.code, done.states) == (0, {"production": "PASS"}), done.printed
    assert pipeline.holder("production") == good[1]


def test_a_version_without_proof_stays_out_whoever_presses_the_button(pipeline, good, refused):
    unproved = version_in(refused[0].printed)
    done = pipeline.run("production", version=unproved)
    assert done.code == 1
    assert done.states == {"production": "FAIL"}, done.printed
    assert f"ladder: version {unproved} never held 'staging'" in done.printed
    assert pipeline.holder("production") == good[1]


def test_the_rollback_job_goes_back_to_what_was_proved(pipeline, good, refused):
    forced = ["promote", f"models:/churn-model/{version_in(refused[0].printed)}"]
    forced += ["--to", "production", "--override", "the classic exercise"]
    for gate in ("accuracy", "staging", "load", "ladder"):
        forced += ["--gate", gate]
    pipeline.gatekit(*forced)
    assert pipeline.holder("production") == version_in(refused[0].printed)
    done = pipeline.run("rollback")
    assert (done.code, done.states) == (0, {"rollback": "PASS"}), done.printed
    assert pipeline.holder("production") == good[1]


@pytest.fixture(scope="module")
def answered(pipeline, good):
    """Production, deployed by its job, has answered the holdout: its log, and labels of it."""
    log = pipeline.root / "inferences"
    if pipeline.holder("production") is None:  # the tests before were left out
        pipeline.gatekit("promote", f"models:/churn-model/{good[1]}", "--to", "production")
    done = pipeline.run("deploy-production", told={"GATEKIT_INFERENCES": str(log)})
    assert (done.code, done.states) == (0, {"deploy-production": "PASS"}), done.printed
    assert f"serves churn-model version {good[1]}" in done.printed
    labels = ask(pipeline.told["PRODUCTION_URL"], pipeline.root / HOLDOUT)
    until = time.monotonic() + 300  # it writes every 30 seconds
    while not list(log.rglob("*.parquet")) and time.monotonic() < until:
        time.sleep(1)
    return log, labels


def ask(url: str, holdout: Path):
    """Every row of the holdout in one request; the labels as they would come later."""
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(holdout)
    rows = table.drop_columns("churn").to_pylist()
    body = json.dumps({"dataframe_records": rows}).encode()
    sent = {"Content-Type": "application/json", "X-Request-Id": "of-today"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/predict", body, sent)) as answer:
        assert len(json.load(answer)["predictions"]) == len(rows)
    keys = {"gatekit_request": ["of-today"] * len(rows), "gatekit_row": range(len(rows))}
    return pa.table({**keys, "churn": table["churn"]})


def scheduled(pipeline, log, labels, name):
    from pyarrow import parquet

    parquet.write_table(labels, pipeline.root / name)
    return pipeline.run(told={**SCHEDULED, "INFERENCES": str(log), "LABELS": name})


def test_a_schedule_looks_at_what_is_deployed_and_moves_nothing(pipeline, good, answered):
    done = scheduled(pipeline, *answered, "labels.parquet")
    assert done.states == {"monitor": "PASS", "reverify": "PASS"}, done.printed
    assert done.code == 0
    said = done.said_by("monitor")
    assert f"churn-model version {good[1]}: 400 rows answered 400 of them have a label" in said
    assert re.search(r"accuracy 0\.9\d+ \[[\d.]+, [\d.]+\] >= 0\.9 PASSED", said)
    for stage in ("staging", "production"):
        assert f"{stage}: version {good[1]}, ok" in done.said_by("reverify")
        assert pipeline.holder(stage) == good[1]


def test_a_schedule_is_red_when_answers_were_wrong_and_a_pointer_moved(
    pipeline, good, refused, answered
):
    import pyarrow.compute as pc

    from gatekit.registry.mlflow import MlflowRegistry

    log, labels = answered
    wrong = labels.set_column(2, "churn", pc.subtract(1, labels["churn"]))
    behind = version_in(refused[0].printed)
    MlflowRegistry(pipeline.registry).move("churn-model", "staging", behind, "alias")
    done = scheduled(pipeline, log, wrong, "wrong.parquet")
    assert done.states == {"monitor": "FAIL", "reverify": "FAIL"}, done.printed
    assert done.code == 1
    assert re.search(r"accuracy +0\.0\d+ .*FAILED", done.printed)
    assert pipeline.holder("staging") == behind
