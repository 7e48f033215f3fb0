"""What a user's gate run has too: one process that has imported, whose forks hold the models."""

from __future__ import annotations

import pytest

from gatekit.runner.forkserver import ForkServer

# A plugin for a run in a process of its own: its models are toys, which wait for no imports.
LIGHT = 'import gatekit.runner.forkserver as f\nf.MODULES = ("pandas",)\n'


@pytest.fixture(scope="session")
def forks():
    """Processes of real models are forks of it: each would else import MLflow for itself."""
    made = ForkServer.begin()
    yield made
    if made is not None:
        made.close()
