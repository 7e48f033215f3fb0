"""An index of wheels made here, and where environments are kept."""

import pytest

from gatekit.environments.declared import Declaration


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """An empty folder that is the only index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "environments"
    monkeypatch.setenv("GATEKIT_ENVIRONMENTS", str(folder))
    return folder


@pytest.fixture
def bare(monkeypatch):
    """Environments without what a worker needs: nobody runs in them."""
    from gatekit.environments import build

    monkeypatch.setattr(build, "WORKER_NEEDS", ())


@pytest.fixture
def declare():
    def made(*requirements, python=""):
        return Declaration(requirements, python, "requirements.txt")

    return made
