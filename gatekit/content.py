"""What a model is, whatever was written anew when it was registered: its content digest.

The text of `gatekit.digest`, over the same files, but for two of them. Of `MLmodel` what MLflow
makes up at each logging is left out. Of a skops file (an archive with a schema.json) the names
that skops takes from addresses in memory are numbered as they come up, and the times of the
archive are left out. Two models with one content digest answer alike. Proof stays bound to
the exact digest; this one only recognises.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gatekit.digest import FileDigest, canonical_text

HEADER = "gatekit-content-v1\n"
DESCRIPTION = "MLmodel"
WRITTEN_ANEW = (
    "artifact_path",
    "model_id",
    "model_size_bytes",
    "model_uuid",
    "run_id",
    "utc_time_created",
)
SCHEMA = "schema.json"
MOST_BYTES = 1 << 30  # of an archive that is looked into
_ID = "__id__"


def content_digest(folder: Path, files: Iterable[FileDigest]) -> str:
    """sha256 of the text over `files` as they lie in `folder`, in hexadecimal.

    A file that cannot be looked into counts by its bytes.
    """
    known = [_known(folder, file) for file in files]
    return hashlib.sha256((HEADER + canonical_text(known)).encode()).hexdigest()


def _known(folder: Path, file: FileDigest) -> FileDigest:
    path = folder / file.path
    if file.path == DESCRIPTION:
        text = _description(path)
    elif path.suffix == ".skops":
        text = _skops(path)
    else:
        text = None
    if text is None:
        return file
    return FileDigest(file.path, 0, hashlib.sha256(text.encode()).hexdigest())


def _description(path: Path) -> str | None:
    """The lines of an MLmodel but for those of the keys that are written anew.

    Lines, as MLflow writes them, and not what YAML makes of them: a hostile file could name
    itself within itself.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except ValueError:
        return None
    kept, drop = [], False
    for line in lines:
        if line[:1] not in (" ", "-", ""):  # a key of the file itself, else more of its value
            drop = line.partition(":")[0] in WRITTEN_ANEW
        if not drop:
            kept.append(line)
    return "\n".join(kept)


def _skops(path: Path) -> str | None:
    """The schema with its names numbered, and the sha256 of each other member by that number."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {each.filename: each.file_size for each in archive.infolist()}
            if SCHEMA not in members or sum(members.values()) > MOST_BYTES:
                return None
            if len(members) < len(archive.infolist()):
                return None  # a name twice: which of them counts is the reader's choice
            numbers: dict[str, int] = {}
            schema = _numbered(json.loads(archive.read(SCHEMA)), numbers)
            sums = [
                f"{hashlib.sha256(archive.read(name)).hexdigest()} {_renamed(name, numbers)}"
                for name in members
                if name != SCHEMA
            ]
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return None  # a RecursionError is a RuntimeError
    return "\n".join([json.dumps(schema), *sorted(sums)])


def _numbered(value: Any, numbers: dict[str, int]) -> Any:
    """`value` with the number of first appearance in place of each name made of an address."""
    if isinstance(value, list):
        return [_numbered(each, numbers) for each in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, each in value.items():
        if key == _ID and isinstance(each, int):
            made[key] = numbers.setdefault(str(each), len(numbers))
        elif key == "file" and isinstance(each, str):
            made[key] = _renamed(each, numbers)
        else:
            made[key] = _numbered(each, numbers)
    return made


def _renamed(name: str, numbers: dict[str, int]) -> str:
    stem, dot, suffix = name.partition(".")
    if not stem.isdigit():
        return name
    return f"{numbers.setdefault(stem, len(numbers))}{dot}{suffix}"
