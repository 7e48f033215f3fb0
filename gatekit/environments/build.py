"""The environment a model declares, built once by uv and kept.

Its name is a digest of the requirements, the Python and the platform. It is made under another name
and renamed when whole; two builders at once wait for each other. Wheels only: what a source
distribution runs when it is built would run in the gate.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekit.environments.compared import PINNED, installed
from gatekit.environments.declared import Declaration
from gatekit.environments.uv import ask_uv
from gatekit.errors import GatekitError, UsageProblem

# What our end of the line imports in there. mlflow is not of them: the model declares it.
WORKER_NEEDS = ("numpy", "pyarrow>=16", "pyyaml")
# Later ones refuse to be imported beside numpy 1, and do not say so to a resolver.
ARROW_BESIDE_NUMPY_1 = "pyarrow>=16,<22"
OLDEST_PYTHON = (3, 11)
RECORD = "gatekit-environment.json"
LAYOUT = "1"
WHEELS = ("--only-binary", ":all:")
# Copies: what happens to an environment does not reach uv's cache, from which others are made.
APART = ("--link-mode", "copy")


@dataclass(frozen=True, slots=True)
class Built:
    """An environment on disk. `packages` are versions by name; `added` is what we put in."""

    folder: Path
    version: str  # of its Python
    packages: dict[str, str]
    added: tuple[str, ...]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def sha256(self) -> str:
        """Over one line `name==version` for each package, sorted."""
        lines = (f"{name}=={version}\n" for name, version in sorted(self.packages.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def environments_folder() -> Path:
    """Where environments are kept: $GATEKIT_ENVIRONMENTS, else in the user's cache."""
    if given := os.environ.get("GATEKIT_ENVIRONMENTS"):
        return Path(given).resolve()
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "gatekit" / "environments"


def build(declaration: Declaration, cache: Path | None = None) -> Built:
    """The environment of `declaration`, made unless it is there.

    Raises:
        ModelMisbehaved: its requirements cannot be had together; the resolver's reason.
        UsageProblem: no uv, no index, no room.
    """
    cache = cache or environments_folder()
    python, version = _python(declaration.python)
    key = _key(declaration, version)
    folder = cache / key
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = _known(folder)
            return known or _make(declaration, python, version, folder)
    except OSError as error:
        raise UsageProblem(
            f"no environment can be kept in {cache} ({error.strerror})",
            "Name a folder of yours with GATEKIT_ENVIRONMENTS",
        ) from error


def already_built(declaration: Declaration, cache: Path | None = None) -> Built | None:
    """The environment of `declaration` if it is there."""
    with suppress(GatekitError):
        _, version = _python(declaration.python)
        return _known((cache or environments_folder()) / _key(declaration, version))
    return None


def _make(declaration: Declaration, python: str, version: str, folder: Path) -> Built:
    draft = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        listed, made = draft / "requirements.txt", draft / "environment"
        listed.write_text("".join(f"{line}\n" for line in declaration.requirements), "utf-8")
        pins = ask_uv(
            "pip", "compile", "--quiet", "--no-header", "--no-annotate", *WHEELS,
            "--python", python, "--no-python-downloads", str(listed),
        )  # fmt: skip
        added = _additions(dict(PINNED.findall(pins)))
        listed.write_text("\n".join((pins, *added)), "utf-8")
        ask_uv(
            "venv",
            "--quiet",
            "--no-project",
            "--no-python-downloads",
            "--python",
            python,
            str(made),
        )
        # Compiled here, since a model may not write beside its packages.
        ask_uv(
            "pip", "install", "--quiet", "--compile-bytecode", *WHEELS, *APART,
            "--python", str(made / "bin" / "python"), "-r", str(listed),
        )  # fmt: skip
        names = [name.partition(">")[0] for name in added]
        packages = _packages(made)
        record = {"python": version, "packages": packages, "added": names}
        (made / RECORD).write_text(json.dumps(record, indent=1), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        return Built(folder, version, packages, tuple(names))
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _additions(pins: dict[str, str]) -> list[str]:
    """What the declared packages do not bring and our end of the line needs."""
    added = [need for need in WORKER_NEEDS if need.partition(">")[0] not in pins]
    if pins.get("numpy", "").startswith("1."):
        return [ARROW_BESIDE_NUMPY_1 if need.startswith("pyarrow") else need for need in added]
    return added


def _known(folder: Path) -> Built | None:
    """The environment in `folder`, if it is whole and holds what was recorded."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text("utf-8"))
        built = Built(folder, record["python"], record["packages"], tuple(record["added"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return built if _packages(folder) == built.packages and built.python.exists() else None


def _packages(folder: Path) -> dict[str, str]:
    return installed(folder.glob("lib/python*/site-packages"))


def _key(declaration: Declaration, version: str) -> str:
    parts = (LAYOUT, *declaration.requirements, *WORKER_NEEDS, version, sysconfig.get_platform())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _python(declared: str) -> tuple[str, str]:
    """The interpreter, and its version: one like the declared if it is here, else ours."""
    ours = sys.executable, platform.python_version()
    minor = tuple(int(part) for part in declared.split(".")[:2] if part)
    if not minor or minor == sys.version_info[:2] or minor < OLDEST_PYTHON:
        return ours
    with suppress(GatekitError, OSError, subprocess.SubprocessError):
        named = ".".join(map(str, minor))
        found = ask_uv("python", "find", "--no-project", "--no-python-downloads", "--system", named)
        told = subprocess.run(
            [found.strip(), "-I", "-S", "-c", "import platform; print(platform.python_version())"],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return found.strip(), told.stdout.strip()
    return ours
