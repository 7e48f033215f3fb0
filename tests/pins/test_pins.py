"""Exactly the pinned bytes are read, and others refused, without DVC."""

import sys

import pytest

from gatekit.data import open_holdout, open_sample
from gatekit.errors import DataError
from gatekit.pins.pinned import folder_md5, is_here
from gatekit.policy import DataSpec, SampleSpec


def spec(rev="", path="data/holdout.parquet"):
    return DataSpec(path=path, target="label", rev=rev)


def opened(pinned, rev="", **more):
    return open_holdout(spec(rev, **more), pinned.root)


@pytest.fixture
def no_dvc(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "dvc"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "dvc", None)


def test_data_that_nothing_pins_is_read_as_it_is(pinned):
    pinned.write(10)
    holdout = opened(pinned)
    assert holdout.pin is None
    assert holdout.path == pinned.path


def test_the_pinned_file_is_read_where_it_lies(pinned, no_dvc):
    md5 = pinned.pin(pinned.write(10))
    commit = pinned.commit("v1")
    holdout = opened(pinned)
    assert holdout.path == pinned.path
    assert (holdout.pin.md5, holdout.pin.commit) == (md5, commit)


def test_a_pin_that_is_not_committed_names_no_commit(pinned):
    pinned.pin(pinned.write(10))
    pinned.commit("v1")
    pinned.pin(pinned.write(12))
    holdout = opened(pinned)
    assert holdout.rows == 12
    assert holdout.pin.commit == ""


def test_other_bytes_than_the_pinned_are_refused(pinned):
    md5 = pinned.pin(pinned.write(10))
    pinned.write(11)
    with pytest.raises(DataError, match=f"holdout.parquet.dvc pins {md5[:12]}.*dvc checkout"):
        opened(pinned)


def test_a_byte_that_changed_is_refused(pinned):
    raw = pinned.write(10)
    pinned.pin(raw)
    pinned.path.write_bytes(raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:])
    with pytest.raises(DataError, match="pins"):
        opened(pinned)


def test_a_revision_is_read_as_it_was_and_the_work_tree_stays(pinned, no_dvc):
    first = pinned.pin(pinned.write(10))
    commit = pinned.commit("v1")
    later = pinned.write(20)
    pinned.pin(later)
    pinned.commit("v2")
    holdout = opened(pinned, "v1")
    assert holdout.rows == 10
    assert (holdout.pin.md5, holdout.pin.commit) == (first, commit)
    assert holdout.path.name == "holdout.parquet"
    assert pinned.path.read_bytes() == later
    assert opened(pinned, commit[:10]).rows == 10
    assert opened(pinned, "v2").path == pinned.path
    assert pinned.git("status", "--short", "--", ".gatekit") == ""


def test_a_missing_file_is_taken_from_the_cache(pinned, no_dvc):
    pinned.pin(pinned.write(10))
    pinned.path.unlink()
    assert opened(pinned).rows == 10
    pinned.lose_cache()
    assert opened(pinned).rows == 10  # kept, by its md5


def test_a_cache_in_another_place_is_asked(pinned, no_dvc):
    pinned.pin(pinned.write(10))
    pinned.path.unlink()
    (pinned.root / ".dvc" / "cache").rename(pinned.root / "elsewhere")
    (pinned.root / ".dvc" / "config").write_text(
        "[core]\n    remote = r\n[cache]\n    dir = ../elsewhere\n"
    )
    assert opened(pinned).rows == 10


def test_a_spoiled_cache_is_refused(pinned, no_dvc):
    name = pinned.pin(pinned.write(10))
    pinned.path.unlink()
    pinned.cache(name, b"other bytes")
    with pytest.raises(DataError, match="holds other bytes"):
        opened(pinned)
    assert not list((pinned.root / ".gatekit").rglob("holdout*"))


def test_what_is_nowhere_is_said_plainly_without_dvc(pinned, no_dvc):
    pinned.pin(pinned.write(10))
    pinned.path.unlink()
    pinned.lose_cache()
    with pytest.raises(DataError, match=r"DVC is not installed.*pytest-gatekit.dvc."):
        opened(pinned)
    assert is_here(pinned.path, "", pinned.root) is None


