"""The digest of a model: every file with its name, size and content, in one canonical text.

    gatekit-model-v1
    <sha256 of the bytes> <size in bytes> <path, posix, relative>      one line per file

The lines are sorted by the UTF-8 bytes of the path, each ends with a newline, and the digest is
the sha256 of that text. `registered_model_meta`, which MLflow's client writes beside what it
downloads, is left out. Symbolic links are refused: their bytes are elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gatekit.errors import CandidateError

HEADER = "gatekit-model-v1\n"
NOT_THE_MODELS = "registered_model_meta"


@dataclass(frozen=True, slots=True, order=True)
class FileDigest:
    """One file of a model."""

    path: str
    size: int
    sha256: str


def model_files(folder: Path) -> tuple[FileDigest, ...]:
    """Every file below `folder`, hashed.

    Raises:
        CandidateError: a symbolic link, an unprintable name, or no file at all.
    """
    found = [_file(folder, path) for path in _walk(folder)]
    if not found:
        raise CandidateError(f"{folder.name}: a model without files")
    return tuple(sorted(found, key=lambda file: file.path.encode()))


def model_digest(files: tuple[FileDigest, ...]) -> str:
    """sha256 of the canonical text of `files`, in hexadecimal."""
    return hashlib.sha256((HEADER + canonical_text(files)).encode()).hexdigest()


def canonical_text(files: Iterable[FileDigest]) -> str:
    """One line per file, sorted by the bytes of its path."""
    ordered = sorted(files, key=lambda file: file.path.encode())
    return "".join(f"{file.sha256} {file.size} {file.path}\n" for file in ordered)


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, streamed."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _walk(folder: Path) -> list[Path]:
    paths = []
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent, name)
            if path.is_symlink():
                raise CandidateError(
                    f"{path.relative_to(folder)} is a symbolic link",
                    "Its bytes are outside the model; register the file itself",
                )
        paths += [Path(parent, name) for name in names]
    return [path for path in paths if path != folder / NOT_THE_MODELS]


def _file(folder: Path, path: Path) -> FileDigest:
    name = path.relative_to(folder).as_posix()
    if not name.isprintable():
        raise CandidateError(f"{name!r}: a file name with unprintable characters")
    return FileDigest(name, path.stat().st_size, file_sha256(path))
