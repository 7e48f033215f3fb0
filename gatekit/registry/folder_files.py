"""The file-system moves of the folder registry: each is whole or not there at all."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_-")


def segment(name: str) -> str:
    """A name as one path segment, other for every other name, also where case is ignored."""
    return "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in name.encode()) or "%"


def plain_name(part: str) -> str:
    """The name that `segment` made the path segment from."""
    return unquote(part)


def numbers(folder: Path, ending: str = "") -> list[int]:
    """The numbers that name something in `folder`, ascending; empty if there is no such folder."""
    if not folder.is_dir():
        return []
    stems = [p.name.removesuffix(ending) for p in folder.iterdir() if p.name.endswith(ending)]
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit())


def read_json(path: Path) -> dict[str, str]:
    """A flat JSON object of strings; empty if the file is not there."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    content: dict[str, str] = json.loads(text)
    return content


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Replace `path` by `content` as JSON."""
    write_atomically(path, json.dumps(content, sort_keys=True, indent=1).encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path`: a reader sees the old bytes or the new ones, also after a power cut."""
    fresh = path.with_name(f"fresh-{uuid.uuid4().hex}")
    with fresh.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of what is read, changed and written back in `folder`."""
    with (folder / "lock").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def publish(incoming: Path, model: Path) -> int:
    """Rename to the next number of a model that never was one; one at a time, under its lock.

    A folder that holds files is never replaced.
    """
    while True:
        taken = (*numbers(model / "versions"), *numbers(model / "deleted"))
        number = max(taken, default=0) + 1
        try:
            incoming.rename(model / "versions" / str(number))
        except OSError:
            if not (model / "versions" / str(number)).exists():
                raise
        else:
            return number


def withdraw(model: Path, number: str) -> None:
    """Delete a version: it is gone by one rename, which also keeps its number from coming back."""
    (model / "deleted").mkdir(exist_ok=True)
    gone = (model / "versions" / number).rename(model / "deleted" / number)
    shutil.rmtree(gone / "model", ignore_errors=True)


def link(incoming: Path, folder: Path) -> int:
    """Link a file to the next free number in `folder`: whoever comes second takes the next."""
    while True:
        number = max(numbers(folder, ".json"), default=0) + 1
        try:
            os.link(incoming, folder / f"{number}.json")
        except FileExistsError:
            continue
        return number
