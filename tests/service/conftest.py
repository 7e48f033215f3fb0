"""A folder registry with toy models, gate reports about them, and a service over both."""

import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from gatekit.decision import GateOutcome
from gatekit.digest import model_digest, model_files
from gatekit.registry import GateRunRecord
from gatekit.registry.folder import FolderRegistry
from gatekit.report.document import JSON_FILE, TAG_PREFIX, Report, summary_tag
from gatekit.service_client import LiveService
from gatekit.testing import write_toy
from gatekit_service.settings import Settings

NAME = "churn-model"


class World:
    """Registry, cache and the ways to change them."""

    def __init__(self, root):
        self.root = root
        self.registry = FolderRegistry(root / "registry")
        self.down = None

    def settings(self, **changed):
        values = {
            "model": NAME,
            "registry": self.registry.uri,
            "cache": self.root / "cache",
            "poll_seconds": 0.05,
            "port": 0,
        }
        return Settings(**{**values, **changed})

    def opener(self):
        if self.down:
            raise self.down
        return Breakable(self)

    def register(self, rule="threshold", **params):
        folder = write_toy(self.root / f"toy-{time.monotonic_ns()}", rule, **params)
        return self.registry.register(NAME, folder).version

    def digest(self, version):
        return model_digest(model_files(self.files(version)))

    def files(self, version):
        return self.root / "registry" / "models" / NAME / "versions" / version / "model"

    def gate(self, version, digest=None, engine="native", created="2026-01-01T00:00:00+00:00"):
        report = Report(
            model={"name": NAME, "version": version, "digest": digest or self.digest(version)},
            champion={},
            data={},
            policy={"digest": "0" * 64, "changes": []},
            run={"engine": engine, "created": created},
            outcome=GateOutcome.PASSED,
            gates=(),
        )
        raw = report.to_json()
        run = self.registry.attach(GateRunRecord("t", {}, {}, {}), {JSON_FILE: raw})
        self.registry.tag(NAME, version, TAG_PREFIX + run, summary_tag(report, raw))
        return run

    def point(self, version):
        self.registry.move(NAME, "staging", version, "alias")


class Breakable:
    """The registry, until the world says it is down."""

    def __init__(self, world):
        self._world = world

    def __getattr__(self, name):
        if self._world.down:
            raise self._world.down
        return getattr(self._world.registry, name)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@contextmanager
def served(app):
    """The app on a free port of loopback, in a thread; gives a client."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="error", ws="none", access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    client = LiveService(f"http://127.0.0.1:{port}")
    try:
        yield client
    finally:
        client.close()
        server.should_exit = True
        thread.join(10)


@contextmanager
def service_process(settings, log):
    """The real thing: python -m gatekit_service on a free port; gives its URL."""
    environment = {
        **os.environ,
        **{
            f"GATEKIT_{key.upper()}": str(getattr(settings, key))
            for key in settings.__dataclass_fields__
        },
    }
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "gatekit_service"], env=environment, stderr=stream
        )
    try:
        found = wait_for(lambda: re.search(r"running on (http://\S+)", log.read_text()), 30)
        yield found[1]
    finally:
        process.terminate()
        process.wait(20)


def wait_for(question, seconds=10.0):
    until = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)
    return answer
