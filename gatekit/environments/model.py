"""The environment that one model runs in: ours, or the one it declares, built when first needed."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gatekit.environments.build import Built, already_built, build
from gatekit.environments.compared import Lock, installed, read_lock
from gatekit.environments.declared import Declaration, read_declaration
from gatekit.errors import GatekitError


@dataclass(frozen=True, eq=False)
class ModelEnvironment:
    """Of the model in `folder`. With `is_declared` its process runs in what it declares.

    `trusted` are the scan's further words; `lock` is the service's lock file, if the policy names
    one.
    """

    folder: Path
    is_declared: bool = False
    trusted: tuple[str, ...] = ()
    lock: Path | None = None

    @cached_property
    def declaration(self) -> Declaration:
        """What the model declares.

        Raises:
            ModelMisbehaved: nothing, or what is no package by name and version.
        """
        return read_declaration(self.folder, self.trusted)

    def built(self) -> Built:
        """The declared environment; made once, and a failure is told again without a second try.

        Raises:
            ModelMisbehaved, UsageProblem: see `gatekit.environments.build.build`.
        """
        if isinstance(self._made, GatekitError):
            raise self._made
        return self._made

    @cached_property
    def _made(self) -> Built | GatekitError:
        try:
            return build(self.declaration)
        except GatekitError as error:
            return error

    @property
    def packages(self) -> dict[str, str]:
        """Versions by name of what is there for the model; raises as `built` does."""
        return self.built().packages if self.is_declared else installed()

    @property
    def python(self) -> str:
        """The version of the Python it runs on; raises as `built` does."""
        return self.built().version if self.is_declared else platform.python_version()

    @cached_property
    def locked(self) -> Lock | None:
        """What the service's lock names.

        Raises:
            DataError: it cannot be read.
        """
        return None if self.lock is None else read_lock(self.lock)

    def as_dict(self) -> dict[str, object] | None:
        """For the report: Python, digest and additions; None if it is ours, or was not built."""
        if not self.is_declared:
            return None
        try:
            found = already_built(self.declaration)
        except GatekitError:
            found = None
        if found is None:
            return None
        return {"python": found.version, "sha256": found.sha256, "added": list(found.added)}
