"""One scan for the same bytes: a run loads a model, and asks for its scan, more than once."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gatekit.digest import file_sha256
from gatekit.scanning.bundle import Bundles
from gatekit.scanning.files import walk
from gatekit.scanning.finding import Finding
from gatekit.scanning.scan import scan

Scan = Callable[[Path, tuple[str, ...]], tuple[Finding, ...]]
Entry = tuple[str, int, str]  # path, mode, sha256


@dataclass(frozen=True, slots=True)
class Scans:
    """As `scan`, and looks again only at what is not, to the byte, what it has seen before.

    With `bundles` it also asks for a signed bundle.
    """

    bundles: Bundles | None = None
    _known: dict[tuple[tuple[Entry, ...], tuple[str, ...]], tuple[Finding, ...]] = field(
        default_factory=dict
    )

    def __call__(self, folder: Path, trusted: tuple[str, ...] = ()) -> tuple[Finding, ...]:
        """Why the model in `folder` must not be loaded; empty when nothing speaks against it."""
        entries = _entries(folder)
        if entries is None:
            return self._look(folder, trusted)
        key = (entries, trusted)
        if key not in self._known:
            self._known[key] = self._look(folder, trusted)
        return self._known[key]

    def _look(self, folder: Path, trusted: tuple[str, ...]) -> tuple[Finding, ...]:
        found = scan(folder, trusted)
        if self.bundles is None:
            return found
        return (*found, *self.bundles.judge(folder, walk(folder)[0]))


def _entries(folder: Path) -> tuple[Entry, ...] | None:
    """All that a scan may judge by; None where that cannot be told by bytes: links, devices."""
    entries = []
    for parent, folders, files in os.walk(folder):
        if any(Path(parent, name).is_symlink() for name in folders):
            return None
        for name in files:
            path = Path(parent, name)
            if path.is_symlink() or not path.is_file():
                return None
            try:
                held = (str(path.relative_to(folder)), path.stat().st_mode, file_sha256(path))
            except OSError:
                return None
            entries.append(held)
        entries += [(f"{Path(parent, name).relative_to(folder)}/", 0, "") for name in folders]
    return tuple(sorted(entries))
