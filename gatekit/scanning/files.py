"""The files of a model: what they are, how they are called, whether anything accounts for them."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from gatekit.scanning.description import Described
from gatekit.scanning.finding import Finding

MOST_FILES = 20_000
# Written by MLflow beside every model, or for people to read.
KNOWN = frozenset(
    """MLmodel conda.yaml python_env.yaml requirements.txt constraints.txt input_example.json
    serving_input_example.json registered_model_meta model.sig README README.md README.txt LICENSE
    LICENSE.txt NOTICE""".split()  # noqa: SIM905 - a list of words, to be read
)
PROGRAM_SUFFIXES = frozenset(
    """.py .pyc .pyd .pyo .pyx .pth .so .dll .dylib .exe .sh .bash .bat .cmd .ps1 .jar .class .whl
    .egg .ipynb""".split()  # noqa: SIM905 - a list of words, to be read
)


def walk(folder: Path) -> tuple[list[str], list[Finding]]:
    """The plain files below `folder`, sorted, and what speaks against the rest."""
    plain, findings = [], []
    for parent, folders, names in os.walk(folder):
        for name in sorted((*folders, *names)):
            path = Path(parent, name)
            shown = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                findings.append(Finding(shown, "", "it is a link"))
            elif stat.S_ISREG(mode):
                plain.append(shown)
            elif not stat.S_ISDIR(mode):
                findings.append(Finding(shown, "", "it is a device"))
    findings += _spelling(plain)
    if len(plain) > MOST_FILES:
        reason = f"the model has {len(plain)} files, more than are looked into ({MOST_FILES})"
        findings.append(Finding(".", "", reason))
        plain = []
    return sorted(plain), findings


def unaccounted(
    paths: list[str], described: Described, trusted: frozenset[str]
) -> Iterator[Finding]:
    """Programs, and files that neither MLflow's layout nor the description of the model names."""
    for path in paths:
        if f"file:{path}" in trusted:
            continue
        name = PurePosixPath(path)
        if name.suffix.lower() in PROGRAM_SUFFIXES:
            yield Finding(path, f"file:{path}", "it is a program")
        elif not (name.name in KNOWN or described.opaque or _is_named(name, described.named)):
            yield Finding(path, f"file:{path}", "nothing says what it is for (not in MLmodel)")


def _is_named(path: PurePosixPath, named: set[str]) -> bool:
    return str(path) in named or any(str(parent) in named - {"."} for parent in path.parents)


def _spelling(paths: list[str]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path in paths:
        if not path.isprintable() or "\\" in path:
            yield Finding(ascii(path), "", "its name holds characters that do not print")
        alike = unicodedata.normalize("NFKC", path).casefold()
        if alike in seen:
            yield Finding(ascii(path), "", f"its name looks like {seen[alike]!a}")
        seen[alike] = path
