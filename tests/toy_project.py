"""A project that needs no server: a registry in a folder, a good version, a bad one, a holdout."""

from __future__ import annotations

from pathlib import Path

from gatekit.registry.folder import FolderRegistry
from gatekit.testing import toy_holdout, write_toy


def furnish(root: Path) -> FolderRegistry:
    """The registry of `toy`; version 1 is right, version 2 answers too few rows."""
    (root / "pyproject.toml").write_text('[tool.gatekit]\nregistry = "folder:registry"\n')
    toy_holdout(root / "holdout.parquet", 400, seed=1)
    registry = FolderRegistry(root / "registry")
    registry.register("toy", write_toy(root / "good", "threshold"))
    registry.register("toy", write_toy(root / "bad", "wrong_length"))
    return registry
