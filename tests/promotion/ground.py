"""One model on a real `mlflow server`, with proven versions; and processes to promote them with."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import uuid
import warnings
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from gatekit.attest.envelope import sign
from gatekit.attest.keys import PrivateKey
from gatekit.attest.statement import gate_run_statement
from gatekit.decision import GateOutcome, GateResult
from gatekit.errors import GatekitError
from gatekit.policy import Policy
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Journal
from gatekit.promotion.promote import PromotionRequest, promote
from gatekit.promotion.rollback import RollbackRequest, rollback
from gatekit.registry import GateRunRecord, stage_name
from gatekit.registry.mlflow import MlflowRegistry
from gatekit.report.document import JSON_FILE, TAG_PREFIX, Report, summary_tag
from gatekit.report.signed import STATEMENT_FILE
from gatekit.times import iso, utc_now

from .conftest import OFFLINE, make_policy

PATIENCE_S = 300


@dataclass
class Ground:
    """What `World` is in memory, over HTTP; `uri` may lead through a proxy."""

    uri: str
    policy: Policy
    name: str = field(default_factory=lambda: f"fire-{uuid.uuid4().hex[:8]}")
    attester: PrivateKey | None = None  # signs the reports that are filed

    def __post_init__(self):
        self.policy = replace(self.policy, model=self.name)
        self.registry = MlflowRegistry(self.uri)

    @classmethod
    def with_versions(cls, uri, pointer, count):
        """A fresh model with that many versions, each with a report that passed."""
        ground = cls(uri, make_policy(pointer))
        for _ in range(count):
            ground.add()
        return ground

    def through(self, uri):
        """The same model, seen through another address."""
        return Ground(uri, self.policy, self.name)

    def again(self):
        """The same model, as another process sees it."""
        return self.through(self.uri)

    @property
    def client(self):
        return self.registry._client

    @property
    def desk(self):
        return Desk.of(self.registry, self.policy, "eve", utc_now)

    @property
    def journal(self):
        return Journal.read(self.registry, self.name)

    def add(self, *, proved=True):
        run = self.client.create_run(self.registry.experiment("training")).info
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "MLmodel").write_text("flavors: {}\n")
            Path(folder, "model.pkl").write_text(run.run_id)
            self.client.log_artifacts(run.run_id, folder, "model")
        with contextlib.suppress(Exception):
            self.client.create_registered_model(self.name)
        source = f"{run.artifact_uri}/model"
        version = str(self.client.create_model_version(self.name, source, run.run_id).version)
        if proved:
            self.prove(version)
        return version

    def prove(self, version):
        report = self.report(version)
        raw = report.to_json()
        files = {JSON_FILE: raw}
        if self.attester is not None:
            until = utc_now() + timedelta(days=30)
            payload = gate_run_statement(report.document(), utc_now(), until)
            files[STATEMENT_FILE] = sign(payload, self.attester)
        run_id = self.registry.attach(GateRunRecord("gates", {}, {}, {}), files)
        tag = summary_tag(report, raw, files.get(STATEMENT_FILE, b""))
        self.registry.tag(self.name, version, TAG_PREFIX + run_id, tag)

    def report(self, version):
        return Report(
            model={
                "name": self.name,
                "version": version,
                "uri": f"models:/{self.name}/{version}",
                "digest": self.desk.digest(version),
            },
            champion={},
            data={},
            policy={"digest": self.policy.digest, "changes": []},
            run={"created": iso(utc_now()), "voids": []},
            outcome=GateOutcome.PASSED,
            gates=tuple(GateResult(gate, GateOutcome.PASSED, ()) for gate in OFFLINE),
        )

    def promote(self, version, by="ana", **ask):
        request = PromotionRequest(self.name, version, "staging", by, **ask)
        return promote(request, self.registry, self.policy)

    def rollback(self, by="ana", **ask):
        return rollback(
            RollbackRequest(self.name, "staging", by, **ask), self.registry, self.policy
        )

    def do(self, command, mine, old):
        """`promote` the version `mine`, go back to `old` (`rollback`), or back at once (`now`)."""
        acts = {
            "promote": lambda: self.promote(mine),
            "rollback": lambda: self.rollback(to=old),
            "now": lambda: self.rollback(now=True),
        }
        return acts[command]()

    def holder(self):
        return self.desk.holder("staging")

    def in_stage(self):
        """Everybody who is in the stage; otherwise the holder alone."""
        if self.policy.pointer != "stage":
            return [self.holder()] if self.holder() else []
        found = self.registry._journal.search(self.name)
        return [str(v.version) for v in found if v.current_stage == stage_name("staging")]

    def problems(self):
        """Everything that is not whole, in words; empty if pointer and journal are one."""
        journal = self.journal
        entry = journal.in_effect("staging")
        wanted = [entry.version] if entry else []
        found = list(journal.check_chain())
        if self.in_stage() != wanted:
            found.append(f"the journal says {wanted}, there are {self.in_stage()}")
        if entry is not None and not journal.is_done(entry):
            found.append(f"#{entry.number} is open")
        return found


def told(act):
    """What somebody is told of an act, as plain JSON: how it ended, and the words."""
    try:
        done = act()
        return {"end": "won", "entry": done.entry, "words": "; ".join(done.notes)}
    except GatekitError as error:
        return {"end": type(error).__name__, "entry": 0, "words": str(error)}
    except Exception as error:  # noqa: BLE001 - judged by the test
        return {"end": type(error).__name__, "entry": 0, "words": repr(error)}


class Child:
    """A forked process that does one act when it is let go, and says how it went."""

    def __init__(self, act):
        go, self._go = os.pipe()
        self._answer, answer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
            self.pid = os.fork()
        if self.pid == 0:
            os.close(self._go)
            os.close(self._answer)
            self._live(act, go, answer)
        os.close(go)
        os.close(answer)

    @staticmethod
    def _live(act, go, answer):
        try:
            signal.alarm(PATIENCE_S)
            os.read(go, 1)
            os.write(answer, json.dumps(told(act)).encode())
        finally:
            os._exit(0)

    def let_go(self):
        os.write(self._go, b"!")  # not a close: later children hold this end as well
        os.close(self._go)

    def answer(self):
        """What it was told; None if it was killed."""
        with os.fdopen(self._answer, "rb") as stream:
            raw = stream.read()
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return None
        return json.loads(raw)
