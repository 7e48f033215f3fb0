"""What is there against what was asked for: lists of packages, and nothing else. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from gatekit.environments.declared import Declaration
from gatekit.errors import DataError

PINNED = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*===?\s*([\w.+!-]+)", re.MULTILINE)
Lock = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A package whose version is not the one asked for; `found` is empty where it is not there."""

    name: str
    wanted: str
    found: str
    by: str = "declared"

    def __str__(self) -> str:
        """'scikit-learn: declared ==1.5.2, here 1.9.1'."""
        return f"{self.name}: {self.by} {self.wanted}, here {self.found or 'not installed'}"


def installed(folders: Iterable[Path] | None = None) -> dict[str, str]:
    """Version by normalised name, of this process's packages or of those in `folders`."""
    looked = None if folders is None else [str(folder) for folder in folders]
    found: dict[str, str] = {}
    for each in distributions() if looked is None else distributions(path=looked):
        if each.name:
            found.setdefault(canonicalize_name(each.name), each.version)  # the first is imported
    return found


def missing(declaration: Declaration, packages: Mapping[str, str]) -> list[Difference]:
    """What is declared and not among `packages`."""
    return [
        Difference(each.name, str(each.specifier) or "any version", "")
        for each in declaration.parsed
        if each.name not in packages
    ]


def drifted(declaration: Declaration, packages: Mapping[str, str]) -> list[Difference]:
    """What is among `packages` in a version that the declaration does not allow."""
    return [
        Difference(each.name, str(each.specifier), packages[each.name])
        for each in declaration.parsed
        if each.name in packages
        and not each.specifier.contains(packages[each.name], prereleases=True)
    ]


def drifted_python(declaration: Declaration, python: str) -> list[Difference]:
    """Another Python than declared; a patch release apart is the same."""
    wanted = declaration.python
    if not wanted or wanted.split(".")[:2] == python.split(".")[:2]:
        return []
    return [Difference("python", wanted, python)]


def drifted_from_lock(
    declaration: Declaration, packages: Mapping[str, str], lock: Lock
) -> list[Difference]:
    """Packages whose version is none of the lock's, and declared ones that the lock lacks."""
    declared = {each.name for each in declaration.parsed}
    return [
        Difference(name, " or ".join(lock.get(name, ("nothing",))), version, "locked")
        for name, version in sorted(packages.items())
        if version not in lock.get(name, ()) and (name in lock or name in declared)
    ]


def read_lock(path: Path) -> Lock:
    """Versions by name: uv.lock, poetry.lock, pylock.toml, or lines `name==version`.

    Raises:
        DataError: it cannot be read, or names no package with its version.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"the lock {path.name} cannot be read ({type(error).__name__})",
            "attestation.lock is relative to the policy",
        ) from None
    found: dict[str, tuple[str, ...]] = {}
    for name, version in _toml_pins(text) or PINNED.findall(text):
        known = canonicalize_name(name)
        found[known] = tuple(dict.fromkeys((*found.get(known, ()), version)))
    if not found:
        raise DataError(
            f"the lock {path.name} names no package with its version",
            "Give uv.lock, poetry.lock, pylock.toml, or a list of name==version",
        )
    return found


def _toml_pins(text: str) -> list[tuple[str, str]]:
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return []
    entries = content.get("package") or content.get("packages") or []
    tables = (
        [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    )
    return [(each["name"], each["version"]) for each in tables if {"name", "version"} <= {*each}]
