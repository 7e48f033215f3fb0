"""A small world to promote in: a registry in memory, a policy, a clock that is set by hand."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from gatekit.attest.envelope import sign
from gatekit.attest.keys import PrivateKey
from gatekit.attest.statement import gate_run_statement
from gatekit.decision import GateOutcome, GateResult
from gatekit.ledger import Check, no_champion
from gatekit.policy import DataSpec, Policy, Target
from gatekit.policy_gates import AccuracyGate, FairnessGate, Gates, LatencyGate, LoadGate
from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Journal
from gatekit.promotion.promote import PromotionRequest, promote
from gatekit.promotion.requirements import Override
from gatekit.promotion.rollback import RollbackRequest, rollback
from gatekit.registry import GateRunRecord
from gatekit.registry.memory import MemoryRegistry
from gatekit.report.document import JSON_FILE, TAG_PREFIX, Report, summary_tag
from gatekit.report.signed import STATEMENT_FILE
from gatekit.uses import Uses
from gatekit.verdict import Outcome, Verdict

from .office import Office
from .signing import Signed

NAME = "churn-model"
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OFFLINE = {"accuracy": "PASSED", "latency": "PASSED"}
ALL = {**OFFLINE, "load": "PASSED"}
USES = Uses(number=3, declared=32, left=29, parts=32)


def make_policy(pointer="alias", **staging):
    staging = {"requires": ("accuracy", "latency"), "override": ("accuracy", "fairness"), **staging}
    return Policy(
        model=NAME,
        holdout=DataSpec(path="data/holdout.parquet", target="churn"),
        pointer=pointer,
        gates=Gates(
            accuracy=AccuracyGate(floor=0.8),
            latency=LatencyGate(p99_ms=50),
            fairness=FairnessGate(selection_rate_ratio=0.8),
            load=LoadGate(p99_ms=80),
        ),
        promotion={
            "staging": Target(**staging),
            "production": Target(
                requires=("load",), from_="staging", override=("accuracy", "ladder")
            ),
        },
    )


@dataclass
class World:
    policy: Policy = field(default_factory=make_policy)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    now: datetime = START
    attester: PrivateKey | None = None  # signs the reports that are filed
    promoter: PrivateKey | None = None  # signs what moves pointers

    def clock(self):
        return self.now

    def later(self, **by):
        self.now += timedelta(**by)

    @property
    def desk(self):
        return Desk.of(self.registry, self.policy, "eve", self.clock)

    @property
    def journal(self):
        return Journal.read(self.registry, NAME)

    def holder(self, target="staging"):
        return self.desk.holder(target)

    def add(self, content=None, gates=OFFLINE, **changed):
        """Register a version and file a report for it; returns its number."""
        made = content or f"bytes {len(self.registry._files) + 1}".encode()
        version = self.registry.register(
            NAME, {"MLmodel": b"flavors: {}", "model.pkl": made}
        ).version
        if gates:
            self.file(version, gates, **changed)
        return version

    def file(self, version, gates=OFFLINE, *, tamper=False, **changed):
        """File a report about the bytes of a version as they are now; returns the run's id."""
        self.later(minutes=1)
        raw = (report := self.report(version, gates, **changed)).to_json()
        files = {JSON_FILE: raw.replace(b"FAILED", b"PASSED") if tamper else raw}
        if self.attester is not None:
            until = self.now + timedelta(days=30)
            payload = gate_run_statement(report.document(), self.now, until)
            files[STATEMENT_FILE] = sign(payload, self.attester)
        run_id = self.registry.attach(GateRunRecord("gates", {}, {}, {}), files)
        tag = summary_tag(report, raw, files.get(STATEMENT_FILE, b""))
        self.registry.tag(NAME, version, TAG_PREFIX + run_id, tag)
        return run_id

    def report(self, version, gates, *, digest=None, policy=None, loosened=(), voids=(), lonely=()):
        outcomes = set(gates.values())
        worst = next(
            (o for o in ("FAILED", "INCONCLUSIVE", "INCOMPLETE") if o in outcomes), "PASSED"
        )
        return Report(
            model={
                "name": NAME,
                "version": version,
                "uri": f"models:/{NAME}/{version}",
                "digest": digest or self.desk.digest(version),
            },
            champion={},
            data={},
            policy={
                "digest": policy or self.policy.digest,
                "changes": [
                    {
                        "gate": gate,
                        "loosened": True,
                        "words": f"{gate}.floor loosened from 0.8 to 0.7",
                    }
                    for gate in loosened
                ],
            },
            run={"created": self.now.isoformat(), "voids": list(voids), "uses": USES.as_dict()},
            outcome=GateOutcome("FAILED" if voids else worst),
            gates=tuple(
                GateResult(
                    g, GateOutcome(o), () if o in ("PASSED", "OBSERVED") else (f"{g} fell short",)
                )
                for g, o in gates.items()
            ),
            reasons=tuple(f"{g}: {g} fell short" for g, o in gates.items() if o != "PASSED"),
            checks=tuple(
                Check(
                    g,
                    "test",
                    no_champion("gain", 0.95, "nobody yet"),
                    Verdict(Outcome.NO_CHAMPION, "none yet"),
                    ">=",
                    0.0,
                )
                for g in lonely
            ),
        )

    def override(self, *gates, days=7, reason="the campaign cannot wait"):
        return Override(reason, gates, self.now + timedelta(days=days))

    def promote(self, version, target="staging", by="ana", policy=None, **ask):
        self.later(seconds=1)
        request = PromotionRequest(NAME, version, target, by, **ask)
        return promote(
            request, self.registry, policy or self.policy, self.clock, signer=self.promoter
        )

    def rollback(self, target="staging", by="ana", **ask):
        self.later(seconds=1)
        return rollback(
            RollbackRequest(NAME, target, by, **ask), self.registry, self.policy, self.clock
        )

    def settled(self, target="staging"):
        """Whether pointer and journal agree and nothing is left open."""
        entry = self.journal.in_effect(target)
        if entry is None:
            return self.holder(target) == ""
        return self.journal.is_done(entry) and self.holder(target) == entry.version

    def with_staging(self, **changed):
        self.policy = replace(make_policy(self.policy.pointer, **changed))
        return self


@pytest.fixture(params=["alias", "stage"])
def world(request):
    return World(policy=make_policy(request.param))


@pytest.fixture(scope="session")
def fresh_world():
    """A maker, for tests that need a new world at each of their steps."""
    return lambda pointer="alias": World(policy=make_policy(pointer))


@pytest.fixture
def office(world):
    return Office(world)


@pytest.fixture
def strict(world):
    return Office(world, second_person=True)


@pytest.fixture
def signed(fresh_world):
    return Signed(fresh_world())
