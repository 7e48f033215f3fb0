"""A model's own words about what it needs, read as a stranger's."""

import pytest

from gatekit.environments.declared import read_declaration
from gatekit.errors import ModelMisbehaved

CONDA = """
name: mlflow-env
channels: [conda-forge]
dependencies:
- python=3.10.4
- pip<=24
- pip:
  - Scikit_Learn==1.5.2
  - numpy
"""


def test_requirements_are_normalised_so_that_equal_lists_are_one_environment(tmp_path):
    (tmp_path / "requirements.txt").write_text(
        "# by hand\nScikit_Learn == 1.5.2  # pinned\n\nnumpy<3,>=1.26\nnumpy>=1.26,<3\n"
    )
    found = read_declaration(tmp_path)
    assert found.requirements == ("numpy<3,>=1.26", "scikit-learn==1.5.2")
    assert found.source == "requirements.txt"


def test_a_marker_decides_what_is_asked_for_here(tmp_path):
    (tmp_path / "requirements.txt").write_text(
        'old ; python_version < "3.8"\nnew ; python_version >= "3.8"\n'
    )
    assert [each.name for each in read_declaration(tmp_path).parsed] == ["new"]


def test_without_a_list_conda_says_it(tmp_path):
    (tmp_path / "conda.yaml").write_text(CONDA)
    found = read_declaration(tmp_path)
    assert found.requirements == ("numpy", "scikit-learn==1.5.2")
    assert (found.python, found.source) == ("3.10.4", "conda.yaml")


def test_a_list_goes_before_conda_and_an_empty_list_is_a_list(tmp_path):
    (tmp_path / "conda.yaml").write_text(CONDA)
    (tmp_path / "requirements.txt").write_text("")
    assert read_declaration(tmp_path).requirements == ()


@pytest.mark.parametrize(("said", "read"), [("3.10", "3.10"), ("3.11.7", "3.11.7"), ("new", "")])
def test_the_python_is_a_version_and_no_number(tmp_path, said, read):
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (tmp_path / "python_env.yaml").write_text(
        f"python: {said}\ndependencies:\n- -r requirements.txt\n"
    )
    assert read_declaration(tmp_path).python == read


@pytest.mark.parametrize(
    "line",
    [
        "numpy @ https://elsewhere.example/numpy.whl",
        "git+https://elsewhere.example/numpy",
        "--index-url https://elsewhere.example",
        "--extra-index-url=https://elsewhere.example",
        "-r other.txt",
        "-e .",
        "./numpy.whl",
        "/numpy",
    ],
)
@pytest.mark.parametrize("trusted", [False, True])
def test_nothing_but_a_package_by_name_and_version_reaches_a_resolver(tmp_path, line, trusted):
    (tmp_path / "requirements.txt").write_text(f"numpy\n{line}\n")
    with pytest.raises(ModelMisbehaved, match="not a package by name and version"):
        read_declaration(tmp_path, (f"requirement:{line}",) if trusted else ())


def test_a_model_that_declares_nothing_at_all_is_told_so(tmp_path):
    with pytest.raises(ModelMisbehaved, match="declares no environment"):
        read_declaration(tmp_path)
