"""Two indexes: a folder of wheels made here, and whatever uv is configured with."""

import os

import pytest

from gatekit.environments.declared import Declaration
from gatekit.environments.uv import ask_uv
from gatekit.errors import GatekitError


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


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """The index that uv is configured with, if it answers."""
    asked = tmp_path_factory.mktemp("index") / "requirements.txt"
    asked.write_text("pyyaml\n")
    try:
        ask_uv("pip", "compile", "--quiet", "--no-header", str(asked))
    except GatekitError as error:
        if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
            pytest.fail(f"no index, and GATEKIT_REQUIRE_ALL=1: {error}")
        pytest.skip(f"no index: {error}")
