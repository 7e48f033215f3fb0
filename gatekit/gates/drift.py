"""How far the rows a model meets lie from those it was trained on: column by column, in what the
model says, and in the labels. Effects with bounds, never p-values: on many rows every column has
moved, and the question is how far.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gatekit.data import Holdout, NoSample
from gatekit.estimate import Estimate
from gatekit.evidence.pairs import Numbers, Values, by_value, paired
from gatekit.gate import Ask, measure
from gatekit.gates import applies
from gatekit.gates.drift_columns import Found, columns_of, each, worst
from gatekit.stats import drift
from gatekit.stats.drift import FEWEST_OF_A_BIN, Divergence, Effect
from gatekit.subject import Subject

Sample = Holdout | NoSample
CHI_SQUARE = "debiased; noncentral chi-square"
LARGEST_GAP = "Kolmogorov-Smirnov distance"
TRANSPORT = "Kantorovich-Rubinstein, normal"


@measure
def psi(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """The largest population stability index of a column, numbers in bins of the reference."""
    name = "worst PSI"
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)
    columns = list(columns_of(candidate, reference, current))
    found = [*each(Numbers, _psi_of_numbers, iter(columns)), *each(Values, _psi, iter(columns))]
    return _worst(name, found, (reference, current), f"PSI, {CHI_SQUARE}", ask)


@measure
def ks(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """The largest gap, of any column of numbers, between its two distribution functions."""
    name = "worst KS distance"
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)
    found = each(Numbers, _ks, columns_of(candidate, reference, current))
    return _worst(name, found, (reference, current), LARGEST_GAP, ask)


@measure
def wasserstein(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """The farthest that a column of numbers was moved, in the reference's standard deviations."""
    name = "worst Wasserstein"
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)

    def moved(column: Numbers) -> Effect:
        return drift.wasserstein(column.reference, column.current)

    found = each(Numbers, moved, columns_of(candidate, reference, current))
    return _worst(name, found, (reference, current), TRANSPORT, ask)


@measure
def cramers_v(candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask) -> Estimate:
    """The largest Cramer's V, over columns of values, between sample and value."""
    name = "worst Cramer's V"
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)
    found = each(Values, _v, columns_of(candidate, reference, current))
    return _worst(name, found, (reference, current), f"Cramer's V, {CHI_SQUARE}", ask)


@measure
def of_predictions(
    candidate: Subject, reference: Sample, current: Holdout, *, ask: Ask
) -> Estimate:
    """How far what the model says is spread otherwise: V of labels, KS of scores and numbers."""
    name = "prediction drift"
    if isinstance(reference, NoSample):
        return applies.not_asked(name, reference.reason, ask)
    said = [pa.chunked_array([_said(candidate, each)]) for each in (reference, current)]
    return _of_one(name, _by_task(candidate, said), (reference, current), ask)


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
    labels = [sample.table[sample.spec.target] for sample in (reference, current)]
    return _of_one(name, _by_task(candidate, labels, scored=False), (reference, current), ask)


def _said(candidate: Subject, sample: Holdout) -> object:
    if candidate.score and candidate.task == "binary":
        return candidate.scores(sample)
    return np.asarray(candidate.predictions(sample))


def _by_task(
    candidate: Subject, sides: list[pa.ChunkedArray], *, scored: bool = True
) -> Numbers | Values:
    is_number = candidate.task == "regression" or (
        scored and bool(candidate.score) and candidate.task == "binary"
    )
    both = paired("", *sides) if is_number else None
    return by_value("", *sides) if both is None else both


def _of_one(
    name: str, both: Numbers | Values, samples: tuple[Holdout, Holdout], ask: Ask
) -> Estimate:
    effect = _ks(both) if isinstance(both, Numbers) else _v(both)
    method = LARGEST_GAP if isinstance(both, Numbers) else f"Cramer's V, {CHI_SQUARE}"
    what = "what it says" if name.startswith("prediction") else samples[0].spec.target
    return _worst(name, [Found(what, effect)], samples, method, ask)


def _worst(
    name: str, found: list[Found], samples: tuple[Holdout, Holdout], method: str, ask: Ask
) -> Estimate:
    if not found:
        kind = "of values" if name == "worst Cramer's V" else "of numbers"
        return applies.not_asked(name, f"the model takes no column {kind}", ask)
    return worst(name, found, (samples[0].rows, samples[1].rows), method, ask)


def _ks(column: Numbers) -> Effect:
    return drift.ks(column.reference, column.current)


def _v(column: Values) -> Divergence:
    known = column.pooled(FEWEST_OF_A_BIN)
    return drift.cramers_v(known.reference, known.current)


def _psi(column: Values) -> Divergence:
    known = column.pooled(FEWEST_OF_A_BIN)
    return drift.psi(known.reference, known.current)


def _psi_of_numbers(column: Numbers) -> Divergence:
    edges = drift.quantile_bins(column.reference)
    sides = (column.reference, column.missing[0]), (column.current, column.missing[1])
    reference, current = (drift.counts(numbers, edges, missing) for numbers, missing in sides)
    if not sum(column.missing):
        reference, current = reference[:-1], current[:-1]
    return drift.psi(reference, current)
