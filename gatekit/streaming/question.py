"""What a pass is asked: chosen once, from the policy and a pilot, before any row is counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.data import Holdout
from gatekit.evidence.counts import is_label
from gatekit.evidence.group_ranks import Coarser
from gatekit.evidence.ranks import Edges
from gatekit.evidence.rivals import Placements
from gatekit.streaming.own import Own
from gatekit.streaming.scales import Scales
from gatekit.streaming.spread import Sought

CANDIDATE, CHAMPION = "candidate", "champion"
SUMMED = "biuf"  # kinds of numbers
NO_OWN = Own()


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What one model said of some rows: labels, (n,); scores, (n,) or (n, K), if it gives any.

    `whole` are the scores of all classes as they came, of which `scores` are those asked for.
    """

    labels: NDArray[Any]
    scores: NDArray[np.float64] | None = None
    whole: NDArray[np.float64] | None = None
    classes: tuple[Any, ...] = ()


Answers = Mapping[str, Said]  # by role


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Which columns mean what, and the bins and units that the pilot gave.

    `edges` and `placements` are by role; `scales` are a regression's; `own` are a team's measures.
    """

    target: str
    task: str
    positive: Any
    sensitive: tuple[tuple[str, ...], ...]
    slices: tuple[tuple[str, ...], ...]
    quantile: float = 0.5
    edges: Mapping[str, Edges] = field(default_factory=dict)
    placements: Mapping[str, Placements] = field(default_factory=dict)
    group_bins: tuple[Coarser, ...] = ()
    confidence: Edges | None = None
    classes: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    scales: Scales = Scales()  # noqa: RUF009 - frozen, so one may stand for all
    own: Own = NO_OWN
    is_numeric: bool = True  # a regression's target and answers
    numeric: frozenset[str] = frozenset()  # columns to tell apart by whose values sort as numbers
    spread: Sought | None = None  # where these rows are compared with a reference, too

    @property
    def told_apart(self) -> tuple[str, ...]:
        """The sensitive columns and those to slice by, each once."""
        grouped = (*self.sensitive, *self.slices)
        return tuple(dict.fromkeys(name for columns in grouped for name in columns))

    @property
    def held(self) -> tuple[str, ...]:
        """The columns that are counted, each once."""
        compared = self.spread.columns if self.spread else ()
        return tuple(dict.fromkeys((self.target, *self.told_apart, *compared)))


def ask(
    holdout: Holdout, task: str, positive: Any, quantile: float, said: Answers, own: Own = NO_OWN
) -> Question:
    """The question about a holdout, from what the models said of its pilot.

    Raises:
        DataError: a team's own measure gives no finite numbers of these rows.
    """
    pilot, spec = holdout.pilot, holdout.spec
    given: dict[str, Any] = {
        "classes": {role: each.classes for role, each in said.items()},
        "own": own.scaled(pilot.y, {role: each.labels for role, each in said.items()}),
    }
    if task == "regression":
        given |= _of_numbers(pilot.y, said)
    elif all(each.scores is not None for each in said.values()):
        given |= _of_scores(pilot, task, positive, said)
    made = Question(spec.target, task, positive, spec.sensitive, spec.slices, quantile, **given)
    names = (name for name in made.told_apart if _is_number(pilot.table[name].type))
    return replace(made, numeric=frozenset(names))


def _of_scores(pilot: Holdout, task: str, positive: Any, said: Answers) -> dict[str, Any]:
    scores = {role: each.scores for role, each in said.items() if each.scores is not None}
    if task != "binary":
        wide = scores[CANDIDATE]
        return {"confidence": Edges.of(wide.max(axis=1))} if wide.ndim > 1 else {}
    edges = {role: Edges.of(each) for role, each in scores.items()}
    made: dict[str, Any] = {"edges": edges}
    mine = is_label(pilot.y, positive)
    if CHAMPION in scores:
        made["placements"] = {
            role: Placements.of(
                np.bincount(
                    2 * edges[role].place(each) + mine, minlength=2 * edges[role].lower.size
                ).reshape(-1, 2)
            )
            for role, each in scores.items()
        }
    made["group_bins"] = tuple(
        Coarser.of(edges[CANDIDATE], scores[CANDIDATE], len(pilot.crossing(columns)[0]))
        for columns in pilot.spec.sensitive
    )
    return made


def _of_numbers(y: NDArray[Any], said: Answers) -> dict[str, Any]:
    if not all(each.dtype.kind in SUMMED for each in (y, *(s.labels for s in said.values()))):
        return {"is_numeric": False}
    truth = y.astype(float)
    errors = {role: each.labels.astype(float) - truth for role, each in said.items()}
    return {"scales": Scales.of(truth, errors[CANDIDATE], errors.get(CHAMPION))}


def _is_number(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
