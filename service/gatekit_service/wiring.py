"""What every room of routes is given: the settings, the state, and who follows the pointer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from gatekit_service.metering import Meter
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
    meter: Meter
    scoring: Scoring
    closing: list[Callable[[], None]] = field(default_factory=list)  # called when the app ends


def release() -> str:
    """The version of gatekit that is installed."""
    found = installed("pytest-gatekit")
    return found or "from source"


def installed(package: str) -> str:
    """The version of a package; empty if it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
