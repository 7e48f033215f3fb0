"""A promise about answers, and the search for the simplest rows that break it.

Hypothesis draws the rows and shrinks what breaks the promise. The same rows every time
(`derandomize`): a gate must not flap. The estimate is a count: promises found broken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

Batch = Sequence[tuple[Any, ...]]
Promise = Callable[[pa.Table], str]  # what is wrong with the answer to these rows; "" if nothing
SAME = 1e-9
SAME_SINGLE = 1e-5  # of float32, and of scores, which may have been that


def search(
    name: str,
    promise: Promise,
    candidate: Subject,
    drawn: tuple[Sequence[Column], SearchStrategy[list[tuple[Any, ...]]]],
    ask: Ask,
) -> Estimate:
    """Look for a batch of the `drawn` columns that breaks `promise`; the estimate is 0 or 1.

    Raises:
        ModelMisbehaved: the model was refused before it was loaded, or is not asked again.
    """
    from hypothesis import Phase, given, settings
    from hypothesis.errors import Flaky

    columns, batches = drawn
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
    @given(batch=batches)
    def look(batch: list[tuple[Any, ...]]) -> None:
        if dead:
            return  # a model that died is not asked again for a simpler row
        words = broken(promise, table_of(batch, columns))
        if words:
            said = f"{words}; simplest rows found: {row_words(batch, columns)}"
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


def broken(promise: Promise, table: pa.Table) -> str:
    """What is wrong with the answer to `table`; that there is none is wrong, too.

    Raises:
        ModelMisbehaved: see `search`.
    """
    try:
        return promise(table)
    except ModelMisbehaved as error:
        if "refused before" in error.message or "not asked again" in error.message:
            raise
        return error.message


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
