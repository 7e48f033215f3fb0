"""Real DVC: its files are read as it writes them, and its remotes asked, a local one and S3."""

import os
import shutil
import subprocess
import sys

import pytest

from gatekit.data import open_holdout
from gatekit.errors import DataError
from gatekit.pins.pinned import folder_md5
from gatekit.policy import DataSpec

pytestmark = pytest.mark.slow

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


def test_an_s3_remote_is_asked_for_what_is_not_here(tracked, s3):
    (tracked.root / ".dvc" / "config").write_text(S3.format(url=s3))
    dvc(tracked, "push", "--quiet")
    lose(tracked)
    held = opened(tracked)
    assert (held.rows, held.pin.commit) == (20, tracked.git("rev-parse", "v2"))
    with pytest.raises(DataError, match=r"the DVC remote 's3' does not have it"):
        opened(tracked, "v1")
