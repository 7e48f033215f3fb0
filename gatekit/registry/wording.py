"""What every registry checks and says in the same words, whatever holds the models."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from gatekit.errors import NotFound, RegistryError
from gatekit.registry import PointerKind, stage_name
from gatekit.registry.model_uri import STAGES

MOVABLE = ("Staging", "Production")
_SHOWN = 10


def stage_of(target: str, *, movable: bool = False) -> str:
    """A stage as MLflow spells it.

    Raises:
        RegistryError: there is no such stage, or a pointer cannot be moved to it.
    """
    allowed = MOVABLE if movable else tuple(stage_name(stage) for stage in STAGES)
    if stage_name(target) in allowed:
        return stage_name(target)
    raise RegistryError(
        f"{target!r} is no stage a pointer can be; stages are {', '.join(allowed)}",
        'Use kind = "alias" for any other name',
    )


def known_versions(versions: Sequence[int]) -> str:
    """The hint that lists the versions there are."""
    newest = [str(number) for number in sorted(versions, reverse=True)[:_SHOWN]]
    more = f" and {len(versions) - _SHOWN} older" if len(versions) > _SHOWN else ""
    return f"Known versions: {', '.join(newest)}{more}" if newest else "It has no versions"


def known_models(name: str, models: Sequence[str]) -> str:
    """The hint that lists the models whose names are nearest to `name`."""
    if not models:
        return "The registry holds no models"
    nearest = difflib.get_close_matches(name, models, n=3, cutoff=0.5) or sorted(models)[:3]
    return f"Known models: {', '.join(nearest)}"


def nobody(name: str, target: str, kind: PointerKind) -> NotFound:
    """The error for a pointer that no version holds."""
    return NotFound(f"no version of {name} holds the {kind} {target!r}")


def empty_target(into: Path) -> Path:
    """Make `into`, or refuse it if anything is in it: two models must never be mixed."""
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise RegistryError(f"{into.name}: not an empty folder to fetch a model into")
    return into


def inside(folder: Path, file: str) -> Path:
    """The path of a report file, which may name subfolders but never lead out of `folder`."""
    parts = file.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in file or "\0" in file:
        raise RegistryError(f"{file!r} is no relative file name")
    return folder.joinpath(*parts)
