"""A folder registry with toy models, gate reports about them, and a service over both."""

import hashlib
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta

import numpy as np
import pytest

from gatekit.attest.envelope import sign
from gatekit.attest.statement import gate_run_statement
from gatekit.decision import GateOutcome
from gatekit.digest import model_digest, model_files
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Entry
from gatekit.promotion.promote import expected
from gatekit.registry import GateRunRecord
from gatekit.registry.folder import FolderRegistry
from gatekit.report.document import FORM_FILE, JSON_FILE, TAG_PREFIX, Report, summary_tag
from gatekit.report.signed import STATEMENT_FILE
from gatekit.scoring.form import Form
from gatekit.scoring.signature import Column, Signature
from gatekit.service_client import LiveService
from gatekit.testing import write_toy
from gatekit.testing.toys import COLUMNS
from gatekit.times import utc_now
from gatekit_service.lane import lane
from gatekit_service.settings import Settings
from gatekit_service.state import State
from gatekit_service.watching import Watcher

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
            "trial": False,  # a second of each test; the trial has tests of its own
        }
        return Settings(**{**values, **changed})

    def opener(self):
        if self.down:
            raise self.down
        return Breakable(self)

    def register(self, rule="threshold", columns=COLUMNS, **params):
        folder = write_toy(self.root / f"toy-{time.monotonic_ns()}", rule, columns, **params)
        return self.registry.register(NAME, folder).version

    def digest(self, version):
        return model_digest(model_files(self.files(version)))

    def files(self, version):
        return self.root / "registry" / "models" / NAME / "versions" / version / "model"

    def gate(
        self,
        version,
        digest=None,
        engine="native",
        created="2026-01-01T00:00:00+00:00",
        *,
        signer=None,
        days=30,
        golden=None,
        form=b"",
    ):
        told = {"golden": golden or {"none": "not asked"}, "compiled": ""}
        if form:
            engine, told["compiled"] = "compiled", hashlib.sha256(form).hexdigest()
        report = Report(
            model={"name": NAME, "version": version, "digest": digest or self.digest(version)},
            champion={},
            data={},
            policy={"digest": "0" * 64, "changes": []},
            run={"engine": engine, "created": created, **told},
            outcome=GateOutcome.PASSED,
            gates=(),
        )
        raw = report.to_json()
        files = {JSON_FILE: raw}
        if signer is not None:
            begin = datetime.fromisoformat(created)
            end = begin + timedelta(days=days)
            files[STATEMENT_FILE] = sign(gate_run_statement(report.document(), begin, end), signer)
        if form:
            files[FORM_FILE] = form
        run = self.registry.attach(GateRunRecord("t", {}, {}, {}), files)
        tag = summary_tag(report, raw, files.get(STATEMENT_FILE, b""))
        self.registry.tag(NAME, version, TAG_PREFIX + run, tag)
        return run

    def point(self, version):
        self.registry.move(NAME, "staging", version, "alias")

    def enter(self, version, signer=None, **fields):
        """Write a journal entry that gives the pointer to a version, and move it."""
        desk = Desk(self.registry, NAME, "alias", "ana", utc_now, signer)
        journal = desk.journal()
        entry = Entry(
            kind=fields.pop("kind", "promote"),
            target="staging",
            version=version,
            digest=self.digest(version),
            expects=expected(journal, "staging"),
            **fields,
        )
        desk.append(entry, journal)
        self.point(version)

    def policy(self, **keys):
        """A policy file that trusts these keys with everything; its path."""
        text = f'model = "{NAME}"\n[data.holdout]\npath = "h.parquet"\ntarget = "y"\n'
        text += "[gates.accuracy]\nfloor = 0.5\n[promotion.staging]\nrequires = ['accuracy']\n"
        for name, key in keys.items():
            (self.root / f"{name}.pub").write_text(key.public.pem)
            text += f'[keys.{name}]\npublic = "{name}.pub"\n'
            text += 'roles = ["attest", "promote", "override", "revoke"]\n'
        path = self.root / "gates.toml"
        path.write_text(text)
        return path


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


@pytest.fixture
def follow(world):
    """A watcher that looks when told to, and its state."""

    def make(**changed):
        settings = world.settings(**changed)
        state = State(settings.spelled, settings.model)
        return Watcher(settings, state, world.opener), state

    return make


@contextmanager
def served(app):
    """The app on a free port of loopback, in a thread; gives a client."""
    import uvicorn

    config = uvicorn.Config(
        app, http=lane(app.scoring), port=0, log_level="error", ws="none", access_log=False
    )
    server = uvicorn.Server(config)
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
    with service_started(settings, log) as process:
        yield process.url


@contextmanager
def service_started(settings, log):
    """The same; gives the process, with its `url`."""
    environment = {
        **os.environ,
        **{
            f"GATEKIT_{key.upper()}": str(int(value) if isinstance(value, bool) else value)
            for key, value in settings.as_dict().items()
            if value is not None
        },
    }
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "gatekit_service"], env=environment, stderr=stream
        )
    try:
        found = wait_for(lambda: re.search(r"running on (http://\S+)", log.read_text()), 300)
        process.url = found[1]
        yield process
    finally:
        process.terminate()
        process.wait(20)


def linear_form(*weights, classes=(0, 1)):
    """A compiled model over the toys' columns: class 1 where the weighted sum is positive."""
    head = {
        "do": "linear",
        "coefficients": np.array([weights], dtype=np.float64),
        "intercept": np.zeros(1),
        "classes": np.array(classes),
        "odds": "expit",
    }
    columns = tuple(Column(name, "double") for name in COLUMNS)
    return Form(Signature(columns), (), head, by_columns=False, classes=tuple(classes)).pack()


def wait_for(question, seconds=60.0):
    until = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.02)
    return answer
