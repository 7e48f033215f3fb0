"""From one block of rows and what the models said of it to evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.data import without_gaps
from gatekit.errors import ModelMisbehaved
from gatekit.evidence.codes import Coded, coded
from gatekit.evidence.counts import is_label, right
from gatekit.evidence.group_ranks import GroupRanks
from gatekit.evidence.keyed import Joint, KeyedCounts
from gatekit.evidence.labels import LabelCounts
from gatekit.evidence.ranks import Ranks
from gatekit.evidence.rivals import Rivals
from gatekit.evidence.sums import Sums
from gatekit.evidence.weighed import Place
from gatekit.evidence.whole import Evidence
from gatekit.stats import probabilities
from gatekit.streaming.names import (
    ALL,
    AUC,
    BRIER,
    CONFIDENCE,
    GROUPS,
    LOG_LOSS,
    LOSSES,
    RISE,
    group_name,
    no_class,
    off_sum,
    outside,
    slice_name,
)
from gatekit.streaming.numeric import add_numbers, ends
from gatekit.streaming.question import CANDIDATE, CHAMPION, Answers, Question, Said
from gatekit.streaming.sampling import fill_sample, spread_said
from gatekit.streaming.spread import SampleQuestion

CHOSEN, RIGHT = (0, 1), (2, 3)  # places of the flags of a row
ROW_SUM = 1e-6  # how far from 1 the probabilities of a row may sum


def fill(
    question: Question | SampleQuestion, table: pa.Table, answers: Answers, place: Place = ("", 0)
) -> Evidence:
    """The evidence of one block: its rows with label and groups, and what was said of them.

    `place` is where it begins.

    Raises:
        DataError: a label or group is missing, there are more groups than can be held, or a team's
            own measure is wrong about these rows.
        ModelMisbehaved: a model's classes are not those of the pilot.
    """
    if isinstance(question, SampleQuestion):
        return fill_sample(question, table, answers)
    y = without_gaps(table[question.target], question.target)
    columns = {name: _coded(table, name) for name in question.told_apart}
    made: dict[str, dict[str, Any]] = {
        each.name: {} for each in fields(Evidence) if each.name != "rows"
    }
    for role, said in answers.items():
        if said.classes != question.classes[role]:
            raise ModelMisbehaved(f"the {role} scores other classes in some rows than in others")
    mine = is_label(y, question.positive)
    if question.task == "regression":
        if question.is_numeric:
            add_numbers(made, question, y, answers)
    else:
        made["labels"][CANDIDATE] = LabelCounts.of(y, answers[CANDIDATE].labels)
        if question.edges or question.confidence is not None:
            _add_probabilities(made, question, y, answers)
        if question.confidence is not None:
            _add_confidence(made, question, y, answers)
    _add_counts(made["counts"], question, y, answers, columns)
    if question.edges:
        _add_ranks(made, question, mine, answers, columns)
    if question.spread is not None:
        made["spread"] = spread_said(question.spread, table, answers)
    labels = {role: said.labels for role, said in answers.items()}
    made["weighed"] = question.own.fill(y, labels, place)
    return Evidence(rows=table.num_rows, **made)


def _add_counts(
    made: dict[str, KeyedCounts],
    question: Question,
    y: NDArray[Any],
    answers: Answers,
    columns: Mapping[str, Coded],
) -> None:
    """Right by either model, in all and in each slice; by group what is true and what is said."""
    said = answers[CANDIDATE].labels
    flags = [is_label(y, question.positive), is_label(said, question.positive), right(y, said)]
    if CHAMPION in answers:
        flags.append(right(y, answers[CHAMPION].labels))
    else:
        flags.append(np.zeros(y.size, dtype=bool))
    asked: dict[str, tuple[tuple[str, ...], tuple[int, int]]] = {}
    if question.task != "regression":
        asked[ALL] = (), RIGHT
        asked |= {slice_name(at): (names, RIGHT) for at, names in enumerate(question.slices)}
    if question.sensitive:
        names = dict.fromkeys(name for each in question.sensitive for name in each)
        asked[GROUPS] = tuple(names), CHOSEN
    joint = Joint.of(columns, flags) if asked else None
    for name, (held, (first, second)) in asked.items():
        if joint is not None:
            made[name] = KeyedCounts.projected(held, joint, (first, second))
        else:
            some = {column: columns[column] for column in held}
            made[name] = KeyedCounts.of(some, flags[first], flags[second])


def _add_probabilities(
    made: dict[str, Any], question: Question, y: NDArray[Any], answers: Answers
) -> None:
    losses = {}
    for role, said in answers.items():
        scores = said.scores
        assert scores is not None  # noqa: S101 - as above
        _add_odd(made["odd"], role, said)
        true = _came_true(made["odd"], question, role, y, said)
        losses[role], worst = probabilities.log_losses(scores, true)
        if role == CANDIDATE:
            squares, furthest = probabilities.square_losses(scores, true)
            made["sums"] |= {LOG_LOSS: Sums.of(losses[role]), BRIER: Sums.of(squares)}
            made["ends"] |= {LOG_LOSS: (0.0, worst + 0.0), BRIER: (0.0, furthest + 0.0)}
    if CHAMPION in answers:
        new, old = (losses[role] for role in (CANDIDATE, CHAMPION))
        made["sums"][RISE] = Sums.of(new - old)
        said_of = [answers[role].scores for role in (CANDIDATE, CHAMPION)]
        classes = [question.classes[role] for role in (CANDIDATE, CHAMPION)]
        both = probabilities.side_by_side(*said_of, *classes)  # type: ignore[arg-type] # no None
        made["ends"][RISE] = ends(probabilities.ends_of_rise(*both))
        made["ends"][LOSSES] = ends((0.0, max(new.max(), old.max())))


def _add_confidence(
    made: dict[str, Any], question: Question, y: NDArray[Any], answers: Answers
) -> None:
    wide = answers[CANDIDATE].scores
    assert wide is not None  # noqa: S101 - there are bins only where there are scores
    assert question.confidence is not None  # noqa: S101 - asked only then
    said = wide.max(axis=1)
    place = question.confidence.place(said)
    hit = right(y, answers[CANDIDATE].labels)
    made["ranks"][CONFIDENCE] = Ranks.of(question.confidence, place, said, hit)


def _add_odd(odd: dict[str, int], role: str, said: Said) -> None:
    whole = said.whole
    assert whole is not None  # noqa: S101 - as above
    odd[outside(role)] = odd[off_sum(role)] = 0
    if whole.min() < 0 or whole.max() > 1:
        odd[outside(role)] = int(((whole < 0) | (whole > 1)).sum())
    if whole.ndim > 1:
        total = whole[:, 0].copy()
        for column in range(1, whole.shape[1]):  # a sum along rows costs ten times as much
            total += whole[:, column]
        if total.min() < 1 - ROW_SUM or total.max() > 1 + ROW_SUM:
            odd[off_sum(role)] = int((np.abs(total - 1) > ROW_SUM).sum())


def _came_true(
    odd: dict[str, int], question: Question, role: str, y: NDArray[Any], said: Said
) -> NDArray[Any]:
    """What came true, (n,), as `gatekit.stats.probabilities` takes it; 0 of a label not scored."""
    if said.scores is not None and said.scores.ndim == 1:
        odd[no_class(role)] = 0
        return is_label(y, question.positive)
    place = np.full(y.size, -1)
    for column, label in enumerate(question.classes[role]):
        place[is_label(y, label)] = column
    odd[no_class(role)] = int(np.count_nonzero(place < 0))
    return np.asarray(np.maximum(place, 0))


def _add_ranks(
    made: dict[str, Any],
    question: Question,
    mine: NDArray[np.bool_],
    answers: Answers,
    columns: Mapping[str, Coded],
) -> None:
    places = {}
    for role, edges in question.edges.items():
        scores = answers[role].scores
        assert scores is not None  # noqa: S101 - as above
        places[role] = edges.place(scores)
        made["ranks"][role] = Ranks.of(edges, places[role], scores, mine)
    if question.placements:
        new, old = ((question.placements[r], places[r]) for r in (CANDIDATE, CHAMPION))
        made["rivals"][AUC] = Rivals.of(new, old, mine)
    for at, (names, bins) in enumerate(zip(question.sensitive, question.group_bins, strict=True)):
        held = [columns[name] for name in names]
        scores = answers[CANDIDATE].scores
        assert scores is not None  # noqa: S101 - as above
        made["groups"][group_name(at)] = GroupRanks.of(bins, held, places[CANDIDATE], scores, mine)


def _coded(table: pa.Table, name: str) -> Coded:
    column = table[name]
    if pa.types.is_dictionary(column.type) and not column.null_count:
        whole = column.unify_dictionaries().combine_chunks()
        found = whole.dictionary.to_numpy(zero_copy_only=False)
        names, rank = np.unique(found, return_inverse=True)
        return tuple(map(str, names)), rank.astype(np.int64)[whole.indices.to_numpy()]
    if column.null_count or pa.types.is_floating(column.type):
        without_gaps(column, name)
    return coded(column)
