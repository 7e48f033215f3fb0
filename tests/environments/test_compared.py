"""Lists of packages against each other."""

from pathlib import Path

import pytest

from gatekit.environments import compared
from gatekit.environments.declared import Declaration
from gatekit.errors import DataError

ASKED = Declaration(("numpy<2", "scikit-learn==1.5.2", "skops"), "3.11.2", "requirements.txt")
HERE = {"numpy": "2.4.6", "scikit-learn": "1.5.2", "flask": "3.0"}


def test_what_is_not_there_is_missing_and_what_is_another_version_has_drifted():
    assert [str(d) for d in compared.missing(ASKED, HERE)] == [
        "skops: declared any version, here not installed"
    ]
    assert [str(d) for d in compared.drifted(ASKED, HERE)] == ["numpy: declared <2, here 2.4.6"]


@pytest.mark.parametrize(("here", "count"), [("3.11.9", 0), ("3.12.2", 1)])
def test_a_patch_release_of_python_is_no_drift(here, count):
    assert len(compared.drifted_python(ASKED, here)) == count


def test_a_local_version_satisfies_its_public_one():
    asked = Declaration(("torch==2.1.0",), "", "requirements.txt")
    assert compared.drifted(asked, {"torch": "2.1.0+cpu"}) == []


def test_the_lock_is_compared_where_both_have_a_package_or_the_model_declares_it():
    lock = {"numpy": ("1.26.4",), "scikit-learn": ("1.5.2",), "uvicorn": ("0.30",)}
    built = {"numpy": "1.26.3", "scikit-learn": "1.5.2", "skops": "0.1", "prettytable": "3"}
    assert [str(d) for d in compared.drifted_from_lock(ASKED, built, lock)] == [
        "numpy: locked 1.26.4, here 1.26.3",
        "skops: locked nothing, here 0.1",
    ]


LOCKS = {
    "uv.lock": '[[package]]\nname = "numpy"\nversion = "1.26.4"\n[[package]]\nname = "mine"\n',
    "pylock.toml": '[[packages]]\nname = "NumPy"\nversion = "1.26.4"\n',
    "requirements.txt": "# made\nnumpy==1.26.4 \\\n    --hash=sha256:00\n    # via x==3\n",
}


@pytest.mark.parametrize("name", LOCKS)
def test_locks_of_several_kinds_are_read(tmp_path, name):
    (tmp_path / name).write_text(LOCKS[name])
    assert dict(compared.read_lock(tmp_path / name)) == {"numpy": ("1.26.4",)}


@pytest.mark.parametrize("text", ["", "numpy>=1\n", "[tool]\nname = 1\n", None])
def test_a_lock_that_names_nothing_is_an_error(tmp_path, text):
    path = Path(tmp_path / "some.lock")
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=r"some\.lock"):
        compared.read_lock(path)
