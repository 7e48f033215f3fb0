"""What a model's answer says of rows, by the policy: which label, and the score of which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatekit.errors import GatekitError, ModelMisbehaved
from gatekit.evidence.counts import is_label
from gatekit.scoring.answers import TWO, Scored

Answer = tuple[NDArray[Any], ...]  # labels, (n,), and scores where there are any


@dataclass(frozen=True, slots=True)
class Reading:
    """How the answers of the model called `title` are read."""

    title: str
    task: str
    positive: Any
    negative: Any
    threshold: float

    def answer(self, said: Scored | NDArray[Any]) -> Answer:
        """Labels, (n,), and the scores behind them, (n,) or (n, K), where it gives any.

        Raises:
            ModelMisbehaved: see `labels`.
        """
        return (self.labels(said), said.scores) if isinstance(said, Scored) else (said,)

    def answer_or_error(self, said: Scored | NDArray[Any] | GatekitError) -> Answer | GatekitError:
        """As `answer`, an error in its place."""
        if isinstance(said, GatekitError):
            return said
        try:
            return self.answer(said)
        except ModelMisbehaved as error:
            return error

    def labels(self, said: Scored) -> NDArray[Any]:
        """The model's own labels, (n,); else those that its scores give.

        Raises:
            ModelMisbehaved: the scores are not of the classes that the task has.
        """
        if said.labels is not None:
            return said.labels
        if self.task != "binary":
            if not said.classes:
                raise ModelMisbehaved(f"{self.title} gives one score a row, and no class of many")
            return np.asarray(np.asarray(said.classes)[np.argmax(said.scores, axis=1)])
        over = self.scores(said) >= self.threshold
        return np.asarray(np.where(over, self.positive, self.negative))

    def scores(self, said: Scored) -> NDArray[np.float64]:
        """Of the positive class, (n,); for a multiclass task of each, (n, K), as `classes` lie.

        Raises:
            ModelMisbehaved: see `labels`.
        """
        if self.task != "binary" or not said.classes:
            return said.scores
        mine = np.flatnonzero([is_label(np.array([c]), self.positive)[0] for c in said.classes])
        if mine.size != 1 or len(said.classes) != TWO:
            listed = ", ".join(map(str, said.classes[:8]))
            raise ModelMisbehaved(
                f"{self.title} scores the classes {listed}, and the task is binary with "
                f"{self.positive!r} as its positive label",
                "Say which label is positive, or set task to multiclass",
            )
        return np.ascontiguousarray(said.scores[:, mine[0]])
