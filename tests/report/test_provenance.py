"""Where a run came from; nothing of it can stop a run."""

import hashlib
import re
import subprocess
from importlib.metadata import distributions
from pathlib import Path

from gatekit.report.provenance import commit, environment_sha256, sha256_if_there, suites


def test_the_ci_names_the_commit_else_git_does(tmp_path, monkeypatch):
    assert commit(tmp_path, {"CI_COMMIT_SHA": "abc", "GITHUB_SHA": "def"}) == "abc"
    assert commit(tmp_path, {"GITHUB_SHA": "def"}) == "def"
    assert commit(tmp_path, {}) == ""
    assert commit(tmp_path / "gone", {}) == ""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert commit(tmp_path, {}) == ""
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(
        ["git", *who, "commit", "-q", "--allow-empty", "-m", "x"], cwd=tmp_path, check=True
    )
    assert re.fullmatch("[0-9a-f]{40}", commit(tmp_path, {}))
    monkeypatch.setenv("PATH", "")
    assert commit(tmp_path, {}) == ""


def test_the_environment_has_one_digest():
    assert re.fullmatch("[0-9a-f]{64}", environment_sha256())
    lines = {f"{found.name}=={found.version}\n" for found in distributions() if found.name}
    whole = hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()
    assert environment_sha256() == whole


def test_a_teams_suite_is_kept_and_a_built_in_one_named(tmp_path):
    import gatekit_suites

    own = tmp_path / "gates" / "test_own.py"
    own.parent.mkdir()
    own.write_text("x = 1\n")
    built_in = Path(gatekit_suites.__file__).with_name("test_accuracy.py")
    ids = ["gates/test_own.py::test_a", "gates/test_own.py::test_b[1::2]", f"{built_in}::test_c"]
    first, second = suites(ids, tmp_path, tmp_path)
    digest = hashlib.sha256(b"x = 1\n").hexdigest()
    assert first == {"name": "gates/test_own.py", "sha256": digest, "text": "x = 1\n"}
    assert second["name"] == "gatekit_suites/test_accuracy.py"
    assert "text" not in second
    (gone,) = suites(["gone.py::test_a"], tmp_path, tmp_path)
    assert gone == {"name": "gone.py", "sha256": "", "text": ""}
    assert sha256_if_there(tmp_path) == ""
