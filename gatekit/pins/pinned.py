"""The bytes that a pin names: beside the policy, in DVC's cache, or fetched from its remote."""

from __future__ import annotations

import configparser
import hashlib
import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from gatekit.errors import DataError
from gatekit.pins.pin import Pin, find_pin, pinned_folder_md5

KEPT = Path(".gatekit", "data")  # below the policy's folder


def pinned_file(path: Path, rev: str, folder: Path) -> tuple[Path, Pin | None]:
    """Where the pinned bytes of `path` are, and their pin; `path` itself where nothing pins it.

    Bytes that are not in the work tree are kept below `folder`, by their md5.

    Raises:
        DataError: the file is not the pinned one, or the pinned bytes are nowhere.
    """
    pin = find_pin(path, rev)
    if pin is None:
        return path, None
    store = _Store(path, pin, folder)
    pin = replace(pin, md5=store.file_md5())
    if path.is_file():
        found = file_md5(path)
        if found == pin.md5:
            return path, pin
        if not rev:
            raise DataError(
                f"{path.name} has md5 {found[:12]}..., {pin.file.name} pins {pin.md5[:12]}...",
                f"`dvc checkout {pin.file.name}` brings the pinned bytes back; "
                "`dvc commit` pins these, in a reviewed change",
            )
    return store.keep(pin.md5), pin


def is_here(path: Path, rev: str, folder: Path) -> Path | None:
    """As `pinned_file`, and None instead of fetching or refusing."""
    try:
        pin = find_pin(path, rev)
        if pin is None:
            return path if path.is_file() else None
        store = _Store(path, pin, folder, may_fetch=False)
        md5 = store.file_md5()
        if path.is_file() and file_md5(path) == md5:
            return path
        return store.keep(md5)
    except DataError:
        return None


def check_folder(folder: Path, rev: str) -> None:
    """Refuse a folder whose files are others than `FOLDER.dvc` beside it pins.

    Raises:
        DataError: they are, or a revision is asked of a folder.
    """
    if rev:
        raise DataError(
            f"{folder.name} is a folder, and a revision is read of a file alone",
            "Check the folder out at that revision, or name one file of it",
        )
    named = pinned_folder_md5(folder)
    found = folder_md5(folder)[0] if named else ""
    if found != named:
        raise DataError(
            f"{folder.name} has md5 {found[:12]}..., {folder.name}.dvc pins {named[:12]}...",
            f"`dvc checkout {folder.name}.dvc` brings the pinned bytes back",
        )


def file_md5(path: Path) -> str:
    """md5 of a file's bytes, streamed: DVC's name for them, and no proof against forgery."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def folder_md5(folder: Path) -> tuple[str, dict[str, str]]:
    """DVC's name of a folder, `....dir`, and the md5 of each file in it by its path."""
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    listed = {name: file_md5(folder / name) for name in files}
    entries = [{"md5": md5, "relpath": name} for name, md5 in listed.items()]
    named = hashlib.md5(json.dumps(entries).encode(), usedforsecurity=False).hexdigest()
    return f"{named}.dir", listed


class _Store:
    """Where objects of one repository lie by their md5."""

    def __init__(self, path: Path, pin: Pin, folder: Path, *, may_fetch: bool = True) -> None:
        self._path, self._pin, self._folder = path, pin, folder
        self._may_fetch = may_fetch
        self._home = next((p for p in path.parents if (p / ".dvc").is_dir()), None)

    def file_md5(self) -> str:
        """The md5 of the file, also where a whole folder is pinned."""
        if not self._pin.is_of_folder:
            return self._pin.md5
        root = self._pin.file.with_suffix("")
        if root.is_dir():
            named, listed = folder_md5(root)
            if named == self._pin.md5 and self._pin.inside in listed:
                return listed[self._pin.inside]
        listing = self._object(self._pin.md5)
        if f"{file_md5(listing)}.dir" != self._pin.md5:
            raise _spoiled(self._pin.md5)
        for entry in json.loads(listing.read_bytes()):
            if entry["relpath"] == self._pin.inside:
                return str(entry["md5"])
        raise DataError(
            f"{self._pin.file.name} pins a folder without {self._pin.inside}",
            "Correct data.holdout.path, or add the file to the folder",
        )

    def keep(self, md5: str) -> Path:
        """The bytes under the data file's own name, checked against `md5`."""
        kept = self._folder / KEPT / md5 / self._path.name
        if kept.is_file() and file_md5(kept) == md5:
            return kept
        source = self._object(md5)
        kept.parent.mkdir(parents=True, exist_ok=True)
        (self._folder / KEPT / ".gitignore").write_text("*\n", encoding="ascii")
        with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as stream:
            temporary = Path(stream.name)
        try:
            shutil.copyfile(source, temporary)
            if file_md5(temporary) != md5:
                raise _spoiled(md5)
            temporary.replace(kept)  # two runs at once keep the same bytes
        finally:
            temporary.unlink(missing_ok=True)
        return kept

    def _object(self, md5: str) -> Path:
        for cache in self._caches():
            found = cache / md5[:2] / md5[2:]
            if found.is_file():
                return found
        what = self._pin.file.stem if self._pin.is_of_folder else self._path.name
        if self._home is None or not self._may_fetch:
            raise DataError(
                f"{what} as {self._pin.file.name} pins it is not here, and no DVC repository "
                "is around it",
                f"Put what has md5 {self._pin.md5} in its place",
            )
        from gatekit.pins.fetching import fetch

        return fetch(self._home, md5, what)

    def _caches(self) -> list[Path]:
        if self._home is None:
            return []
        settings = configparser.ConfigParser(strict=False, interpolation=None)
        settings.read([self._home / ".dvc" / "config", self._home / ".dvc" / "config.local"])
        named = settings.get("cache", "dir", fallback="cache", raw=True)
        return [self._home / ".dvc" / named / "files" / "md5"]


def _spoiled(md5: str) -> DataError:
    return DataError(
        f"DVC's cache holds other bytes than {md5[:12]}... under that name",
        "Remove the cache's copy, then `dvc fetch`",
    )
