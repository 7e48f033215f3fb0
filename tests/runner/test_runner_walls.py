"""What a model cannot reach, tried by models that try, as root and as a plain user."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from gatekit.errors import ModelMisbehaved, UsageProblem
from gatekit.runner import landlock
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner

ROOT = Path(__file__).parents[2]
LOADER = "tests.runner.hostile"
TABLE = pa.table({"x0": np.linspace(-1, 1, 40)})
pytestmark = pytest.mark.skipif(not landlock.version(), reason="no Landlock on this machine")
ALL = (
    "secrets: landlock",
    "files: landlock",
    "network: landlock, seccomp",
    "processes: seccomp",
    "signals: landlock, seccomp",
    "memory: rlimit",
)


def write_hostile(folder, does, **params):
    folder.mkdir(parents=True)
    described = {"python_function": {"loader_module": LOADER, "data": "toy.json"}}
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": described}))
    (folder / "toy.json").write_text(json.dumps({"does": does, "params": params}))
    return folder


@pytest.fixture
def run(tmp_path):
    runners = []

    def start(does, _limits=None, **params):
        given = {"call_seconds": 20, "memory_mb": 4096, **(_limits or {})}
        limits = Limits(**given, readable=(str(ROOT / "tests"),))
        runner = Runner(limits, tmp_path / "run" / "scratch", trusted=(LOADER,))
        runners.append(runner)
        runner.load(write_hostile(tmp_path / "model", does, **params), "native")
        return runner

    yield start
    for runner in runners:
        runner.close()


def refused(runner):
    with pytest.raises(ModelMisbehaved) as caught:
        runner.predict(TABLE)
    return str(caught.value)


def members(group):
    """Process ids and states of a process group."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            values = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(values[2]) == group:
            yield int(path.parent.name), values[0]


def says(runner):
    return int(runner.predict(TABLE)[0])


def test_every_wall_stands_and_is_named(run):
    assert run("kills_parent").walls == ALL


# A run in a process of its own, so that it may be another user's and hold canaries: one in its
# environment, one in its memory, one in a closed file of its working folder, one in its home.
GATE = """
import json, os, sys
from pathlib import Path
root, uid, canaries, folders = json.loads(sys.argv[1])
if uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
kept = "".join(reversed(canaries[1]))
from tests.runner.test_runner_walls import *
limits = Limits(call_seconds=30, memory_mb=4096, readable=(str(ROOT / "tests"),))
from gatekit.runner.forkserver import ForkServer
answers, server = [], ForkServer.begin(())
for number, canary in enumerate(canaries * 2):
    made = server if number >= len(canaries) else None
    with Runner(limits, Path(root) / f"s{number}", trusted=(LOADER,), server=made) as runner:
        params = {"canary": canary, "folders": folders}
        runner.load(write_hostile(Path(root) / f"m{number}", "steals", **params), "native")
        answers.append(says(runner))
        walls = runner.walls
server.close()
# The same search without walls finds them: a search that finds nothing proves nothing.
from tests.runner.hostile import search
pid, os.getppid = os.getpid(), lambda: os.getpid()
os.getpid = lambda: 1
os_getppid = lambda: pid
os.getppid = os_getppid
found = search(folders)
print(json.dumps([answers, walls, [canary.encode()[::-1] in found for canary in canaries]]))
"""


