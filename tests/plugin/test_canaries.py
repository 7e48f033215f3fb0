"""No model sees the secrets of the job that gates it: a whole signed run, as root and as a user.

The run is a process of its own in which Python lies under the user's home, as a laptop has it:
where the interpreter of these tests is under a home, a mount namespace shows it under another's.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from gatekit import cli
from gatekit.registry.folder import FolderRegistry
from gatekit.report.document import Report
from gatekit.runner import landlock

ROOT = Path(__file__).parents[2]
LOADER = "tests.runner.hostile"
NOBODY = 65534
QUICK = ("-p", "no:locust", "-p", "no:schemathesis")  # seconds to import, and not needed
POLICY = """
model = "toy"
suites = ["gates"]

[runner]
trusted = ["tests.runner.hostile"]
readable = [{tests}]
call_seconds = 60

[data.holdout]
path = "holdout.parquet"
target = "label"

[gates.accuracy]
floor = 0.8

[promotion.staging]
requires = ["accuracy"]

[keys.ci]
public = "ci.pem.pub"
roles = ["attest", "promote"]
"""

# A search that finds nothing proves nothing: the gate's own process finds them all.
OWN = """
import os
import pytest
from tests.runner.hostile import search

pytestmark = pytest.mark.gate("accuracy")
backwards = os.environ["BACKWARDS"].split()
kept = "".join(reversed(backwards[1]))


def test_the_canaries_can_be_found(monkeypatch):
    gate = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    monkeypatch.setattr(os, "getppid", lambda: gate)
    found = search(os.environ["FOLDERS"].split(":"))
    assert [one.encode()[::-1] in found for one in backwards] == [True] * 5
"""
pytestmark = pytest.mark.skipif(not landlock.version(), reason="no Landlock on this machine")

# $1: whose home it is to be, $2: what stands there, $3: the folder of Python under $1, $4: user
AT_HOME = """
set -e
mkdir -p "$2/$3"
mount --bind "$1/$3" "$2/$3"
mount --rbind "$2" "$1"
user=$4; shift 4
cd "$PWD"
exec setpriv --reuid "$user" --regid "$user" --clear-groups -- "$@"
"""


def hunter(folder, canaries, folders):
    """A model that looks for the canaries everywhere and answers 1 where it finds any."""
    folder.mkdir()
    x0 = [{"type": "double", "name": "x0", "required": True}]
    said = [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]
    described = {
        "flavors": {"python_function": {"loader_module": LOADER, "data": "toy.json"}},
        "signature": {"inputs": json.dumps(x0), "outputs": json.dumps(said), "params": None},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(described))
    params = {"canaries": canaries, "folders": folders}
    (folder / "toy.json").write_text(json.dumps({"does": "steals_any", "params": params}))
    return folder


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A project with a policy, a key, and 400 rows of which nine in ten are of class 0."""
    folder = tmp_path / "job"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert cli.main(["keygen", "--out", "ci.pem"]) == 0
    (folder / "gates.toml").write_text(POLICY.format(tests=json.dumps(str(ROOT / "tests"))))
    (folder / "pyproject.toml").write_text('[tool.gatekit]\nregistry = "folder:registry"\n')
    (folder / "gates").mkdir()
    (folder / "gates" / "test_own.py").write_text(OWN)
    rows = {"x0": np.linspace(-1, 1, 400), "label": np.arange(400) % 10 == 0}
    pq.write_table(pa.table({**rows, "label": rows["label"].astype("int64")}), "holdout.parquet")
    return folder


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be both, root and another")
@pytest.mark.parametrize("user", [0, NOBODY])
def test_no_canary_of_the_job_is_seen(job, tmp_path, user):
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir()
    scratch.mkdir()
    key = (job / "ci.pem").read_text()
    (job / "ci.pem").unlink()
    canaries = [secrets.token_hex(12) for _ in range(4)] + [key.splitlines()[1]]
    (job / "canary.txt").write_text(canaries[2])
    (home / "canary.txt").write_text(canaries[3])
    backwards = [canary[::-1] for canary in canaries]
    folders = [str(job), str(Path.home() if is_python_at_home() else home)]
    FolderRegistry(job / "registry").register("toy", hunter(tmp_path / "m", backwards, folders))
    hand_over(tmp_path, user)
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
        "HOME": folders[1],
        "TMPDIR": str(scratch),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DEPLOY_TOKEN": canaries[0],
        "GATEKIT_SIGNING_KEY": key,
        "BACKWARDS": " ".join(backwards),
        "FOLDERS": ":".join(folders),
    }
    command = gating_as(user, home)
    if not shutil.which(command[0]):
        missing(f"{command[0]} is not here")
    done = subprocess.run(
        command, cwd=job, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    if "mount:" in done.stderr or "unshare" in done.stderr:
        missing(f"no mount namespace can be had here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "signed by key" in done.stdout
    held = FolderRegistry(job / "registry").holder("toy", "staging", "alias")
    assert held is not None
    assert held.version == "1"
    report = Report.from_json((job / ".gatekit/report/gatekit-report.json").read_bytes())
    passed = [str(test) for test in report.tests if test["outcome"] == "passed"]
    assert [test for test in passed if "test_the_canaries_can_be_found" in test], report.tests
    assert {"secrets", "files"} <= {wall.partition(":")[0] for wall in report.run["walls"]}


def is_python_at_home():
    return Path(sys.base_prefix).is_relative_to(Path.home())


def gating_as(user, home):
    """The command of a whole run as that user, whose home is `home` or is shown at ours."""
    gates = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *QUICK)
    command = (*gates, "--model-uri", "models:/toy/1", "--promote-to", "staging")
    if is_python_at_home():
        under = str(Path(sys.base_prefix).relative_to(Path.home()))
        given = (str(Path.home()), str(home), under, str(user))
        return ("unshare", "-m", "sh", "-c", AT_HOME, "sh", *given, *command)
    as_user = ("setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups")
    return (*as_user, *command)


def hand_over(folder, user):
    """Everything in the folder becomes the user's alone; the way to it is open."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user, user)
        path.chmod(0o600 if path.is_file() else 0o700)
    for path in folder.parents:
        if path.is_relative_to("/tmp/") and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o011)


def missing(reason):
    """Skip in words, or fail where everything is asked for."""
    if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
