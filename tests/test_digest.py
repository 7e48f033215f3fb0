"""The digest of a model, against texts written out by hand."""

from __future__ import annotations

import hashlib
import os

import pytest

from gatekit.digest import FileDigest, file_sha256, model_digest, model_files
from gatekit.errors import CandidateError

# sha256 of no bytes and of "abc" (both from FIPS 180-2's examples)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def folder(tmp_path):
    model = tmp_path / "model"
    (model / "data").mkdir(parents=True)
    (model / "MLmodel").write_bytes(b"abc")
    (model / "data" / "weights").write_bytes(b"")
    return model


def digest_of(folder):
    return model_digest(model_files(folder))


def test_the_canonical_text(folder):
    text = f"gatekit-model-v1\n{ABC} 3 MLmodel\n{EMPTY} 0 data/weights\n"
    assert model_files(folder) == (
        FileDigest("MLmodel", 3, ABC),
        FileDigest("data/weights", 0, EMPTY),
    )
    assert digest_of(folder) == hashlib.sha256(text.encode()).hexdigest()


def test_lines_are_sorted_by_the_bytes_of_the_path(folder):
    for name in ("a-b", "a", "B", "\u00e9", "z", "\U0001f600", "\ufb01"):
        (folder / name).write_bytes(b"")
    (folder / "a").unlink()
    (folder / "a").mkdir()
    (folder / "a" / "c").write_bytes(b"abc")
    names = ["B", "MLmodel", "a-b", "a/c", "data/weights", "z", "\u00e9", "\ufb01", "\U0001f600"]
    contents = {"MLmodel": f"{ABC} 3", "a/c": f"{ABC} 3"}
    lines = "".join(f"{contents.get(name, EMPTY + ' 0')} {name}\n" for name in names)
    expected = hashlib.sha256(("gatekit-model-v1\n" + lines).encode()).hexdigest()
    assert [file.path for file in model_files(folder)] == names
    assert digest_of(folder) == expected
    assert model_digest(tuple(reversed(model_files(folder)))) == expected


def test_where_the_folder_is_does_not_matter(folder, tmp_path):
    before = digest_of(folder)
    folder.rename(tmp_path / "elsewhere")
    assert digest_of(tmp_path / "elsewhere") == before


def test_a_rename_changes_the_digest(folder):
    before = digest_of(folder)
    (folder / "data" / "weights").rename(folder / "data" / "Weights")
    assert digest_of(folder) != before


def test_a_byte_more_or_other_changes_the_digest(folder):
    before = digest_of(folder)
    (folder / "MLmodel").write_bytes(b"abd")
    other = digest_of(folder)
    (folder / "MLmodel").write_bytes(b"abc\n")
    assert len({before, other, digest_of(folder)}) == 3


def test_two_files_that_swap_contents_change_the_digest(folder):
    before = digest_of(folder)
    (folder / "MLmodel").write_bytes(b"")
    (folder / "data" / "weights").write_bytes(b"abc")
    assert digest_of(folder) != before


def test_a_new_file_changes_the_digest(folder):
    before = digest_of(folder)
    (folder / "code.py").write_bytes(b"")
    assert digest_of(folder) != before


def test_what_mlflow_writes_beside_a_download_is_left_out_at_the_root_only(folder):
    before = digest_of(folder)
    (folder / "registered_model_meta").write_text("model_name: churn\n")
    assert digest_of(folder) == before
    (folder / "data" / "registered_model_meta").write_text("model_name: churn\n")
    assert digest_of(folder) != before


@pytest.mark.parametrize("target", ["MLmodel", "data", "/etc/hostname", "nowhere"])
@pytest.mark.parametrize("name", ["link", "data/link", "registered_model_meta"])
def test_a_symbolic_link_is_refused(folder, target, name):
    (folder / name).symlink_to(target)
    with pytest.raises(CandidateError, match=f"{name} is a symbolic link"):
        model_files(folder)


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "a\u202eb", "a\x7fb"])
def test_a_name_that_could_forge_a_line_is_refused(folder, name):
    (folder / name).write_bytes(b"")
    with pytest.raises(CandidateError, match="unprintable"):
        model_files(folder)


def test_a_name_that_is_no_text_is_refused(folder):
    with open(os.fsencode(folder) + b"/\xff", "wb"):  # noqa: PTH123 - Path takes no bytes
        pass
    with pytest.raises(CandidateError, match="unprintable"):
        model_files(folder)


def test_a_folder_without_files_is_refused(tmp_path):
    (tmp_path / "empty" / "below").mkdir(parents=True)
    with pytest.raises(CandidateError, match="without files"):
        model_files(tmp_path / "empty")
    (tmp_path / "empty" / "registered_model_meta").write_text("alone")
    with pytest.raises(CandidateError, match="without files"):
        model_files(tmp_path / "empty")


def test_a_large_file_is_hashed_whole(tmp_path):
    content = bytes(range(256)) * 20_000
    (tmp_path / "large").write_bytes(content)
    assert file_sha256(tmp_path / "large") == hashlib.sha256(content).hexdigest()