@pytest.mark.parametrize("uid", [0, 65534])
def test_no_canary_is_seen(tmp_path, uid):
    if uid == 0 and os.getuid() != 0:
        pytest.skip("not root here")
    if uid and (os.getuid() != 0 or not _others_may_run_python()):
        uid = 0  # the user who runs the tests is a plain one
    canaries = [secrets.token_hex(12) for _ in range(4)]
    job, home, root = (tmp_path / name for name in ("job", "home", "root"))
    for folder in (job, home, root):
        folder.mkdir()
    (job / "canary.txt").write_text(canaries[2])
    (home / "canary.txt").write_text(canaries[3])
    for path in (job, home, root, *job.iterdir(), *home.iterdir()):
        path.chmod(0o600 if path.is_file() else 0o700)
        if uid:
            os.chown(path, uid, uid)
    if uid:
        _open_way(tmp_path)
    backwards = [canary[::-1] for canary in canaries]
    given = json.dumps([str(root), uid, backwards, [str(job), str(home)]])
    done = subprocess.run(
        [sys.executable, "-c", GATE, given],
        cwd=job,
        env={**os.environ, "HOME": str(home), "DEPLOY_TOKEN": canaries[0], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers, walls, open_to_search = json.loads(done.stdout)
    assert open_to_search == [True] * 4
    assert answers == [0] * 8  # of a process of its own, and of a fork
    assert "secrets: landlock" in walls
    assert "files: landlock" in walls


def _others_may_run_python():
    paths = (Path(sys.base_prefix), Path(sys.prefix), ROOT)
    return all(p.stat().st_mode & 1 for path in paths for p in (path, *path.parents))


def _open_way(folder):
    for path in (folder, *folder.parents):
        if path.owner() == "root" and path.is_relative_to("/tmp/") and path != Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o011)


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_there_is_no_network(run, family):
    said = refused(run("connects", family=family, port=9))
    assert said == "the candidate raised PermissionError while predicting: " + said[-33:]
    assert "Operation not permitted" in said


def test_a_gate_may_connect_where_the_model_may_not(run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        assert "PermissionError" in refused(run("connects", family="AF_INET", port=port))


@pytest.mark.parametrize(
    "does", ["kills_parent", "leaves_its_group", "limits_parent", "writes_into_its_folder"]
)
def test_what_it_may_not_do_is_refused_and_it_lives_on(run, does):
    runner = run(does)
    assert "raised PermissionError while predicting" in refused(runner)
    assert runner.is_alive


def test_rows_that_are_shared_with_it_can_only_be_read(run):
    many = pa.table({"x0": np.linspace(-1, 1, 40_000)})
    said = run("scribbles").predict(many)
    assert set(said.tolist()) == {1}  # one such memory, and no way to change it


def test_kill_all_reaches_nobody(run):
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        assert "raised PermissionError" in refused(run("kills_all"))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_it_cannot_fork(run):
    said = refused(run("forks", times=5))
    assert said.startswith("the candidate raised BlockingIOError while predicting")


def test_forks_that_are_allowed_are_counted_and_ended(run):
    runner = run("forks", {"processes": 3}, times=6)
    assert "processes: seccomp" not in runner.walls
    group = runner._talk.child.process.pid
    said = refused(runner)
    # It is looked at while it forks: how many there are already is a matter of cores.
    assert re.fullmatch(
        r"the candidate's process ran [4-7] processes, over the limit of 3, while predicting", said
    )
    end = time.monotonic() + 10
    while left := [pid for pid, state in members(group) if state != "Z"]:
        assert time.monotonic() < end, left
        time.sleep(0.05)


def test_an_orphan_ends_with_the_runner(run):
    runner = run("leaves_an_orphan", {"processes": 3})
    orphan = says(runner)
    os.kill(orphan, 0)
    runner.close()
    time.sleep(0.2)
    state = Path(f"/proc/{orphan}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_child_dies_with_a_gate_that_is_killed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from gatekit.runner.limits import Limits; from gatekit.runner.process import Runner\n"
        "runner = Runner(Limits(), Path(sys.argv[1])); runner.start()\n"
        "print(runner._talk.child.process.pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "scratch")]
    gate = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    child = int(gate.stdout.readline())
    time.sleep(1)
    os.kill(child, 0)
    gate.send_signal(signal.SIGKILL)
    gate.wait()
    gate.stdout.close()
    for _ in range(50):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.1)
    pytest.fail("the child outlived the gate")


def test_a_wall_that_is_asked_for_and_not_there_is_an_error_before_loading(tmp_path, monkeypatch):
    # One process more than one is no wall: it is counted only.
    limits = Limits(walls=("secrets", "processes"), processes=2)
    folder = write_hostile(tmp_path / "model", "spins")
    with (
        Runner(limits, tmp_path / "scratch", trusted=(LOADER,)) as runner,
        pytest.raises(UsageProblem, match="a wall around processes, which cannot be had here"),
    ):
        runner.load(folder, "native")


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("closes_descriptors", "closed its line|ended with exit code"),
        ("segfaults", "was killed by SIGSEGV"),
        ("deadlocks", "gave no answer for 1.5 s while predicting"),
        ("spins", "gave no answer for 1.5 s while predicting"),
        ("eats_memory", "raised MemoryError while predicting"),
        ("opens_files", r"raised OSError while predicting: \[Errno 24\]"),
        ("patches_numpy", "raised ZeroDivisionError while predicting"),
    ],
)
def test_misdeeds_end_in_their_sentence(run, does, said):
    seconds = 1.5 if "1.5 s" in said else 30
    runner = run(does, {"call_seconds": seconds, "memory_mb": 700, "open_files": 64})
    start = time.monotonic()
    with pytest.raises(ModelMisbehaved, match=said):
        runner.predict(TABLE)
    assert time.monotonic() - start < seconds + 3


def test_memory_that_no_limit_of_the_system_counts_is_watched(run):
    said = refused(run("maps_memory", {"memory_mb": 500}))
    assert "MB, over the limit of 500 MB, while predicting" in said


def test_all_questions_together_have_a_limit(run):
    runner = run("sleeps", {"total_seconds": 6}, seconds=4)
    runner.predict(TABLE)
    with pytest.raises(ModelMisbehaved, match="more than 6 s in all"):
        runner.predict(TABLE)


def test_quick_answers_put_off_no_limit(run):
    """Many small questions are answered without a wait: the limits are looked at all the same."""
    runner = run("maps_a_little", {"memory_mb": 500})
    with pytest.raises(ModelMisbehaved, match="MB, over the limit of 500 MB, while predicting"):  # noqa: PT012 - the one that fails is not known before
        for _ in range(2000):
            runner.predict(TABLE)


def test_quick_answers_have_a_limit_together(run):
    runner = run("sleeps", {"total_seconds": 8}, seconds=0)
    start = time.monotonic()
    with pytest.raises(ModelMisbehaved, match="more than 8 s in all"):  # noqa: PT012 - the one that fails is not known before
        while time.monotonic() - start < 30:
            runner.predict(TABLE)


@pytest.mark.parametrize("step", [1e-9, 0.006, 10.0])
def test_a_clock_that_lies_is_found_out(run, step):
    runner = run("lies_about_time", step=step)
    with pytest.raises(ModelMisbehaved, match="its clock cannot be right"):
        runner.time_rows(TABLE, 60, 5)
