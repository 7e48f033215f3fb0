"""Does the candidate keep the promise of its signature, on rows nobody collected?

Hypothesis builds small batches from the signature, with values as the holdout has them and around
them, and shrinks what breaks a promise to the simplest row. The estimate is a count: promises found
broken in that many examples. The same rows every time (`derandomize`): a gate must not flap.
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

Property = Callable[[pa.Table], str]  # what is wrong with the answer to these rows; "" if nothing


@measure
def unanswered(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows the signature allows and the model does not answer: it raises, dies, gives no number."""

    def answered(table: pa.Table) -> str:
        candidate.predict(table)
        return ""

    return _search("unanswered rows", answered, candidate, holdout, ask)


@measure
def batch_dependence(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows whose answer changes with the rows beside them."""

    def alone(table: pa.Table) -> str:
        together = candidate.predict(table)
        single = [candidate.predict(table.slice(i, 1))[0] for i in range(table.num_rows)]
        return _unlike(together, np.asarray(single), "together", "alone")

    return _search("batch-dependent rows", alone, candidate, holdout, ask)


@measure
def order_dependence(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows whose answer changes when the batch is turned round."""

    def reversed_(table: pa.Table) -> str:
        turned = table.take(pa.array(range(table.num_rows - 1, -1, -1)))
        return _unlike(
            candidate.predict(table), candidate.predict(turned)[::-1], "forward", "backward"
        )

    return _search("order-dependent rows", reversed_, candidate, holdout, ask)


@measure
def nondeterminism(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Rows that get another answer when asked again."""

    def again(table: pa.Table) -> str:
        return _unlike(candidate.predict(table), candidate.predict(table), "first", "again")

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
    from hypothesis import Phase, given, settings
    from hypothesis.errors import Flaky

    rows = Rows(candidate.candidate.signature, holdout)
    found: list[str] = []
    dead: list[str] = []

    @settings(
        max_examples=ask.settings.examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=_all_checks(),
        report_multiple_bugs=False,
    )
    @given(batch=rows.batches())
    def look(batch: list[tuple[Any, ...]]) -> None:
        if dead:
            return  # a model that died is not asked again for a simpler row
        words = _wrong(holds, table_of(batch, rows.columns))
        if words:
            said = f"{words}; simplest rows found: {row_words(batch, rows.columns)}"
            (found if candidate.is_alive else dead).append(said)
            if candidate.is_alive:
                raise AssertionError(said)

    try:
        look()
    except (AssertionError, Flaky):  # flaky: the model breaks the promise only now and then
        if not found:
            raise
    told = dead or found[-1:]  # the last one found is the simplest
    method = f"Hypothesis search, {ask.settings.examples} examples from the signature"
    return exact(name, len(told), n=ask.settings.examples, method=method, detail=tuple(told))


def _wrong(holds: Property, table: pa.Table) -> str:
    try:
        return holds(table)
    except ModelMisbehaved as error:
        if "refused before" in error.message or "not asked again" in error.message:
            raise
        return error.message


def _all_checks() -> list[Any]:
    from hypothesis import HealthCheck

    return list(HealthCheck)
