"""The index that uv is configured with, for tests that install what lies on no disk here."""

import os

import pytest

from gatekit.environments.uv import ask_uv
from gatekit.errors import GatekitError


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """Skips where the index does not answer."""
    asked = tmp_path_factory.mktemp("index") / "requirements.txt"
    asked.write_text("pyyaml\n")
    try:
        ask_uv("pip", "compile", "--quiet", "--no-header", str(asked))
    except GatekitError as error:
        if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
            pytest.fail(f"no index, and GATEKIT_REQUIRE_ALL=1: {error}")
        pytest.skip(f"no index: {error}")
