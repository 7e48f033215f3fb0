"""What the pages whose blocks are followed share."""

import pytest

from gatekit.runner.forkserver import ForkServer


@pytest.fixture(scope="session")
def server():
    """One for all runs of these tests; toys need no more than Arrow."""
    found = ForkServer.begin(("pyarrow",))
    yield found
    if found is not None:
        found.close()


@pytest.fixture
def light(server, monkeypatch):
    """Runs in this process take their models' processes from one server, and leave it alive."""
    with monkeypatch.context() as patched:
        patched.setattr(ForkServer, "begin", lambda: server)
        patched.setattr(ForkServer, "close", lambda _: None)
        yield
