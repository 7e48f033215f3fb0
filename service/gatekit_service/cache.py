"""Model files on this machine, by the digest of their bytes, so that a restart needs no registry.

    <cache>/<model>/<digest>/...         a model's files
    <cache>/<model>/<sha256>.compiled    a compiled model, under the digest of the file itself
    <cache>/<model>/<pointer>.json       what was served last under that pointer

A folder is only handed out after its bytes were hashed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gatekit.digest import model_digest, model_files
from gatekit.errors import CandidateError, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

INCOMING = "incoming-"
KEPT = 4  # versions; going back to one of them downloads nothing


@dataclass(frozen=True, slots=True)
class Pin:
    """A version that was fetched and judged: all that is needed to load it, now or once more.

    `golden` are rows with the answers that the gates recorded; `form` the sha256 of the compiled
    model, empty where another engine serves.
    """

    version: str
    digest: str
    engine: str
    proof: dict[str, str]
    form: str = ""
    golden: dict[str, Any] | None = None


class Cache:
    """The folder of one model."""

    def __init__(self, root: Path, model: str) -> None:
        self._root = root / quote(model, safe="")

    def get(self, digest: str) -> Path | None:
        """The folder with exactly these bytes; one that has rotted is removed."""
        folder = self._root / digest
        # a digest comes from a tag that anyone may write, and what has rotted is removed
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or not folder.is_dir():
            return None
        try:
            intact = model_digest(model_files(folder)) == digest
        except (CandidateError, OSError):
            intact = False
        if not intact:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        os.utime(folder)
        return folder

    def put(self, fetch: Callable[[Path], Path]) -> tuple[Path, str]:
        """Fetch into the cache; the folder appears whole, by one rename. Gives folder and digest.

        Raises:
            CandidateError: the files hold a link or there are none.
            RegistryUnavailable: the cache cannot be written.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            scratch = Path(tempfile.mkdtemp(dir=self._root, prefix=INCOMING))
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fetched = fetch(scratch / "model")
            digest = model_digest(model_files(fetched))
            held = self.get(digest)
            if held is None:
                held = self._root / digest
                fetched.rename(held)
            return held, digest
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def form(self, sha256: str) -> bytes | None:
        """The compiled model with this digest; one that has rotted is removed."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            return None
        path = self._form(sha256)
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        if hashlib.sha256(raw).hexdigest() != sha256:
            path.unlink(missing_ok=True)
            return None
        return raw

    def put_form(self, raw: bytes) -> str:
        """Keep a compiled model, whole or not at all; gives its sha256.

        Raises:
            RegistryUnavailable: the cache cannot be written.
        """
        sha256 = hashlib.sha256(raw).hexdigest()
        try:
            self._write(self._form(sha256), raw)
        except OSError as error:
            raise self._unwritable(error) from error
        return sha256

    def prune(self) -> None:
        """Remove all but the folders and compiled models used last."""
        folders = [
            f for f in self._root.iterdir() if f.is_dir() and not f.name.startswith(INCOMING)
        ]
        folders.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in folders[KEPT:]:
            shutil.rmtree(folder, ignore_errors=True)
        forms = sorted(self._root.glob("*.compiled"), key=lambda form: form.stat().st_mtime)
        for form in forms[:-KEPT]:
            form.unlink(missing_ok=True)

    def remember(self, pointer: str, pin: Pin) -> None:
        """Write down what is served, whole or not at all."""
        self._write(self._note(pointer), json.dumps(asdict(pin)).encode())

    def confirm(self, pointer: str) -> None:
        """What was served last still holds the pointer, as of now."""
        with contextlib.suppress(OSError):
            os.utime(self._note(pointer))

    def last(self, pointer: str, within_s: float = float("inf")) -> Pin | None:
        """What was served last, if that is known and was confirmed so lately."""
        try:
            if time.time() - self._note(pointer).stat().st_mtime > within_s:
                return None
            return Pin(**json.loads(self._note(pointer).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _write(self, path: Path, raw: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written = path.with_name(f"{path.name}.{os.getpid()}")
        written.write_bytes(raw)
        written.replace(path)

    def _unwritable(self, error: OSError) -> RegistryUnavailable:
        return RegistryUnavailable(
            f"the cache {self._root} cannot be written: {error.strerror}", "Set GATEKIT_CACHE"
        )

    def _form(self, sha256: str) -> Path:
        return self._root / f"{sha256}.compiled"

    def _note(self, pointer: str) -> Path:
        return self._root / (quote(pointer, safe="") + ".json")
