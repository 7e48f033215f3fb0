"""The registry contract, run against every registry there is."""

from __future__ import annotations

import pytest

from gatekit.registry.folder import FolderRegistry

from .contract import Bench, RegistryContract


class TestFolder(RegistryContract):
    @pytest.fixture
    def bench(self, tmp_path):
        registry = FolderRegistry(tmp_path / "registry")
        return Bench(
            registry,
            registry.uri,
            lambda name, folder: registry.register(name, folder).version,
            tmp_path / "registry" / "models",
        )


class TestSqlite(RegistryContract):
    @pytest.fixture
    def bench(self, sqlite_bench):
        return sqlite_bench


@pytest.mark.slow
class TestServer(RegistryContract):
    @pytest.fixture
    def bench(self, server_bench):
        return server_bench
