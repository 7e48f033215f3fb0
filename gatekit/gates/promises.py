"""A promise about answers, and the search for the simplest rows that break it.

Hypothesis draws the rows and shrinks what breaks the promise. The same rows every time
(`derandomize`): a gate must not flap. They are drawn once for all promises about them, and the
first answer to each batch serves all. The estimate is a count: promises found broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.errors import ModelMisbehaved
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask
from gatekit.gates.rows import row_words, table_of
from gatekit.scoring.signature import Column
from gatekit.subject import Subject

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Batch = list[tuple[Any, ...]]
Answer = tuple[NDArray[Any], ...]  # labels, and scores where there are any
# What is wrong with the answers to these rows, "" if nothing. It may ask for the first of them,
# which raises ModelMisbehaved where there is none.
Promise = Callable[[pa.Table, Callable[[], Answer]], str]
SAME = 1e-9
SAME_SINGLE = 1e-5  # of float32, and of scores, which may have been that


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn: batches of these columns. What has the same `key` is drawn once."""

    key: tuple[Any, ...]
    columns: Sequence[Column]
    batches: SearchStrategy[Batch]


def search(name: str, promise: Promise, candidate: Subject, drawn: Drawn, ask: Ask) -> Estimate:
    """Look for a batch that breaks `promise`; the estimate is 0 or 1.

    Raises:
        ModelMisbehaved: the model was refused before it was loaded, or is not asked again.
    """
    examples = ask.settings.examples
    told: tuple[str, ...] = ()
    for batch, answers in draw(candidate, drawn, examples):
        if words := _wrong(promise, candidate, table_of(batch, drawn.columns), answers):
            told = (_said(words, batch, drawn),)
            if candidate.is_alive:  # one that died is not asked again for a simpler row
                told = _simplest(promise, candidate, drawn, examples) or told
            break
    method = f"Hypothesis search, {examples} examples from the signature"
    return exact(name, len(told), n=examples, method=method, detail=told)


def draw(candidate: Subject, drawn: Drawn, examples: int) -> list[tuple[Batch, list[Answer]]]:
    """As many batches, drawn once for each candidate, and room for the first answer to each."""
    key = (*drawn.key, examples)
    if key not in candidate.kept:
        batches: list[Batch] = []
        _each(batches.append, drawn, examples)
        candidate.kept[key] = [(batch, []) for batch in batches]
    found: list[tuple[Batch, list[Answer]]] = candidate.kept[key]
    return found


def in_company(candidate: Subject, drawn: Drawn, ask: Ask, beside: pa.Table) -> str:
    """Where rows that `search` asked get another answer in one batch, `beside` others, in words.

    Only those that were answered; "" if all get the same, or if `beside` itself has no answer. It
    has all columns drawn.
    """
    asked = candidate.kept[(*drawn.key, ask.settings.examples)]
    rows = [row for batch, answers in asked if answers for row in batch]
    if not rows or broken(partial(_answered, candidate, beside)):
        return ""
    given = [answers[0] for _, answers in asked if answers]
    apart = [np.concatenate(parts) for parts in zip(*given, strict=True)]
    table = table_of(rows, drawn.columns)
    together = pa.concat_tables([table, beside.select(table.column_names).cast(table.schema)])

    def judge() -> str:
        said = [part[: len(rows)] for part in candidate.said(together)]
        return unlike(apart, said, "apart", "among others")

    return broken(judge)


def _answered(candidate: Subject, table: pa.Table) -> str:
    candidate.said(table)
    return ""


def broken(judge: Callable[[], str]) -> str:
    """What is wrong, as `judge` says; that there is no answer is wrong, too.

    Raises:
        ModelMisbehaved: see `search`.
    """
    try:
        return judge()
    except ModelMisbehaved as error:
        if "refused before" in error.message or "not asked again" in error.message:
            raise
        return error.message


def _wrong(promise: Promise, candidate: Subject, table: pa.Table, answers: list[Answer]) -> str:
    def first() -> Answer:
        if not answers:
            answers.append(candidate.said(table))
        return answers[0]

    return broken(lambda: promise(table, first))


def _simplest(promise: Promise, candidate: Subject, drawn: Drawn, examples: int) -> tuple[str, ...]:
    """The simplest batch that breaks the promise, in words; nothing if it was broken only once."""
    from hypothesis.errors import Flaky

    found: list[str] = []
    dead: list[str] = []

    def judge(batch: Batch) -> None:
        if dead:
            return
        if words := _wrong(promise, candidate, table_of(batch, drawn.columns), []):
            said = _said(words, batch, drawn)
            (found if candidate.is_alive else dead).append(said)
            if candidate.is_alive:
                raise AssertionError(said)

    try:
        _each(judge, drawn, examples)
    except (AssertionError, Flaky):  # flaky: the model breaks the promise only now and then
        if not found:
            raise
    return tuple(dead or found[-1:])  # the last one found is the simplest


def _each(judge: Callable[[Batch], None], drawn: Drawn, examples: int) -> None:
    """Ask for batches until `judge` raises, then for simpler ones; the same ones every time."""
    from hypothesis import Phase, given, settings

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=_all_checks(),
        report_multiple_bugs=False,
    )
    @given(batch=drawn.batches)
    def look(batch: Batch) -> None:
        judge(batch)

    look()


def _said(words: str, batch: Batch, drawn: Drawn) -> str:
    return f"{words}; simplest rows found: {row_words(batch, drawn.columns)}"


def unlike(
    one: Sequence[NDArray[Any]], other: Sequence[NDArray[Any]], *names: str, row: int | None = None
) -> str:
    """Where two answers to the same rows differ, in words; "" if they do not.

    `names` say which is which; `row` is what to call the first row, if not 0. Numbers are the
    same within 1e-9 of each other, in single precision and as scores within 1e-5.
    """
    for part, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        same = _same(mine, theirs, is_score=part > 0)
        if not same.all():
            at = int(np.flatnonzero(~same)[0])
            what = "the score of row" if part else "row"
            shown = at if row is None else at + row
            return f"{what} {shown} is {mine[at]} {names[0]} and {theirs[at]} {names[1]}"
    return ""


def _same(one: NDArray[Any], other: NDArray[Any], *, is_score: bool) -> NDArray[np.bool_]:
    if "f" not in (one.dtype.kind, other.dtype.kind):
        return np.asarray(one.astype(str) == other.astype(str))
    single = is_score or np.float32 in (one.dtype, other.dtype)
    near = SAME_SINGLE if single else SAME
    close = np.isclose(one.astype(float), other.astype(float), rtol=near, atol=near * 1e-3)
    return np.asarray(close if close.ndim == 1 else close.all(axis=1))


def _all_checks() -> list[Any]:
    from hypothesis import HealthCheck

    return list(HealthCheck)
