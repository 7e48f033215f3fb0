"""The image: built on a root made here, pushed, pulled elsewhere, started, asked.

    make image-test

Takes minutes and root, so the suite runs it only where GATEKIT_IMAGE_TEST=1. A root that was made
before may be named by GATEKIT_IMAGE_ROOT, a tar file.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatekit.registry.folder import FolderRegistry
from gatekit.testing import write_toy

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("buildah", "docker-registry", "debootstrap")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
SETTINGS = """
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("GATEKIT_IMAGE_TEST") != "1", reason="make image-test"),
]


def run(*command, seconds=5400, **environment):
    done = subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Store:
    """buildah with a store of its own, as another machine would have."""

    def __init__(self, folder: Path) -> None:
        self.options = ["--storage-driver", "vfs", "--root", str(folder / "root")]
        self.options += ["--runroot", str(folder / "run")]

    def __call__(self, *words):
        return run("buildah", *self.options, *words)


@pytest.fixture(scope="module")
def folder():
    missing = [name for name in NEEDED if shutil.which(name) is None]
    assert not missing, f"apt-get install {' '.join(missing)}"
    made = Path(tempfile.mkdtemp(prefix="gatekit-image-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def registry(folder):
    """A registry of images on the loopback: its host and port."""
    port = free_port()
    (folder / "registry.yml").write_text(SETTINGS.format(folder=folder / "images", port=port))
    with (folder / "registry.log").open("wb") as log:
        command = ["docker-registry", "serve", str(folder / "registry.yml")]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    answers(f"http://127.0.0.1:{port}/v2/", server, folder / "registry.log", 60)
    yield f"127.0.0.1:{port}"
    server.terminate()
    server.wait(30)


def answers(url, process, log, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"{url} does not answer: {log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def base(folder):
    """A Debian with Python, made here, as an image."""
    archive = os.environ.get("GATEKIT_IMAGE_ROOT") or make_root(folder)
    context = folder / "base"
    context.mkdir()
    shutil.copyfile(archive, context / "root.tar")
    (context / "Containerfile").write_text("FROM scratch\nADD root.tar /\n")
    store = Store(folder / "here")
    store("bud", "--isolation", "chroot", "--tag", "localhost/base", str(context))
    (context / "root.tar").unlink()
    return store


def make_root(folder):
    """From the mirror that this machine's apt is set to."""
    listed = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)").split("\n")
    mirror, codename = next(line.split() for line in listed if "security" not in line)
    target = folder / "debian"
    packages = "--include=python3,python3-venv,ca-certificates"
    run("debootstrap", "--variant=minbase", packages, codename, target, mirror)
    # what debootstrap mounted in it stays out
    run("tar", "--one-file-system", "-C", target, "-cf", folder / "root.tar", ".")
    return folder / "root.tar"


@pytest.fixture(scope="module")
def pulled(folder, registry, base):
    """Built and pushed as the pipeline does it, pulled by a machine that knows nothing of it."""
    told = {
        "BUILDER": "buildah",
        "BASE": "localhost/base",
        "BUILDER_OPTIONS": " ".join(base.options),
        "BUILD_OPTIONS": f"--isolation chroot --volume {CERTIFICATES}:{CERTIFICATES}:ro"
        f" --build-arg PIP_CERT={CERTIFICATES}",
        "PUSH_OPTIONS": "--tls-verify=false",
        "CI_COMMIT_SHA": "0123abc",
    }
    name = f"{registry}/team/churn"
    run("sh", ROOT / "service/deploy/image", "build", name, "0123abc", "staging", **told)
    run("sh", ROOT / "service/deploy/image", "tag", name, "0123abc", "production", **told)
    there = Store(folder / "there")
    container = there("from", "--tls-verify=false", f"{name}:production").strip()
    return there, container, name


def test_both_stages_and_the_commit_name_one_image(pulled, registry):
    def digest(tag):
        url = f"http://{registry}/v2/team/churn/manifests/{tag}"
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        asked = urllib.request.Request(url, headers={"Accept": kind}, method="HEAD")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.headers["Docker-Content-Digest"]

    assert digest("0123abc") == digest("staging") == digest("production")


def test_the_image_says_how_it_is_run(pulled):
    store, _, name = pulled
    held = json.loads(store("inspect", "--type", "image", f"{name}:production"))["Docker"]["config"]
    assert held["User"] == "10001:10001"
    assert held["Cmd"] == ["python", "-m", "gatekit_service"]
    assert "/health/ready" in " ".join(held["Healthcheck"]["Test"])
    assert list(held["Volumes"]) == ["/var/cache/gatekit"]
    assert held["Labels"]["org.opencontainers.image.revision"] == "0123abc"
    assert not [line for line in held["Env"] if line.startswith(("PIP_", "MLFLOW_TRACKING"))]


def test_nothing_but_the_cache_can_be_written(pulled):
    store, container, _ = pulled
    tried = "for d in / /opt/gatekit /opt/gatekit/bin /etc /usr; do touch $d/x 2>/dev/null && echo $d; done"
    tried += "; touch /var/cache/gatekit/x && echo cache; id -u"
    assert store("run", "--isolation", "chroot", container, "--", "sh", "-c", tried).split() == [
        "cache",
        "10001",
    ]


def test_the_image_has_the_locked_packages_and_no_installer(pulled):
    store, container, _ = pulled
    code = "import importlib.metadata as m; print(*sorted(f'{d.name}=={d.version}' for d in m.distributions()))"
    told = (
        store("run", "--isolation", "chroot", container, "--", "python", "-c", code).lower().split()
    )
    lock = (ROOT / "requirements" / "service.txt").read_text().lower()
    installed = {each.replace("_", "-") for each in told} - {"pytest-gatekit==0.1.0"}
    assert len(installed) > 60
    assert {each for each in installed if f"{each} " not in lock} == set()
    assert not [each for each in installed if each.startswith(("pip==", "setuptools=="))]


def test_the_image_has_every_file_of_the_house(pulled):
    """What is shipped is what was tested: modules, the page, the starter, the policy's words."""
    store, container, _ = pulled
    look = "cd /opt/gatekit/lib/python3*/site-packages && find gatekit gatekit_service -type f"
    told = store("run", "--isolation", "chroot", container, "--", "sh", "-c", look).split()
    held = {name for name in told if not name.endswith(".pyc")}
    tracked = run("git", "ls-files", "gatekit", "service/gatekit_service").split()
    assert held == {name.removeprefix("service/") for name in tracked}


def test_the_image_knows_the_settings_of_a_trial(pulled):
    store, container, _ = pulled
    wrong = "GATEKIT_MODEL=toy GATEKIT_MODEL_MEMORY_MB=much python -m gatekit_service; echo =$?"
    command = ("run", "--isolation", "chroot", container, "--", "sh", "-c", f"{{ {wrong}; }} 2>&1")
    said = store(*command)
    assert "GATEKIT_MODEL_MEMORY_MB is 'much'" in said
    assert said.endswith("=2\n")


@contextmanager
def started(store, container, folder, port):
    """The image's own command, in a chroot: buildah knows no port of its own, so ours is given."""
    told = {"GATEKIT_MODEL": "toy", "GATEKIT_STAGE": "production", "GATEKIT_VERIFY": "off"}
    told |= {"GATEKIT_REGISTRY": "folder:/registry", "GATEKIT_PORT": str(port)}
    told |= {"GATEKIT_TRIAL": "1", "GATEKIT_MODEL_MEMORY_MB": "2048"}
    store("config", *[f"--env={key}={value}" for key, value in told.items()], container)
    log = folder / "service.log"
    command = ["buildah", *store.options, "run", "--isolation", "chroot"]
    command += ["--volume", f"{folder / 'registry'}:/registry:ro", container, "--"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "python", "-m", "gatekit_service"],
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield process, log
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def predicted(port, rows):
    body = json.dumps({"features": rows}).encode()
    sent = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/predict", body, sent)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)["predictions"]


def test_it_starts_and_serves_what_the_pointer_names(pulled, folder, tmp_path):
    store, container, _ = pulled
    models = FolderRegistry(folder / "registry")
    models.register("toy", write_toy(tmp_path / "toy", "threshold"))
    models.move("toy", "production", "1", "alias")
    run("chmod", "-R", "a+rX", folder / "registry")
    port = free_port()
    with started(store, container, folder, port) as (process, log):
        health = json.loads(answers(f"http://127.0.0.1:{port}/health", process, log, 300))
        assert (health["status"], health["model"], health["version"]) == ("ok", "toy", "1")
        assert health["stage"] == "production"
        assert predicted(port, [[0.75, 0, 0, 0], [-0.25, 0, 0, 0]]) == [1, 0]
        test = json.loads(store("inspect", "--type", "container", container))
        probe = test["Docker"]["config"]["Healthcheck"]["Test"][1:]
        store("run", "--isolation", "chroot", container, "--", *probe)
