"""A world whose policy trusts keys, and the signed runs that are filed in it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gatekit.attest.envelope import sign
from gatekit.attest.keys import generate
from gatekit.attest.statement import gate_run_statement
from gatekit.decision import GateOutcome, GateResult
from gatekit.errors import PromotionRefused
from gatekit.estimate import Estimate
from gatekit.ledger import Check
from gatekit.policy import TrustedKey
from gatekit.promotion.verify import Question, verify
from gatekit.registry import GateRunRecord
from gatekit.report.document import JSON_FILE, TAG_PREFIX, summary_tag
from gatekit.report.signed import STATEMENT_FILE
from gatekit.verdict import Outcome, Verdict

NAME = "churn-model"
BOTH = {"accuracy": "PASSED", "latency": "PASSED"}
DATA, OTHER_DATA = "da" * 32, "0d" * 32
CI, TEAM, FOREIGN, DESK = generate(), generate("p256"), generate(), generate()


def trusted(key, *roles, **narrowed):
    return TrustedKey(public=key.public.pem, roles=roles or ("attest",), **narrowed)


class Signed:
    """A world whose policy trusts CI and files signed statements."""

    def __init__(self, world):
        self.world, self.registry = world, world.registry
        self.trust(ci=trusted(CI))
        self.version = world.add(gates={})

    def trust(self, **keys):
        if keys:
            keys = {**keys, "desk": trusted(DESK, "promote", "override")}
        self.world.policy = replace(self.world.policy, keys=keys)
        self.world.promoter = DESK if keys else None

    def file(self, gates=BOTH, *, key=CI, days=30, bend=None, slow=(), data=DATA, **changed):
        """File a signed run; `bend` changes the statement before it is signed."""
        self.world.later(minutes=1)
        created = changed.pop("created", self.world.now)
        report = self.world.report(self.version, gates, **changed)
        report = replace(
            report, data={"sha256": data}, run={**report.run, "created": created.isoformat()}
        )
        report = too_slow(report, *slow)
        payload = gate_run_statement(report.document(), created, created + timedelta(days=days))
        payload = bend(payload) if bend else payload
        return self.keep(report, sign(payload, key) if key else b"")

    def keep(self, report, envelope):
        raw = report.to_json()
        files = {JSON_FILE: raw, STATEMENT_FILE: envelope}
        run_id = self.registry.attach(GateRunRecord("gates", {}, {}, {}), files)
        self.registry.tag(
            NAME, self.version, TAG_PREFIX + run_id, summary_tag(report, raw, envelope)
        )
        return run_id

    def envelope(self, run_id, raw=None):
        """The envelope of a run; with `raw`, put that in its place, and its sha256 in the tag."""
        record, files = self.registry._runs[run_id]
        if raw is not None:
            import hashlib

            key = TAG_PREFIX + run_id
            tag = json.loads(self.registry.version(NAME, self.version).tags[key])
            tag["statement"] = hashlib.sha256(raw).hexdigest()
            self.registry.tag(NAME, self.version, key, json.dumps(tag))
            self.registry._runs[run_id] = (record, {**files, STATEMENT_FILE: raw})
        return files[STATEMENT_FILE]

    def promote(self, **ask):
        return self.world.promote(self.version, **{"data_sha256": DATA, **ask})

    def refusal(self, **ask):
        with pytest.raises(PromotionRefused) as caught:
            self.promote(**ask)
        assert self.world.holder() == ""
        return "\n".join(caught.value.reasons)

    def steps(self, **ask):
        ask = Question(NAME, self.version, ask.pop("targets", None), DATA)
        return verify(ask, self.registry, self.world.policy, self.world.clock)


def too_slow(report, *gates):
    """The same report, with those gates failed by milliseconds alone."""
    for gate in gates:
        estimate = Estimate("p99", 60.0, 58.0, 63.0, 0.95, 1000, "order statistics", "ms", 299)
        slow = Verdict(Outcome.FAILED, "it cannot reach the bar")
        results = tuple(g for g in report.gates if g.gate != gate)
        failed = GateResult(gate, GateOutcome.FAILED, ("p99: it cannot reach the bar",))
        report = replace(
            report,
            outcome=GateOutcome.FAILED,
            gates=(*results, failed),
            checks=(*report.checks, Check(gate, "t", estimate, slow, "<=", 50.0, f"{gate}.p99_ms")),
        )
    return report
