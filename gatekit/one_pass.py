"""The one pass over a holdout that streams: asked for by the first gate, told to all others."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from gatekit.data import check_grouping, check_slice
from gatekit.evidence.whole import Evidence
from gatekit.passes import Pass
from gatekit.streaming import question as questions
from gatekit.streaming.names import GROUPS, slice_name
from gatekit.streaming.own import Own
from gatekit.streaming.question import NO_OWN
from gatekit.streaming.spread import Sought
from gatekit.streaming.told import Told


class Seeking(Protocol):
    """Who compares the holdout with a reference, if anybody does."""

    def seek(self) -> Sought | None:
        """What the pass counts for that; None if the holdout is not compared."""

    def hangs_on(self) -> dict[str, Any] | None:
        """By which digests that is chosen: JSON values; None likewise."""


@dataclass
class OnePass(Pass):
    """The holdout, asked by every gate.

    `samples` may be those that it is one of; `own` are a team's measures that are counted, too.
    """

    samples: Seeking | None = None
    own: Own = NO_OWN

    def told(self) -> Told:
        """What the pass tells; raises as `evidence`."""
        return self._told

    @cached_property
    def _told(self) -> Told:
        found = self.evidence()
        return Told(self.question(), found)

    def as_dict(self) -> dict[str, Any]:
        """For the report: as of any pass, and the digests of a team's measures."""
        own = {each.said: each.sha256 for each in self.own.measures}
        return {**super().as_dict(), "own": own}

    def question(self) -> questions.Question:
        """From what the models say of the pilot."""
        return self._question

    @cached_property
    def _question(self) -> questions.Question:
        policy = self.counting.policy
        said = {role: each.says(self.data.pilot) for role, each in self.subjects.items()}
        quantile = policy.gates.accuracy.quantile
        given = policy.task, policy.positive, quantile, said, self.own
        asked = questions.ask(self.data, *given)
        return replace(asked, spread=self.samples.seek() if self.samples else None)

    def check(self, found: Evidence) -> None:
        """Refuse more slices or groups than are judged: the pilot need not have shown them all."""
        asked, file = self.question(), self.data.path.name
        for place, columns in enumerate(asked.slices):
            if (counted := found.counts.get(slice_name(place))) is not None:
                check_slice(file, columns, [len(counted.values(name)) for name in columns])
        for columns in asked.sensitive:
            counted = found.counts[GROUPS]
            check_grouping(file, columns, [len(counted.values(name)) for name in columns])

    def depends_on(self) -> dict[str, Any]:
        """The policy's part in it, and the reference that the bins are of."""
        policy = self.counting.policy
        return {
            "holdout": asdict(replace(policy.holdout, path="", uses=None)),
            "quantile": policy.gates.accuracy.quantile,
            "compared": self.samples.hangs_on() if self.samples else None,
            "own": [[each.said, each.sha256] for each in self.own.measures],
            "replicates": self.own.replicates,
        }
