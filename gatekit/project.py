"""Where we are: the project's root, its policy, its registry, and who is asking.

`MLFLOW_TRACKING_URI` wins over `[tool.gatekit] registry` in pyproject.toml, which wins over the
embedded registry in `.gatekit/` at the root. `--gates` wins over `[tool.gatekit] gates`, which wins
over a `gates.toml` at the root. Nothing here is read at import.
"""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gatekit.errors import PolicyError, UsageProblem
from gatekit.registry.embedded import embedded_uri


@dataclass(frozen=True, slots=True)
class Project:
    """A root folder and what is configured there."""

    root: Path
    gates: Path | None
    registry: str | None

    def policy_path(self, given: str | None = None) -> Path:
        """The policy file: the one given, else the configured one.

        Raises:
            PolicyError: there is neither.
        """
        if given:
            return Path(given)
        if self.gates is None:
            raise PolicyError(
                f"no policy: neither gates.toml nor [tool.gatekit] gates in {self.root}",
                "Write a gates.toml, or give --gates FILE",
            )
        return self.gates

    def registry_uri(self, environment: Mapping[str, str] | None = None) -> str:
        """The registry's URI by the order of precedence above."""
        named = (os.environ if environment is None else environment).get("MLFLOW_TRACKING_URI")
        if named or self.registry:
            return named or str(self.registry)
        return embedded_uri(self.root)


def find_project(start: Path | None = None) -> Project:
    """The project around `start`: the nearest folder upward whose pyproject.toml has a
    [tool.gatekit] table, else the nearest with a gates.toml, else `start` itself.

    Raises:
        UsageProblem: a pyproject.toml on the way cannot be read.
    """
    start = (start or Path.cwd()).resolve()
    upward = (start, *start.parents)
    for folder in upward:
        settings = _settings(folder / "pyproject.toml")
        if settings is not None:
            named = folder / settings.get("gates", "gates.toml")
            found = named if "gates" in settings or named.is_file() else None
            return Project(folder, found, settings.get("registry"))
    root = next((folder for folder in upward if (folder / "gates.toml").is_file()), None)
    return Project(root or start, root / "gates.toml" if root else None, None)


def _settings(pyproject: Path) -> dict[str, str] | None:
    try:
        content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageProblem(f"{pyproject} is not readable as TOML: {error}") from error
    settings = content.get("tool", {}).get("gatekit")
    if settings is None:
        return None
    for key, value in settings.items():
        if key not in ("gates", "registry") or not isinstance(value, str):
            raise UsageProblem(
                f"{pyproject}: [tool.gatekit] {key} = {value!r} is not understood",
                "Allowed: gates and registry, both strings",
            )
    return dict(settings)


def person() -> str:
    """Who is asking: the CI's user if a CI says so, else the login name."""
    for name in ("GITLAB_USER_LOGIN", "GITHUB_ACTOR"):
        if os.environ.get(name):
            return os.environ[name]
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container user without a name
        return f"uid {os.getuid()}"