@pytest.mark.parametrize(
    ("rev", "words"),
    [
        ("v9", "which git does not know.*last commit alone"),
        ("v0", "no .dvc file pins holdout.parquet"),
    ],
)
def test_a_revision_that_pins_nothing_is_said_plainly(pinned, rev, words):
    (pinned.root / "other.dvc").write_text("outs: []\n")
    pinned.commit("v0")
    pinned.pin(pinned.write(10))
    with pytest.raises(DataError, match=words):
        opened(pinned, rev)


def test_a_revision_outside_git_is_said_plainly(tmp_path):
    with pytest.raises(DataError, match="in no git repository"):
        open_holdout(spec("v1", "holdout.parquet"), tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("outs: 3\n", "is no .dvc file of"),
        ("a: [", "is no .dvc file of"),
        ("outs:\n- path: other.parquet\n  md5: a\n", "is no .dvc file of"),
        ("outs:\n- path: holdout.parquet\n  md5: 1a71c957fff431d9be3e599ba5fb0e09\n", "DVC 3"),
        ("outs:\n- path: holdout.parquet\n  hash: md5\n  md5: ../../../etc/passwd\n", "no md5"),
        (
            "outs:\n- path: holdout.parquet\n  hash: md5\n  md5: 1a71c957fff431d9be3e599ba5fb0e09.dir\n",
            "a folder",
        ),
    ],
)
def test_a_dvc_file_that_cannot_be_used_is_said_plainly(pinned, text, words):
    pinned.write(3)
    (pinned.root / "data" / "holdout.parquet.dvc").write_text(text)
    with pytest.raises(DataError, match=words):
        opened(pinned)


def test_a_file_in_a_pinned_folder(pinned, no_dvc):
    pinned.write(10)
    pinned.write(5, pinned.root / "data" / "parts" / "more.parquet")
    named = pinned.pin_folder(pinned.root / "data")
    pinned.commit("v1")
    assert folder_md5(pinned.root / "data")[0] == named
    holdout = opened(pinned)
    assert holdout.pin.inside == "holdout.parquet"
    assert holdout.pin.md5 == folder_md5(pinned.root / "data")[1]["holdout.parquet"]
    assert opened(pinned, path="data/parts/more.parquet").rows == 5
    pinned.write(11)
    with pytest.raises(DataError, match=r"data\.dvc pins"):
        opened(pinned)
    pinned.pin_folder(pinned.root / "data")
    assert opened(pinned).rows == 11
    assert opened(pinned, "v1").rows == 10
    with pytest.raises(DataError, match="pins a folder without none"):
        open_holdout(spec(path="data/none.parquet"), pinned.root)


def test_a_sample_is_pinned_as_a_holdout_is(pinned, no_dvc):
    pinned.pin(pinned.write(10))
    pinned.commit("v1")
    pinned.pin(pinned.write(20))
    sample = open_sample(
        SampleSpec(path="data/holdout.parquet", rev="v1"), "reference", "", pinned.root
    )
    assert (sample.rows, sample.pin.commit) == (10, pinned.git("rev-parse", "v1"))
    (pinned.root / "data" / "holdout.parquet.dvc").unlink()
    pinned.pin_folder(pinned.root / "data")
    folder = SampleSpec(path="data")
    assert open_sample(folder, "current", "", pinned.root).rows == 20
    pinned.write(21)
    with pytest.raises(DataError, match=r"data\.dvc pins"):
        open_sample(folder, "current", "", pinned.root)
    with pytest.raises(DataError, match="a revision is read of a file alone"):
        open_sample(SampleSpec(path="data", rev="v1"), "current", "", pinned.root)


def test_a_folder_that_changed_is_refused_where_nothing_else_tells(pinned, no_dvc):
    pinned.write(10)
    pinned.pin_folder(pinned.root / "data")
    pinned.lose_cache()
    assert opened(pinned).rows == 10
    pinned.write(11)
    with pytest.raises(DataError, match="DVC is not installed"):
        opened(pinned)
