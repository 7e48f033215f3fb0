"""How far the rows a model meets lie from those it was trained on: column by column, in what the
model says, and in the labels. Effects with bounds, never p-values: on many rows every column has
moved, and the question is how far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gatekit.data import Holdout, NoSample
from gatekit.estimate import Estimate
from gatekit.gate import Ask, measure, streams
from gatekit.gates import applies
from gatekit.gates.drift_columns import Found, worst
from gatekit.gates.drift_held import HeldColumns
from gatekit.gates.drift_streamed import CountedColumns, comparing
from gatekit.stats.drift import Divergence
from gatekit.subject import Subject

Sample = Holdout | NoSample
Columns = HeldColumns | CountedColumns
CHI_SQUARE = "debiased; noncentral chi-square"
LARGEST_GAP = "Kolmogorov-Smirnov distance"
TRANSPORT = "Kantorovich-Rubinstein, normal"
V = f"Cramer's V, {CHI_SQUARE}"


@streams
@measure
def psi(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """The largest population stability index of a column, numbers in bins of the reference."""
    method = f"PSI, {CHI_SQUARE}"
    return _worst("worst PSI", candidate, (reference, current), ask, method, lambda c: c.psi())


@streams
@measure
def ks(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """The largest gap, of any column of numbers, between its two distribution functions."""
    samples = reference, current
    return _worst("worst KS distance", candidate, samples, ask, LARGEST_GAP, lambda c: c.ks())


@streams
@measure
def wasserstein(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """The farthest that a column of numbers was moved, in the reference's standard deviations."""
    samples = reference, current
    name = "worst Wasserstein"
    return _worst(name, candidate, samples, ask, TRANSPORT, lambda c: c.wasserstein())


@streams
@measure
def cramers_v(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """The largest Cramer's V, over columns of values, between sample and value."""
    samples = reference, current
    return _worst("worst Cramer's V", candidate, samples, ask, V, lambda c: c.cramers_v())


@streams
@measure
def of_predictions(
    candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask
) -> Estimate:
    """How far what the model says is spread otherwise: V of labels, KS of scores and numbers.

    Of samples that stream only if the policy sets the bar: every row has to be predicted.
    """
    name = "prediction drift"
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)
    large = reference.is_streamed or current.is_streamed
    if large and ask.settings.prediction_drift is None:
        return applies.not_asked(name, "the policy sets no prediction_drift", ask)
    columns = _columns(candidate, reference, current)
    found = Found("what it says", columns.predictions())
    return _of_one(name, found, (reference, current), ask, columns)


@streams
@measure
def of_labels(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """How far the true labels are spread otherwise: V of labels, KS of numbers."""
    name = "label drift"
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)
    for what, sample in (("reference", reference), ("current", current)):
        if sample.spec.target not in sample.columns:
            why = f"{what} has no column {sample.spec.target!r}: its labels are not known"
            return applies.not_asked(name, why, ask)
    columns = _columns(candidate, reference, current)
    found = Found(reference.spec.target, columns.labels())
    return _of_one(name, found, (reference, current), ask, columns)


def _columns(candidate: Subject, reference: Holdout, current: Holdout) -> Columns:
    """Both samples: of all rows, whether they are held or counted as they stream."""
    if counts := comparing(candidate, reference, current):
        return CountedColumns(counts.compared(), reference.pilot.rows)
    return HeldColumns(candidate, reference, current)


def _worst(
    name: str,
    candidate: Subject,
    samples: tuple[Sample, Holdout],
    ask: Ask,
    method: str,
    effects: Callable[[Columns], list[Found]],
) -> Estimate:
    reference, current = samples
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)
    columns = _columns(candidate, reference, current)
    if not (found := effects(columns)):
        kind = "of values" if name == "worst Cramer's V" else "of numbers"
        return applies.not_asked(name, f"the model takes no column {kind}", ask)
    estimate = worst(name, found, (reference.rows, current.rows), method, ask)
    return _said(estimate, columns)


def _of_one(
    name: str, found: Found, samples: tuple[Holdout, Holdout], ask: Ask, columns: Columns
) -> Estimate:
    method = V if isinstance(found.effect, Divergence) else LARGEST_GAP
    sizes = samples[0].rows, samples[1].rows
    return _said(worst(name, [found], sizes, method, ask), columns)


def _said(estimate: Estimate, columns: Columns) -> Estimate:
    first, *lines = estimate.detail
    return replace(estimate, detail=(first, *columns.words, *lines))
