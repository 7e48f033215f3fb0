"""Who wins: the environment over pyproject.toml over the embedded registry; --gates over the rest."""

import pytest

from gatekit.errors import PolicyError, UsageProblem
from gatekit.project import find_project, person


def write(folder, text="[tool.gatekit]\n"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_the_registry_by_precedence(tmp_path):
    bare = find_project(write(tmp_path / "bare"))
    named = find_project(write(tmp_path / "named", '[tool.gatekit]\nregistry = "folder:r"\n'))
    environment = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
    assert bare.registry_uri({}) == f"sqlite:///{tmp_path / 'bare' / '.gatekit' / 'mlflow.db'}"
    assert named.registry_uri({}) == "folder:r"
    assert named.registry_uri({"MLFLOW_TRACKING_URI": ""}) == "folder:r"
    assert bare.registry_uri(environment) == named.registry_uri(environment)
    assert named.registry_uri(environment) == "http://127.0.0.1:5000"
    assert not (tmp_path / "bare" / ".gatekit").exists()


def test_the_process_environment_is_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5001")
    assert find_project(tmp_path).registry_uri() == "http://127.0.0.1:5001"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert find_project(tmp_path).registry_uri().startswith("sqlite:///")


def test_the_policy_by_precedence(tmp_path):
    root = write(tmp_path / "p", '[tool.gatekit]\ngates = "ops/gates.toml"\n')
    (root / "gates.toml").touch()
    project = find_project(root)
    assert project.policy_path() == root / "ops" / "gates.toml"
    assert str(project.policy_path("mine.toml")) == "mine.toml"
    write(root)
    assert find_project(root).policy_path() == root / "gates.toml"
    (root / "gates.toml").unlink()
    with pytest.raises(PolicyError, match="no policy"):
        find_project(root).policy_path()


def test_the_root_is_the_nearest_that_says_so(tmp_path):
    root = write(tmp_path / "root")
    inner = root / "a" / "b"
    inner.mkdir(parents=True)
    assert find_project(inner).root == root
    write(root / "a", "[tool.other]\nx = 1\n")  # a pyproject.toml without a word on gatekit
    assert find_project(inner).root == root
    (root / "a" / "gates.toml").touch()
    assert find_project(inner).root == root  # a table wins over a mere gates.toml
    write(root / "a")
    assert find_project(inner).root == root / "a"


def test_without_a_table_the_nearest_policy_marks_the_root(tmp_path):
    inner = tmp_path / "team" / "suites"
    inner.mkdir(parents=True)
    assert find_project(inner).root == inner
    (tmp_path / "team" / "gates.toml").touch()
    project = find_project(inner)
    assert (project.root, project.gates) == (tmp_path / "team", tmp_path / "team" / "gates.toml")


def test_here_is_where_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(write(tmp_path / "here"))
    assert find_project().root == tmp_path / "here"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.gatekit]\nregistri = 'x'\n", r"registri = 'x' is not understood"),
        ("[tool.gatekit]\ngates = 1\n", r"gates = 1 is not understood"),
        ("[tool.gatekit\n", "not readable as TOML"),
    ],
)
def test_a_setting_that_is_not_understood_is_an_error(tmp_path, text, words):
    with pytest.raises(UsageProblem, match=words):
        find_project(write(tmp_path / "p", text))


def test_a_ci_says_who_is_asking(monkeypatch):
    for name in ("GITLAB_USER_LOGIN", "GITHUB_ACTOR", "LOGNAME", "USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGNAME", "ada")
    assert person() == "ada"
    monkeypatch.setenv("GITHUB_ACTOR", "grace")
    assert person() == "grace"
    monkeypatch.setenv("GITLAB_USER_LOGIN", "mary")
    assert person() == "mary"


def test_a_user_without_a_name_is_a_number(monkeypatch):
    def nobody():
        raise OSError("no such user")

    for name in ("GITLAB_USER_LOGIN", "GITHUB_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("getpass.getuser", nobody)
    assert person().startswith("uid ")
