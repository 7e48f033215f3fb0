"""For a linear model the distance that no search can get below: a certificate, and its limits.

The form comes out of the model's own process, which is not trusted, so it is believed only as far
as it gives the model's own label on every row of the holdout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gatekit.attack import certificate
from gatekit.attack.certificate import Sums
from gatekit.attack.space import Axis
from gatekit.evidence.counts import right
from gatekit.gates.attacked import Ground
from gatekit.scoring.linear import Column, LinearForm
from gatekit.subject import Subject

HAIR = 1e-6  # relative: the attack bisects, the form is of floats
NOWHERE = Column(())

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Certificate:
    """Distances (m,) below which no allowed row has another label, in spreads; inf if none has.

    `whole` says that some columns are whole numbers: then these are lower bounds.
    """

    distance: Floats
    whole: bool


def certified(
    subject: Subject,
    table: pa.Table,
    labels: NDArray[Any],
    ground: Ground,
    picked: NDArray[np.intp],
) -> Certificate | str:
    """The certificate for the picked rows of `table`, or why there is none, in words.

    Raises:
        ModelMisbehaved: see `Subject.predict`.
    """
    form = subject.linear_form()
    if isinstance(form, str):
        return f"the model is not linear: {form}" if form else "the model does not say"
    scores = scores_of(form, table)
    unlike = ~right(np.asarray(form.labels)[np.argmax(scores, axis=1)], labels)
    unlike |= np.isnan(scores).any(axis=1)
    if unlike.any():
        return (
            f"its linear form does not give the model's own label in {int(unlike.sum()):,} of "
            f"{unlike.size:,} rows"
        )
    axes = ground.space.axes
    if stray := [a.name for a in axes if not a.is_category and _column(form, a).levels]:
        return (
            f"{', '.join(stray)}: codes to the model and numbers to the attack; "
            "say category = true of such columns"
        )
    costs = np.array([axis.cost for axis in axes if axis.is_category])
    if certificate.plans(costs) > certificate.MOST_PLANS:
        return "the categories have too many different costs to try them all"
    found = certificate.distances(_sums(form, ground, scores[picked], costs))
    return Certificate(found, any(a.whole and not a.is_category and not a.fixed for a in axes))


def lines(found: Floats, exact: Certificate | str) -> tuple[str, ...]:
    """What the certificate says of what an attack found at distances (m,), in words."""
    if isinstance(exact, str):
        return (f"no certificate: {exact}",)
    reached = np.isfinite(found) & (exact.distance > 0)
    ratio = found[reached] / exact.distance[reached]
    nearer = np.isfinite(found) & (found < exact.distance * (1 - HAIR))
    if nearer.any():
        return (
            f"no certificate: {int(nearer.sum()):,} allowed rows were found nearer than its linear "
            "form lets them be",
        )
    bound = "at least" if exact.whole else "exactly"
    median = float(np.median(np.minimum(exact.distance, certificate.FAR)))
    said = (
        f"certificate: the model is linear, so no allowed row with another label is nearer than "
        f"computed, for the median row {bound} {median:.4g} spreads",
    )
    if not ratio.size:
        return said
    middle, most = np.quantile(ratio, [0.5, 0.95])
    held = f"the attack is held to it: found over exact is {middle:.4f} at the median, "
    return (*said, f"{held}{most:.4f} at the 95th percentile, {int(ratio.size):,} rows")


def scores_of(form: LinearForm, table: pa.Table) -> Floats:
    """Scores of every row by the form, (n, K); NaN where a value is empty and nothing fills it."""
    total = np.tile(np.array(form.intercept), (table.num_rows, 1))
    for name in table.column_names:
        if column := form.columns.get(name):
            coded = table[name].combine_chunks().dictionary_encode(null_encoding="encode")
            each = np.array([column.of(value) for value in coded.dictionary.to_pylist()])
            total += each.reshape(-1, total.shape[1])[coded.indices.to_numpy()]
    return total


def _column(form: LinearForm, axis: Axis) -> Column:
    return form.columns.get(axis.name, NOWHERE)


def _sums(form: LinearForm, ground: Ground, scores: Floats, costs: Floats) -> Sums:
    space, labels = ground.space, len(form.labels)
    numbers = [i for i, axis in enumerate(space.axes) if not axis.is_category]
    down, up = (limit[:, numbers] for limit in space.limits())
    slopes = [
        np.array(_column(form, space.axes[i]).slope or (0.0,) * labels) * space.axes[i].spread
        for i in numbers
    ]
    gains = [
        _gains(_column(form, axis), axis, ground.levels(axis.name), labels)
        for axis in space.axes
        if axis.is_category
    ]
    shape = (space.rows, 0, labels, labels)
    return Sums(
        scores,
        np.array(slopes).T if slopes else np.zeros((labels, 0)),
        down,
        up,
        np.stack(gains, axis=1) if gains else np.zeros(shape),
        costs,
    )


def _gains(column: Column, axis: Axis, levels: Sequence[Any], labels: int) -> Floats:
    """By how much the best other level raises one label above another, (n, K, K)."""
    none = np.zeros((axis.origin.size, labels, labels))
    if axis.fixed or not column.slope or not levels:
        return none
    given = np.array([column.of(level) for level in levels])  # (levels, K)
    above = given[:, None, :] - given[:, :, None]  # [level, y, k]
    gained = above.max(axis=0)[None] - above[np.maximum(axis.origin, 0)]
    return np.where((axis.origin >= 0)[:, None, None], gained, none)
