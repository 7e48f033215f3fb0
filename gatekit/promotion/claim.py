"""What a promotion claims: that a version, with these bytes and reports, shall hold a target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekit.promotion.journal import Journal
from gatekit.promotion.proofs import Proofs
from gatekit.promotion.trusted import Judge


@dataclass(frozen=True, slots=True)
class Override:
    """A person's word in place of proof: for named gates, for one version, for a while."""

    reason: str
    gates: tuple[str, ...]
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A version that shall hold a target, with everything that speaks for or against it."""

    target: str
    version: str
    digest: str  # of the bytes as they are now
    proofs: Proofs
    journal: Journal
    now: datetime
    override: Override | None = None
    judge: Judge = Judge()  # noqa: RUF009 - frozen, so one may stand for all
    data_sha256: str | None = None  # of the holdout beside the promoter's policy, if it is there
    asked: datetime | None = None  # when the override was, that a second person has approved

    def names(self, gate: str) -> bool:
        """Whether the override names that gate."""
        return self.override is not None and gate in self.override.gates
