"""The deploy and image scripts by the calls they make, and the manifests by what they ask."""

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "service" / "deploy"
# writes down how it was called and what it was given, and does what SAY says
FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
if [ "$1" = apply ]; then cat >> "$CALLS.stdin"; fi
exit ${FAKE_CODE:-0}
"""
# stands where a Python stands: `-m gatekit_service` is a service of a few lines
SERVICE = """#!%s
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"model": os.environ["GATEKIT_MODEL"], "stage": os.environ["GATEKIT_STAGE"]}
        body["version"] = open(os.environ["SERVED"]).read()
        self.send_response(200 if body["version"] else 503)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["GATEKIT_PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def hands(tmp_path):
    """Programs that write down their calls, and the environment in which they are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "kubectl", "buildah"):
        (folder / name).write_text(FAKE)
        (folder / name).chmod(0o755)
    kept = {"PATH": f"{folder}:/usr/bin:/bin", "CALLS": str(tmp_path / "calls")}
    return kept | {"GATEKIT_MODEL": "churn-model", "IMAGE": "registry.example/churn:abc"}


def call(name, *words, ok=True, **environment):
    command = [sys.executable] if name == "deploy" else ["sh"]
    done = subprocess.run(
        [*command, str(DEPLOY / name), *words],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def calls(hands):
    return Path(hands["CALLS"]).read_text().splitlines()


def test_compose_is_the_default_and_waits(hands):
    call("deploy", "staging", **hands, MLFLOW_TRACKING_URI="http://r")
    (said,) = calls(hands)
    assert said == (
        f"docker compose --file {DEPLOY}/compose.staging.yml up --detach --wait --wait-timeout 180"
    )
    call("deploy", "production", "--stop", **hands)
    assert calls(hands)[1].endswith("compose.production.yml down")


def test_what_compose_needs_is_asked_for_by_name(hands):
    said = call("deploy", "staging", ok=False, **hands)
    assert "MLFLOW_TRACKING_URI is not set" in said
    assert not Path(hands["CALLS"]).exists()


def test_a_program_that_fails_is_a_failed_deployment(hands):
    said = call("deploy", "staging", ok=False, **hands, MLFLOW_TRACKING_URI="u", FAKE_CODE="3")
    assert "docker ended with 3" in said


def test_a_wrong_call_shows_how(hands):
    assert "DEPLOY_WITH" in call("deploy", "canary", ok=False, **hands)
    assert "DEPLOY_WITH" in call("deploy", "staging", ok=False, **hands, DEPLOY_WITH="helm")


@pytest.mark.parametrize(("stage", "replicas"), [("staging", 1), ("production", 2)])
def test_kubectl_is_given_a_deployment_with_probes_and_limits(hands, stage, replicas):
    call("deploy", stage, **hands, DEPLOY_WITH="kubectl")
    assert calls(hands) == [
        "kubectl apply --filename -",
        f"kubectl rollout status deployment/gatekit-{stage} --timeout=180s",
    ]
    deployment, service = yaml.safe_load_all(Path(hands["CALLS"] + ".stdin").read_text())
    assert (deployment["kind"], service["kind"]) == ("Deployment", "Service")
    assert deployment["spec"]["replicas"] == replicas
    pod = deployment["spec"]["template"]
    assert service["spec"]["selector"] == pod["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    (container,) = pod["spec"]["containers"]
    assert container["image"] == hands["IMAGE"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert container["startupProbe"]["httpGet"]["path"] == "/health/ready"
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/tmp", "/var/cache/gatekit"} == mounted
    told = {each["name"]: each["value"] for each in container["env"]}
    assert told["GATEKIT_STAGE"] == stage
    assert told["GATEKIT_VERIFY"] == "enforce"


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_compose_files_ask_for_the_same_walls(stage):
    service = yaml.safe_load((DEPLOY / f"compose.{stage}.yml").read_text())["services"]["service"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["environment"]["GATEKIT_STAGE"] == stage
    assert service["environment"]["GATEKIT_VERIFY"] == "enforce"
    assert service["image"].startswith("${IMAGE:?")
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


@pytest.fixture
def process(hands, tmp_path):
    """The environment of a deployment by a process of this machine."""
    python = tmp_path / "python"
    python.write_text(SERVICE % sys.executable)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "served").write_text("6")
    told = {"PYTHON": str(python), "DEPLOY_WITH": "process", "SERVED": str(tmp_path / "served")}
    told |= {"DEPLOY_URL": f"http://127.0.0.1:{port}", "DEPLOY_STATE": str(tmp_path / "state")}
    told |= {**hands, "DEPLOY_SECONDS": "60"}
    yield told
    call("deploy", "staging", "--stop", **told)


def test_a_process_outlives_the_call_is_replaced_and_is_stopped(process, tmp_path):
    said = call("deploy", "staging", **process, VERSION="6")
    assert "serves churn-model version 6" in said
    first = int((tmp_path / "state" / "staging.pid").read_text())
    os.kill(first, 0)
    call("deploy", "staging", **process)
    second = int((tmp_path / "state" / "staging.pid").read_text())
    assert second != first
    call("deploy", "staging", "--stop", **process)
    assert not (tmp_path / "state" / "staging.pid").exists()
    assert "gatekit_service" not in shown(first) + shown(second)


def shown(pid):
    done = subprocess.run(
        ["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout


def test_another_version_than_the_asked_is_said(process):
    said = call("deploy", "staging", ok=False, **process | {"DEPLOY_SECONDS": "3"}, VERSION="7")
    assert "does not serve version 7 after 3 s" in said
    assert re.search(r"last seen: (version 6|.*refused)", said)


def test_a_process_that_is_no_longer_ours_is_left_alone(process, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "staging.pid").write_text(str(os.getpid()))
    call("deploy", "staging", "--stop", **process)  # this very process: it goes on


def test_an_image_is_built_once_and_pushed_under_each_tag(hands):
    more = {
        "BASE": "python:3.12-slim",
        "CI_COMMIT_SHA": "abc",
        "PUSH_OPTIONS": "--tls-verify=false",
    }
    call("image", "build", "r.example/churn", "abc", "staging", **hands, **more)
    built, first, tagged, second = calls(hands)
    assert built.startswith("buildah bud --format docker ")
    assert "--build-arg BASE=python:3.12-slim" in built
    assert "--build-arg COMMIT=abc --file service/deploy/Containerfile" in built
    assert first == "buildah push --tls-verify=false r.example/churn:abc"
    assert tagged == "buildah tag r.example/churn:abc r.example/churn:staging"
    assert second == "buildah push --tls-verify=false r.example/churn:staging"


def test_docker_builds_it_too(hands):
    call("image", "build", "r.example/churn", "abc", **hands, BUILDER="docker")
    assert calls(hands)[0].startswith("docker build --build-arg COMMIT=")
    call("image", "tag", "r.example/churn", "abc", "production", **hands, BUILDER="docker")
    assert [line.split()[1] for line in calls(hands)[2:]] == ["pull", "tag", "push"]


def test_a_wrong_call_of_image_shows_how(hands):
    assert "REPOSITORY" in call("image", "build", ok=False, **hands)
    assert "REPOSITORY" in call("image", "melt", "r", "t", ok=False, **hands)


def locked(name):
    """Package and version -> hashes."""
    text = (ROOT / "requirements" / name).read_text()
    found = re.findall(r"^(\S+==\S+)[^\n]*\\\n((?:    --hash=\S+(?: \\)?\n)+)", text, re.MULTILINE)
    return {package: set(re.findall(r"sha256:\w+", hashes)) for package, hashes in found}


def test_the_image_has_what_was_tested_and_no_more():
    image, tested = locked("service.txt"), locked("dev.txt")
    assert len(image) > 50
    assert all(hashes and hashes <= tested[package] for package, hashes in image.items())
    names = {package.partition("==")[0] for package in image}
    assert not names & {"locust", "dvc", "mypy", "ruff"}


def test_the_ignore_file_lets_in_what_the_image_copies_and_no_secret():
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().split()
    copied = re.findall(r"^COPY (.*) \S+$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert ignored[0] == "*"
    assert {name for line in copied for name in line.split()} == let_in
    assert all((ROOT / name).exists() for name in let_in)


def test_no_file_here_names_a_registry():
    for file in DEPLOY.rglob("*"):
        if file.is_file():
            text = file.read_text()
            assert not re.search(r"(docker\.io|ghcr\.io|quay\.io|pypi\.org|debian\.org)", text), (
                file
            )
