"""What a pass told of one of its models, in the shapes that the measures take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatekit.evidence.confusion import ConfusionTable
from gatekit.evidence.groupings import JointCounts, joint_of
from gatekit.evidence.keyed import KeyedCounts
from gatekit.evidence.scores import ScoreTable
from gatekit.evidence.whole import Evidence
from gatekit.streaming.names import (
    AUC,
    CONFIDENCE,
    GROUPS,
    group_name,
    no_class,
    off_sum,
    outside,
)
from gatekit.streaming.question import CANDIDATE, CHAMPION, Question


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Evidence with the question that it answers."""

    question: Question
    evidence: Evidence

    def confusion(self) -> ConfusionTable | None:
        """True against predicted labels; None over 100 of them."""
        return self.evidence.labels[CANDIDATE].table()

    def joint_counts(self) -> JointCounts:
        """Rows by all sensitive columns, true and predicted label."""
        counted = self.evidence.counts[GROUPS]
        return joint_of(counted, self.numeric(counted), self.question.sensitive)

    def numeric(self, counted: KeyedCounts) -> Sequence[bool]:
        """Whether the values of each column of the keys are numbers."""
        return [name in self.question.numeric for name in counted.columns]

    def score_table(self, role: str) -> ScoreTable:
        """Rows by score and by whether they are positive."""
        return self.evidence.ranks[role].table(self.question.edges[role])

    def confidences(self) -> ScoreTable:
        """Multiclass: rows by the probability of the label said, and whether that was right."""
        edges = self.question.confidence
        assert edges is not None  # noqa: S101 - there is a table only where there are bins
        return self.evidence.ranks[CONFIDENCE].table(edges)

    def group_tables(self) -> list[dict[str, ScoreTable]]:
        """For each sensitive grouping the rows of each group, "sex=f race=2", by score."""
        made = []
        counts = self.joint_counts()
        for place, columns in enumerate(self.question.sensitive):
            held = self.evidence.groups[group_name(place)]
            bins = self.question.group_bins[place]
            found = {
                " ".join(f"{c}={v}" for c, v in zip(columns, group, strict=True)): group
                for group in held.groups
            }
            made.append(
                {name: held.table(found.get(name, ()), bins)
                 for name in counts.groupings[place].groups}
            )  # fmt: skip
        return made

    def differences(self) -> list[tuple[float, float]]:
        """Of the models' placements, for the AUC; see `Rivals.differences`."""
        new, old = (
            (self.question.placements[role], self.evidence.ranks[role].counts)
            for role in (CANDIDATE, CHAMPION)
        )
        return self.evidence.rivals[AUC].differences(new, old)

    @property
    def has_probabilities(self) -> bool:
        """Whether scores were given that can be probabilities of the task's labels."""
        return bool(self.question.edges) or self.question.confidence is not None

    def why_no_probabilities(self, role: str, title: str) -> str:
        """Why the scores of a model are no probabilities; empty where they are."""
        odd = self.evidence.odd
        if count := odd[outside(role)]:
            return f"{title} scores {count:,} times outside 0 to 1: these are no probabilities"
        if count := odd[off_sum(role)]:
            return (
                f"the scores of {title} do not sum to 1 in {count:,} rows: these are no "
                "probabilities"
            )
        if count := odd[no_class(role)]:
            return f"{title} has no score for the label of {count:,} rows"
        return ""
