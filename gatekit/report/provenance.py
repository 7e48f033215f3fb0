"""Where a run came from: commit, installed packages, lock file, the suites that asked.

None of it can stop a run: what cannot be found is an empty string.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

from gatekit.digest import file_sha256

_COMMIT_KEYS = ("CI_COMMIT_SHA", "GITHUB_SHA")
_GIT_TIMEOUT_S = 5
_LARGEST_SUITE = 200_000  # bytes of a team's own suite that are kept as text


def commit(root: Path, environment: Mapping[str, str] | None = None) -> str:
    """The commit that a CI names, else git's for `root`."""
    known = os.environ if environment is None else environment
    for key in _COMMIT_KEYS:
        if known.get(key):
            return known[key]
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        done = subprocess.run(
            [git, "rev-parse", "--verify", "HEAD"],
            cwd=root,
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else ""


def environment_sha256() -> str:
    """sha256 over one line `name==version` for each installed distribution, sorted."""
    lines = {line for found in distributions() if (line := _line_of(found))}
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def path_in_repository(file: Path, root: Path) -> str:
    """A file's path as a CI names it: from git's root around it, else from the project's `root`."""
    file = file.resolve()
    home = next((folder for folder in file.parents if (folder / ".git").exists()), root.resolve())
    return file.relative_to(home).as_posix() if file.is_relative_to(home) else file.name


def _line_of(found: Distribution) -> str:
    """`name==version`; the head of the metadata alone is read, which takes a tenth of the time."""
    text = found.read_text("METADATA") or found.read_text("PKG-INFO") or ""
    head = text.partition("\n\n")[0]
    name, version = (
        re.search(rf"^{key}:[ \t]*(.*?)\s*$", head, re.MULTILINE) for key in ("Name", "Version")
    )
    return f"{name[1]}=={version[1]}\n" if name and version and name[1] else ""


def sha256_if_there(path: Path) -> str:
    """sha256 of a file; empty if it cannot be read."""
    try:
        return file_sha256(path)
    except OSError:
        return ""


def suites(tests: Iterable[str], folder: Path, root: Path) -> list[dict[str, str]]:
    """The files of the tests with these pytest ids, whose paths are relative to `folder`.

    Each has a name relative to the project at `root`, the sha256, and the text if it is a team's
    own; a built-in suite is named `gatekit_suites/FILE`.
    """
    files = dict.fromkeys((folder / test.partition("::")[0]).resolve() for test in tests)
    return [_suite(file, root) for file in files]


def _suite(file: Path, root: Path) -> dict[str, str]:
    sha256 = sha256_if_there(file)
    spec = find_spec("gatekit_suites")
    homes = () if spec is None else tuple(spec.submodule_search_locations or ())
    if any(file.parent == Path(home).resolve() for home in homes):
        return {"name": f"gatekit_suites/{file.name}", "sha256": sha256}
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    return {"name": name, "sha256": sha256, "text": _text(file)}


def _text(file: Path) -> str:
    try:
        return file.read_bytes()[:_LARGEST_SUITE].decode("utf-8", "backslashreplace")
    except OSError:
        return ""
