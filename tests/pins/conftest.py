"""A repository of git whose data `.dvc` files pin; DVC itself is not asked unless a test says so."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

OUT = "outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {name}\n"


def md5(raw):
    return hashlib.md5(raw).hexdigest()


class Pinned:
    """A folder under git and, by its files alone, under DVC."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "data" / "holdout.parquet"
        self.path.parent.mkdir()
        (root / ".dvc").mkdir()
        self.git("init", "--quiet")
        self.git("config", "user.email", "ada@example.com")
        self.git("config", "user.name", "Ada")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, tag: str) -> str:
        self.git("add", "--force", "*.dvc")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def write(self, rows: int, path: Path | None = None) -> bytes:
        """Data of so many rows; returns its bytes."""
        path = path or self.path
        path.parent.mkdir(exist_ok=True, parents=True)
        table = pa.table(
            {"x": [float(i) for i in range(rows)], "label": [i % 2 for i in range(rows)]}
        )
        parquet.write_table(table, path)
        return path.read_bytes()

    def pin(self, raw: bytes, path: Path | None = None) -> str:
        """What `dvc add` leaves: the `.dvc` file, and the bytes in the cache."""
        path = path or self.path
        name = md5(raw)
        text = OUT.format(md5=name, size=len(raw), name=path.name)
        path.with_name(path.name + ".dvc").write_text(text)
        self.cache(name, raw)
        return name

    def pin_folder(self, folder: Path) -> str:
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        entries = [
            {"md5": md5(p.read_bytes()), "relpath": p.relative_to(folder).as_posix()} for p in files
        ]
        listing = json.dumps(entries).encode()
        name = md5(listing) + ".dir"
        folder.with_name(folder.name + ".dvc").write_text(
            OUT.format(md5=name, size=1, name=folder.name)
        )
        self.cache(name, listing)
        for file in files:
            self.cache(md5(file.read_bytes()), file.read_bytes())
        return name

    def cache(self, name: str, raw: bytes) -> None:
        kept = self.cached(name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(raw)

    def cached(self, name: str) -> Path:
        return self.root / ".dvc" / "cache" / "files" / "md5" / name[:2] / name[2:]

    def lose_cache(self) -> None:
        shutil.rmtree(self.root / ".dvc" / "cache")


@pytest.fixture
def pinned(tmp_path):
    return Pinned(tmp_path)
