"""What the service is told by its environment: names begin with GATEKIT_."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekit.errors import UsageProblem
from gatekit.registry import PointerKind, stage_name

if TYPE_CHECKING:
    from gatekit_service.trusting import Trusted

PREFIX = "GATEKIT_"
PATHS = ("cache", "gates", "inferences")
CHOICES = {
    "POINTER": ("alias", "stage", "copy"),
    "VERIFY": ("auto", "warn", "enforce", "off"),
    "ENGINE": ("auto", "native", "pyfunc", "compiled"),
    "PREPARE": ("auto", "apart", "inside"),
    "LOG": ("json", "text"),
    "ACCESS_LOG": ("0", "1"),
    "TRIAL": ("1", "0"),
}
# name: least, most; the default says whether it is a whole number. Port 0 is any free one.
NUMBERS: dict[str, tuple[float, float]] = {
    "PORT": (0, 65535),
    "POLL_SECONDS": (0.01, 86400),
    "MAX_BODY_MB": (0.01, 4096),
    "MAX_ROWS": (1, 10_000_000),
    "TIMEOUT_SECONDS": (0.01, 86400),
    "QUEUE": (1, 100_000),
    "MODEL_MEMORY_MB": (0, 1e7),
    "INFERENCES_SHARE": (0.01, 1),
    "INFERENCES_MB": (0.01, 1e6),
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
    verify: str = "auto"  # enforce where the policy names keys, else warn
    engine: str = "auto"  # where no report names one
    max_body_mb: float = 8.0
    copied_to: str = ""  # with copies: the model that is the target
    prepare: str = "auto"  # who fetches, judges and compiles: a process of its own, or this one
    gates: Path | None = None  # a policy; its keys say whose signatures count
    max_rows: int = 100_000
    timeout_seconds: float = 30.0
    queue: int = 256  # requests that may wait for a prediction; more are shed
    token: str = field(default="", repr=False)
    log: str = "json"
    access_log: bool = False
    trial: bool = True  # a model with code of its own is loaded in another process first
    model_memory_mb: float = 0.0  # what it may hold there; 0: four fifths of what is free
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

    def must_prove(self, trusted: Trusted | None) -> bool:
        """Whether what is unproved is refused."""
        by_keys = trusted is not None and bool(trusted.judge.trust)
        return self.verify == "enforce" or (self.verify == "auto" and by_keys)

    def prepares_apart(self, last: str) -> bool:
        """Whether a process of its own looks at the registry; `last` is the engine served last.

        With the engines of MLflow this process has it in memory anyway.
        """
        if self.prepare != "auto":
            return self.prepare == "apart"
        known = last if self.engine == "auto" else self.engine
        return known not in ("native", "pyfunc")

    def as_dict(self) -> dict[str, Any]:
        """Plain values; `from_dict` reads them back."""
        found = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: str(v) if isinstance(v, Path) else v for name, v in found.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Settings:
        """The settings that `as_dict` wrote."""
        paths = {name: Path(values[name]) for name in PATHS if values[name] is not None}
        return cls(**{**values, **paths})

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
    if key.lower() in PATHS:
        return Path(text)
    if key in ("ACCESS_LOG", "TRIAL"):
        return text == "1"
    if key not in NUMBERS:
        return text
    whole = key in ("PORT", "MAX_ROWS", "QUEUE")
    least, most = NUMBERS[key]
    try:
        number = int(text) if whole else float(text)
    except ValueError:
        number = -1
    if not least <= number <= most:
        raise UsageProblem(f"{PREFIX}{key} is {text!r}", f"Give a number from {least} to {most}")
    return number
