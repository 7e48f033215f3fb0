"""What a `.dvc` file says of a data file, in the work tree or at a revision of git."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekit.errors import DataError

_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_GIT_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Pin:
    """`file` pins `md5`; where that is of a folder (`....dir`), `inside` is the path in it.

    `commit` holds the `.dvc` file as it was read; it is empty where no commit does.
    """

    file: Path
    md5: str
    inside: str = ""
    commit: str = ""

    @property
    def is_of_folder(self) -> bool:
        """Whether a whole folder is pinned."""
        return self.md5.endswith(".dir")


def find_pin(path: Path, rev: str = "") -> Pin | None:
    """The pin of the file at `path`: by `NAME.dvc` beside it, or beside a folder around it.

    Raises:
        DataError: `rev` is no revision or pins nothing here, or a `.dvc` file cannot be used.
    """
    if not rev:
        for file, inside in _possible(path):
            if file.is_file():
                text = file.read_bytes()
                return Pin(file, _md5_in(text, file, inside), inside, _commit_of(file, text))
        return None
    root = _git_root(path, rev)
    commit = _ask_git(root, "rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
    if not commit:
        raise DataError(
            f"data.holdout.rev is {rev!r}, which git does not know here",
            "Fetch it (a CI often clones the last commit alone), or name another",
        )
    for file, inside in _possible(path):
        if not file.is_relative_to(root):
            break
        kept = _show(root, commit.decode(), file)
        if kept is not None:
            return Pin(file, _md5_in(kept, file, inside), inside, commit.decode())
    raise DataError(
        f"at {rev!r} no .dvc file pins {path.name}",
        f"Track it with `dvc add {path.name}`, or take data.holdout.rev out of the policy",
    )


def pinned_folder_md5(folder: Path) -> str:
    """The md5 that `FOLDER.dvc` pins, empty where there is no such file.

    Raises:
        DataError: it is there, and pins no folder.
    """
    file = folder.with_name(folder.name + ".dvc")
    return _md5_in(file.read_bytes(), file, ".") if file.is_file() else ""


def _possible(path: Path) -> Iterator[tuple[Path, str]]:
    """Files that may pin `path`, nearest first, and where it lies in what they pin."""
    yield path.with_name(path.name + ".dvc"), ""
    for folder in path.parents:
        if folder.name:
            inside = path.relative_to(folder).as_posix()
            yield folder.with_name(folder.name + ".dvc"), inside


def _md5_in(raw: bytes, file: Path, inside: str) -> str:
    import yaml

    wanted = file.name.removesuffix(".dvc")
    try:
        outs = yaml.safe_load(raw)["outs"]
        out: dict[str, Any] = next(each for each in outs if Path(each["path"]).name == wanted)
    except (yaml.YAMLError, KeyError, TypeError, StopIteration, ValueError):
        raise DataError(
            f"{file.name} is no .dvc file of {wanted}", f"Make it anew: `dvc add {wanted}`"
        ) from None
    md5 = str(out.get("md5", ""))
    if out.get("hash") != "md5" or not _MD5.fullmatch(md5):
        raise DataError(
            f"{file.name} pins no md5 that gatekit can check",
            f"Track it with DVC 3 or newer: `dvc add {wanted}`",
        )
    if md5.endswith(".dir") != bool(inside):
        raise DataError(f"{file.name} pins a {'folder' if not inside else 'file'}, not {wanted}")
    return md5


def _commit_of(file: Path, text: bytes) -> str:
    """The commit that is checked out, if it holds this very `.dvc` file."""
    try:
        root = _git_root(file, "HEAD")
    except DataError:
        return ""
    commit = _ask_git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    return commit.decode() if commit and _show(root, commit.decode(), file) == text else ""


def _git_root(path: Path, rev: str) -> Path:
    folder = next(folder for folder in path.parents if folder.is_dir())
    root = _ask_git(folder, "rev-parse", "--show-toplevel")
    if not root:
        raise DataError(
            f"data.holdout.rev is {rev!r}, and {folder.name} is in no git repository",
            "Clone the repository with git, or take data.holdout.rev out of the policy",
        )
    return Path(root.decode())


def _show(root: Path, commit: str, file: Path) -> bytes | None:
    return _ask_git(
        root, "show", f"{commit}:{file.resolve().relative_to(root).as_posix()}", raw=True
    )


def _ask_git(folder: Path, *words: str, raw: bool = False) -> bytes | None:
    """What git prints; None if it refuses or is not there."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(
            [git, *words], cwd=folder, capture_output=True, timeout=_GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode:
        return None
    return done.stdout if raw else done.stdout.strip()
