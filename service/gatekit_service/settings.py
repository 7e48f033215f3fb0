"""What the service is told by its environment: names begin with GATEKIT_."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatekit.errors import UsageProblem
from gatekit.registry import PointerKind, stage_name

PREFIX = "GATEKIT_"
CHOICES = {
    "POINTER": ("alias", "stage", "copy"),
    "VERIFY": ("warn", "enforce", "off"),
    "ENGINE": ("auto", "native", "pyfunc", "compiled"),
}


def _own_cache() -> Path:
    # never a folder others may write: what lies there is loaded after a restart
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base, "gatekit-service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the service may be told. `registry` None is the project's own."""

    model: str
    stage: str = "staging"
    pointer: PointerKind = "alias"
    registry: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    poll_seconds: float = 5.0
    cache: Path = field(default_factory=_own_cache)
    verify: str = "warn"
    engine: str = "auto"  # where no report names one
    max_body_mb: float = 8.0
    copied_to: str = ""  # with copies: the model that is the target
    gates: Path | None = None  # a policy; its keys say whose signatures count
    hook_secret: str = field(default="", repr=False)  # what MLflow's webhook was made with
    beside: str = ""  # URL of the other service that the page shows
    inferences: Path | None = None  # where answers are logged
    inferences_share: float = 1.0  # of the answers
    inferences_mb: float = 256.0  # all files together

    @property
    def spelled(self) -> str:
        """The pointer as the registry spells it: `staging`, `Staging`, or a model of its own."""
        if self.pointer == "copy":
            return self.copied_to or f"{self.model}-{self.stage}"
        return stage_name(self.stage) if self.pointer == "stage" else self.stage

    @property
    def pin_name(self) -> str:
        """What the cache calls this pointer: what keys have not judged is not taken for judged."""
        return f"{self.pointer} {self.spelled}" + (" by keys" if self.gates else "")

    @property
    def max_body_bytes(self) -> int:
        """The largest body that is read."""
        return int(self.max_body_mb * 2**20)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings that the environment holds.

        Raises:
            UsageProblem: no GATEKIT_MODEL, an unknown choice, or what should be a number is none.
        """
        found = os.environ if environment is None else environment
        given = {key: found[PREFIX + key] for key in KEYS if found.get(PREFIX + key)}
        if "MODEL" not in given:
            raise UsageProblem("the service was not told what to serve", "Set GATEKIT_MODEL")
        for key, allowed in CHOICES.items():
            if given.get(key, allowed[0]) not in allowed:
                listed = ", ".join(allowed)
                raise UsageProblem(f"{PREFIX}{key} is {given[key]!r}", f"Allowed: {listed}")
        values: dict[str, Any] = {key.lower(): _read(key, text) for key, text in given.items()}
        return cls(**values)


KEYS = tuple(name.upper() for name in Settings.__dataclass_fields__)


def _read(key: str, text: str) -> str | int | float | Path:
    if key in ("CACHE", "GATES", "INFERENCES"):
        return Path(text)
    if key not in ("PORT", "POLL_SECONDS", "MAX_BODY_MB", "INFERENCES_SHARE", "INFERENCES_MB"):
        return text
    try:
        number = int(text) if key == "PORT" else float(text)
    except ValueError:
        number = -1
    least = 0 if key == "PORT" else 0.01  # port 0: any free one
    most = {"PORT": 65535, "INFERENCES_SHARE": 1, "INFERENCES_MB": 1e6}.get(key, 86400)
    if not least <= number <= most:
        raise UsageProblem(f"{PREFIX}{key} is {text!r}", f"Give a number from {least} to {most}")
    return number
