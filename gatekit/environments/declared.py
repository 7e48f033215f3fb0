"""What a model's folder says it needs: packages by name and version, and a Python.

Requirements are a stranger's input. They are judged by the scan's own rules before anything is made
of them, so that no URL, path or option ever reaches a resolver.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from gatekit.errors import ModelMisbehaved
from gatekit.scanning.requirements_text import judge_requirements

LISTS = ("requirements.txt", "conda.yaml")  # the first that is there counts
PYTHON = re.compile(r"\d{1,3}\.\d{1,3}(\.\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Declaration:
    """Requirements as PEP 508 has them, normalised and sorted, and from which file.

    `python` is a version such as 3.11.7; empty where none is named.
    """

    requirements: tuple[str, ...]
    python: str
    source: str

    @property
    def parsed(self) -> tuple[Requirement, ...]:
        """The requirements that hold on this machine and Python, by their markers."""
        every = map(Requirement, self.requirements)
        return tuple(one for one in every if one.marker is None or one.marker.evaluate())


def read_declaration(folder: Path, trusted: tuple[str, ...] = ()) -> Declaration:
    """What the model in `folder` declares: requirements.txt, else the pip part of conda.yaml.

    Raises:
        ModelMisbehaved: there is neither, or a line is no package by name and version.
    """
    source = next((name for name in LISTS if (folder / name).is_file()), "")
    if not source:
        raise ModelMisbehaved(
            "the model declares no environment: no requirements.txt and no conda.yaml is with it",
            "Log it with pip_requirements=[...]",
        )
    for name in (source, "python_env.yaml"):
        _judge(folder / name, trusted)
    conda = _mapping(folder / source) if source == "conda.yaml" else {}
    lines = _pip_part(conda) if conda else (folder / source).read_text("utf-8").splitlines()
    words = (re.split(r"(^|\s)#", line)[0].strip() for line in lines)
    normalised = {_normalised(each, source) for each in words if each}
    python = str(_mapping(folder / "python_env.yaml").get("python", "")) or _conda_python(conda)
    return Declaration(
        tuple(sorted(normalised)), python if PYTHON.fullmatch(python) else "", source
    )


def _judge(path: Path, trusted: tuple[str, ...]) -> None:
    if path.is_file():
        for finding in judge_requirements(path, path.name, frozenset(trusted)):
            raise ModelMisbehaved(f"its environment was not built: {finding}", "Nothing was run")


def _normalised(words: str, source: str) -> str:
    try:
        requirement = Requirement(words)
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.url:
        # What the scan was told to trust, it need not be able to build.
        raise ModelMisbehaved(
            f"{source} asks for {words!r}, which is not a package by name and version",
            "Packages are installed by name and version only",
        )
    requirement.name = canonicalize_name(requirement.name)
    return str(requirement)


def _pip_part(conda: dict[str, Any]) -> list[str]:
    entries = [entry for entry in conda.get("dependencies") or [] if isinstance(entry, dict)]
    return [str(line) for entry in entries for line in entry.get("pip") or []]


def _conda_python(conda: dict[str, Any]) -> str:
    for entry in conda.get("dependencies") or []:
        if isinstance(entry, str) and (found := re.fullmatch(r"python\s*={1,2}\s*([\d.]+)", entry)):
            return found[1]
    return ""


def _mapping(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping, each scalar a string: 3.10 is no number. Empty if there is none."""
    import yaml

    if not path.is_file():
        return {}
    content = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - strings only
    return content if isinstance(content, dict) else {}
