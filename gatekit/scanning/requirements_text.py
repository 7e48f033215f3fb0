"""What a model asks to have installed: names and versions, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatekit.scanning.finding import Finding

LISTS = ("requirements.txt", "constraints.txt")
ENVIRONMENTS = ("conda.yaml", "python_env.yaml")
MOST_BYTES = 1024 * 1024
LONGEST = 500
CHANNELS = ("defaults", "conda-forge", "nodefaults")
PLAIN = re.compile(
    r"[A-Za-z0-9][\w.-]*\s*(\[[\w\s,.-]*\])?\s*\(?([<>=!~]=?=?\s*[\w.*+!-]+\s*,?\s*)*\)?(;[^@]*)?",
    re.ASCII,
)
PATH_LIKE = re.compile(r"[/\\]|^\.|\.(whl|zip|gz|tar)$", re.IGNORECASE)


def judge_requirements(path: Path, file: str, trusted: frozenset[str]) -> Iterator[Finding]:
    """Lines that lead anywhere but to a package of a name: URLs, paths, options, other indexes."""
    if path.stat().st_size > MOST_BYTES:
        yield Finding(file, "", "it is too large for a list of packages")
        return
    try:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines() if path.name in LISTS else _lines(text)
    except (ValueError, RecursionError):
        yield Finding(file, "", "it cannot be read")
        return
    for line in lines:
        words = re.split(r"(^|\s)#", line)[0].strip()
        if words and not _is_plain(words) and f"requirement:{words}" not in trusted:
            yield Finding(
                file,
                f"requirement:{words}",
                f"it asks for {words!r}, which is not a package by name and version",
            )


def _is_plain(words: str) -> bool:
    package = words.partition(";")[0].strip()
    short = len(words) <= LONGEST
    return short and bool(PLAIN.fullmatch(words)) and not PATH_LIKE.search(package)


def _lines(text: str) -> list[str]:
    import yaml

    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error
    if not isinstance(content, dict):
        raise ValueError("no mapping")  # noqa: TRY004 - as for anything unreadable
    lines = []
    for key in ("dependencies", "build_dependencies"):
        for entry in content.get(key) or []:
            if isinstance(entry, dict):
                lines += [line for each in entry.values() for line in (each or [])]
            else:
                lines.append(entry)
    channels = [c for c in content.get("channels") or [] if c not in CHANNELS]
    lines += [f"channel {channel}" for channel in channels]
    # python_env.yaml points at the list beside it
    return [str(line) for line in lines if str(line) != "-r requirements.txt"]
