"""A promise about answers, and the search for the simplest rows that break it.

Hypothesis draws the rows and shrinks what breaks the promise. The same rows every time
(`derandomize`): a gate must not flap. They are drawn once for all promises about them, and the
first answer to each batch serves all. All batches are asked before the first is judged, so that
the model is not kept waiting. The estimate is a count: promises found broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.errors import GatekitError, ModelGone, ModelMisbehaved, NotAsked
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask
from gatekit.gates.rows import row_words, table_of
from gatekit.scoring.reading import Answer
from gatekit.scoring.signature import Column
from gatekit.subject import Subject

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Batch = list[tuple[Any, ...]]
Given = Answer | GatekitError
First = Callable[[], Answer]
SAME = 1e-9
SAME_SINGLE = 1e-5  # of float32, and of scores, which may have been that


@dataclass(frozen=True, slots=True)
class Promise:
    """About the answers to a batch of rows.

    `judge` says what is wrong, "" if nothing. It gets the batch, its first answer, which raises
    ModelMisbehaved where there is none, and the answers to the tables that `asks` makes of it.
    """

    judge: Callable[[pa.Table, First, Sequence[Answer]], str]
    asks: Callable[[pa.Table], Sequence[pa.Table]] = lambda _: ()
    by_one: bool = False  # whether the process has to be asked that gave the first answer


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn: batches of these columns. What has the same `key` is drawn once."""

    key: tuple[Any, ...]
    columns: Sequence[Column]
    batches: SearchStrategy[Batch]


@dataclass(frozen=True, slots=True)
class Case:
    """A batch that was drawn, as rows and as a table, and room for the first answer to it."""

    at: int
    batch: Batch
    table: pa.Table
    answers: list[Answer]


Asked = tuple[
    Case, Given, Sequence[Given]
]  # with its first answer, and those to what else was asked


def search(name: str, promise: Promise, candidate: Subject, drawn: Drawn, ask: Ask) -> Estimate:
    """Look for a batch that breaks `promise`; the estimate is 0 or 1.

    Raises:
        NotAsked: the model was refused before it was loaded, or died too often.
    """
    examples = ask.settings.examples
    told: tuple[str, ...] = ()
    for case, first, more in _asked(promise, candidate, draw(candidate, drawn, examples)):
        if words := broken(partial(_judged, promise, case.table, first, more)):
            told = (_said(words, case.batch, drawn),)
            if candidate.is_alive:  # one that died is not asked again for a simpler row
                told = _simplest(promise, candidate, drawn, examples) or told
            break
    method = f"Hypothesis search, {examples} examples from the signature"
    return exact(name, len(told), n=examples, method=method, detail=told)


def draw(candidate: Subject, drawn: Drawn, examples: int) -> list[Case]:
    """As many batches, drawn once for each candidate."""
    key = (*drawn.key, examples)
    if key not in candidate.kept:
        batches: list[Batch] = []
        _each(batches.append, drawn, examples)
        candidate.kept[key] = [
            Case(at, batch, table_of(batch, drawn.columns), []) for at, batch in enumerate(batches)
        ]
    found: list[Case] = candidate.kept[key]
    return found


def answers(candidate: Subject, tables: Sequence[pa.Table], *, by_one: bool = False) -> list[Given]:
    """What it says of each table, or what went wrong; fewer when its process ends, in a ModelGone.

    Raises:
        NotAsked: see `search`.
    """
    try:
        return candidate.said_each(tables, by_one=by_one) if tables else []
    except NotAsked:
        raise
    except ModelMisbehaved as error:
        return [ModelGone(error.message, error.hint)]


def given(answer: Given) -> Answer:
    """The answer; raises what went wrong instead."""
    if isinstance(answer, GatekitError):
        raise answer
    return answer


def _asked(promise: Promise, candidate: Subject, cases: Sequence[Case]) -> list[Asked]:
    """Cases with their first answer and what else was asked, where there is one.

    When the process ends, some are left out, but not the one at which it did.
    """
    unasked = [case for case in cases if not case.answers]
    found: list[Asked] = []
    firsts = answers(candidate, [case.table for case in unasked], by_one=True)
    for case, first in zip(unasked, firsts, strict=False):
        if isinstance(first, GatekitError):
            found.append((case, first, ()))
        else:
            case.answers.append(first)
    if not (found and isinstance(found[-1][1], ModelGone)):
        found += _more(promise, candidate, [case for case in cases if case.answers])
    return sorted(found, key=lambda each: each[0].at)


def _more(promise: Promise, candidate: Subject, cases: Sequence[Case]) -> list[Asked]:
    wanted = [promise.asks(case.table) for case in cases]
    tables = [table for each in wanted for table in each]
    had = iter(answers(candidate, tables, by_one=promise.by_one))
    found: list[Asked] = []
    for case, asked in zip(cases, wanted, strict=True):
        more = list(islice(had, len(asked)))
        if more or not asked:  # else its process has ended before
            found.append((case, case.answers[0], more))
    return found


def _judged(promise: Promise, table: pa.Table, first: Given, more: Sequence[Given]) -> str:
    return promise.judge(table, lambda: given(first), [given(each) for each in more])


def in_company(candidate: Subject, drawn: Drawn, ask: Ask, beside: pa.Table) -> str:
    """Where rows that `search` asked get another answer in one batch, `beside` others, in words.

    Only those that were answered; "" if all get the same, or if `beside` itself has no answer. It
    has all columns drawn.
    """
    asked = [case for case in draw(candidate, drawn, ask.settings.examples) if case.answers]
    rows = [row for case in asked for row in case.batch]
    if not rows or broken(partial(_answered, candidate, beside)):
        return ""
    first = [case.answers[0] for case in asked]
    apart = [np.concatenate(parts) for parts in zip(*first, strict=True)]
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
        NotAsked: see `search`.
    """
    try:
        return judge()
    except NotAsked:
        raise
    except ModelMisbehaved as error:
        return error.message


def _asked_alone(promise: Promise, candidate: Subject, table: pa.Table) -> str:
    try:
        first: Given = candidate.said(table)
    except ModelMisbehaved as error:
        return _judged(promise, table, error, ())
    return _judged(promise, table, first, [candidate.said(each) for each in promise.asks(table)])


def _simplest(promise: Promise, candidate: Subject, drawn: Drawn, examples: int) -> tuple[str, ...]:
    """The simplest batch that breaks the promise, in words; nothing if it was broken only once."""
    from hypothesis.errors import Flaky

    found: list[str] = []
    dead: list[str] = []

    def judge(batch: Batch) -> None:
        if dead:
            return
        table = table_of(batch, drawn.columns)
        if words := broken(partial(_asked_alone, promise, candidate, table)):
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
