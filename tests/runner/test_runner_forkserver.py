"""Models' processes as forks: walled, limited, told and ended as those started one by one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from gatekit.errors import ModelMisbehaved
from gatekit.runner import landlock
from gatekit.runner.forkserver import ForkServer
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner

ROOT = Path(__file__).parents[2]
LOADER = "tests.runner.hostile"
TABLE = pa.table({"x0": np.linspace(-1, 1, 40)})
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are watched on Linux only")


@pytest.fixture(scope="module")
def server():
    begun = ForkServer.begin(("pandas", "colorsys"))
    yield begun
    begun.close()


@pytest.fixture
def run(server, tmp_path):
    runners = []

    def start(does, limits=None, by=server, **params):
        number = len(runners)
        folder = tmp_path / f"model{number}"
        folder.mkdir()
        described = {"python_function": {"loader_module": LOADER, "data": "toy.json"}}
        (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": described}))
        (folder / "toy.json").write_text(json.dumps({"does": does, "params": params}))
        given = {"call_seconds": 60, "memory_mb": 4096, **(limits or {})}
        asked = Limits(**given, readable=(str(ROOT / "tests"),))
        runner = Runner(asked, tmp_path / f"scratch{number}", trusted=(LOADER,), server=by)
        runners.append(runner)
        runner.load(folder, "native")
        return runner

    yield start
    for runner in runners:
        runner.close()


def says(runner):
    return int(runner.predict(TABLE)[0])


def is_over(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def wait_until_over(*processes):
    end = time.monotonic() + 20
    while left := [one for one in processes if not is_over(one)]:
        assert time.monotonic() < end, left
        time.sleep(0.05)


@pytest.mark.skipif(not landlock.version(), reason="no Landlock on this machine")
def test_every_wall_stands_around_a_fork(run):
    assert run("draws").walls == (
        "secrets: landlock",
        "files: landlock",
        "network: landlock, seccomp",
        "processes: seccomp",
        "signals: landlock, seccomp",
        "memory: rlimit",
    )


def test_a_fork_is_alone_with_its_pipes_and_its_folder(run, server, tmp_path):
    process = run("draws")._talk.child.process.pid
    assert process != server._process.pid
    # two pipes, the memory of many rows, and the common three
    assert len(list(Path(f"/proc/{process}/fd").iterdir())) == 6
    assert Path(f"/proc/{process}/cwd").readlink() == tmp_path / "scratch0"
    assert os.getpgid(process) == process
    status = Path(f"/proc/{process}/status").read_text()
    assert "\nThreads:\t1\n" in status


def test_two_forks_draw_different_numbers(run):
    assert says(run("draws")) != says(run("draws"))


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("segfaults", "was killed by SIGSEGV while predicting"),
        ("exits", "ended with exit code 3 while predicting"),
        ("spins", "gave no answer for 1 s while predicting"),
        ("closes_descriptors", "closed its line|ended with exit code"),
        ("eats_memory", "raised MemoryError while predicting"),
        ("opens_files", r"raised OSError while predicting: \[Errno 24\]"),
    ],
)
def test_misdeeds_end_in_the_same_sentences(run, does, said):
    limits = {"call_seconds": 1, "memory_mb": 900, "open_files": 64} if "1 s" in said else {}
    runner = run(does, limits or {"memory_mb": 900, "open_files": 64})
    process = runner._talk.child.process.pid
    with pytest.raises(ModelMisbehaved, match=said):
        runner.predict(TABLE)
    if not runner.is_alive:
        wait_until_over(process)


def test_forks_of_a_fork_are_counted_and_ended(run):
    runner = run("forks", {"processes": 3}, times=6)
    with pytest.raises(ModelMisbehaved, match=r"ran [4-7] processes, over the limit of 3"):
        runner.predict(TABLE)


def test_the_modules_are_there_before_the_model(run):
    assert says(run("has_module", name="colorsys")) == 1
    assert says(run("has_module", name="chunk")) == 0


def test_a_server_that_is_gone_is_replaced_by_a_new_python(run):
    server = ForkServer.begin(())
    fork = run("draws", by=server)
    process = fork._talk.child.process.pid
    server._process.kill()
    server._process.wait()
    wait_until_over(process)
    with pytest.raises(ModelMisbehaved, match="was killed by SIGKILL while predicting"):
        fork.predict(TABLE)
    assert says(run("draws", by=server)) >= 0
    server.close()


def test_closing_leaves_no_process_behind(run):
    server = ForkServer.begin(())
    fork = run("draws", by=server)
    processes = (server._process.pid, fork._talk.child.process.pid)
    server.close()
    server.close()
    assert all(not Path(f"/proc/{one}").exists() for one in processes)


def test_server_and_forks_end_with_a_gate_that_is_killed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from gatekit.runner.forkserver import ForkServer\n"
        "from gatekit.runner.limits import Limits; from gatekit.runner.process import Runner\n"
        "server = ForkServer.begin(())\n"
        "runner = Runner(Limits(), Path(sys.argv[1]), server=server); runner.start()\n"
        "runner._talk.greet()\n"
        "print(server._process.pid, runner._talk.child.process.pid, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "scratch")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as gate:
        processes = [int(word) for word in gate.stdout.readline().split()]
        assert not any(map(is_over, processes))
        gate.send_signal(signal.SIGKILL)
    wait_until_over(*processes)
