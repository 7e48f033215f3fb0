"""What every room of routes is given: the settings, the state, and who follows the pointer."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from gatekit_service.scoring import Scoring
from gatekit_service.settings import Settings
from gatekit_service.state import State
from gatekit_service.watching import Watcher


@dataclass(frozen=True, slots=True)
class Wiring:
    """One service's parts. A room is a module with `add(app, wiring)`; `app.ROOMS` lists them."""

    settings: Settings
    state: State
    watcher: Watcher
    scoring: Scoring


def installed(package: str) -> str:
    """The version of a package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
