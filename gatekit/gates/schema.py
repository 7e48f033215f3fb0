"""Does the candidate keep the promise of its signature, on rows nobody collected?

Hypothesis builds small batches from the signature, with values as the holdout has them and around
them, and shrinks what breaks a promise to the simplest row. The estimate is a count: promises found
broken in that many examples. The same rows every time (`derandomize`): a gate must not flap. They
are drawn once for all promises, and the first answer to each batch serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from gatekit.data import Holdout
from gatekit.errors import ModelMisbehaved
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask, measure
from gatekit.gates.rows import Rows, row_words, table_of
from gatekit.subject import Subject

Batch = list[tuple[Any, ...]]
# What is wrong with the answers to these rows, the first of them given; "" if nothing.
Property = Callable[[pa.Table, np.ndarray[Any, Any]], str]


@measure
def unanswered(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows the signature allows and the model does not answer: it raises, dies, gives no number."""

    def answered(table: pa.Table, first: np.ndarray[Any, Any]) -> str:  # noqa: ARG001 - it is one
        return ""

    return _search("unanswered rows", answered, candidate, holdout, ask)


@measure
def batch_dependence(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows whose answer changes with the rows beside them."""

    def alone(table: pa.Table, together: np.ndarray[Any, Any]) -> str:
        single = [candidate.predict(table.slice(i, 1))[0] for i in range(table.num_rows)]
        return _unlike(together, np.asarray(single), "together", "alone")

    return _search("batch-dependent rows", alone, candidate, holdout, ask)


@measure
def order_dependence(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows whose answer changes when the batch is turned round."""

    def reversed_(table: pa.Table, forward: np.ndarray[Any, Any]) -> str:
        turned = table.take(pa.array(range(table.num_rows - 1, -1, -1)))
        return _unlike(forward, candidate.predict(turned)[::-1], "forward", "backward")

    return _search("order-dependent rows", reversed_, candidate, holdout, ask)


@measure
def nondeterminism(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows that get another answer when asked again."""

    def again(table: pa.Table, first: np.ndarray[Any, Any]) -> str:
        return _unlike(first, candidate.predict(table), "first", "again")

    return _search("unrepeatable rows", again, candidate, holdout, ask)


def _unlike(one: np.ndarray[Any, Any], two: np.ndarray[Any, Any], *names: str) -> str:
    if one.dtype.kind == "f" or two.dtype.kind == "f":
        same = np.isclose(one.astype(float), two.astype(float), rtol=1e-9, atol=1e-12)
    else:
        same = one.astype(str) == two.astype(str)
    if same.all():
        return ""
    row = int(np.flatnonzero(~same)[0])
    return f"row {row} is {one[row]} {names[0]} and {two[row]} {names[1]}"


def _search(name: str, holds: Property, candidate: Subject, holdout: Holdout, ask: Ask) -> Estimate:
    examples = ask.settings.examples
    rows = Rows(candidate.candidate.signature, holdout)
    key = ("schema", holdout.sha256, examples)
    if key not in candidate.kept:
        candidate.kept[key] = _drawn(rows, examples)
    told: tuple[str, ...] = ()
    for batch, answers in candidate.kept[key]:
        if words := _wrong(holds, candidate, table_of(batch, rows.columns), answers):
            told = (_said(words, batch, rows),)
            if candidate.is_alive:  # one that died is not asked again for a simpler row
                told = _simplest(holds, candidate, rows, examples) or told
            break
    method = f"Hypothesis search, {examples} examples from the signature"
    return exact(name, len(told), n=examples, method=method, detail=told)


def _drawn(rows: Rows, examples: int) -> list[tuple[Batch, list[np.ndarray[Any, Any]]]]:
    """Batches, each with room for the first answer to it."""
    batches: list[Batch] = []
    _each(batches.append, rows, examples)
    return [(batch, []) for batch in batches]


def _simplest(holds: Property, candidate: Subject, rows: Rows, examples: int) -> tuple[str, ...]:
    """The simplest batch that breaks the promise, in words; nothing if it was broken only once."""
    from hypothesis.errors import Flaky

    found: list[str] = []
    dead: list[str] = []

    def judge(batch: Batch) -> None:
        if dead:
            return
        if words := _wrong(holds, candidate, table_of(batch, rows.columns), []):
            said = _said(words, batch, rows)
            (found if candidate.is_alive else dead).append(said)
            if candidate.is_alive:
                raise AssertionError(said)

    try:
        _each(judge, rows, examples)
    except (AssertionError, Flaky):  # flaky: the model breaks the promise only now and then
        if not found:
            raise
    return tuple(dead or found[-1:])  # the last one found is the simplest


def _each(judge: Callable[[Batch], None], rows: Rows, examples: int) -> None:
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
    @given(batch=rows.batches())
    def look(batch: Batch) -> None:
        judge(batch)

    look()


def _said(words: str, batch: Batch, rows: Rows) -> str:
    return f"{words}; simplest rows found: {row_words(batch, rows.columns)}"


def _wrong(
    holds: Property, candidate: Subject, table: pa.Table, answers: list[np.ndarray[Any, Any]]
) -> str:
    try:
        if not answers:
            answers.append(candidate.predict(table))
        return holds(table, answers[0])
    except ModelMisbehaved as error:
        if "refused before" in error.message or "not asked again" in error.message:
            raise
        return error.message


def _all_checks() -> list[Any]:
    from hypothesis import HealthCheck

    return list(HealthCheck)
