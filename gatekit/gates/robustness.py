"""What a little noise does to the candidate.

Normal noise of `spread` standard deviations is added to every quantity: columns the signature
calls double or float. Whole numbers and strings are often codes, so they are left alone.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gatekit.data import Holdout
from gatekit.errors import DataError
from gatekit.estimate import Estimate
from gatekit.evidence.counts import right
from gatekit.gate import Ask, label_free, measure
from gatekit.gates.accuracy import share
from gatekit.subject import Subject


@measure
def accuracy_under_noise(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of rows still labelled right after the noise."""
    said = candidate.predict(noisy(candidate, holdout, ask))
    return share(
        "accuracy under noise", int(right(holdout.y, said).sum()), said.size, ask, _how(ask)
    )


@label_free
@measure
def stability(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:
    """Share of rows whose label the noise does not change, right or wrong."""
    said = candidate.predict(noisy(candidate, holdout, ask))
    same = right(candidate.predictions(holdout), said)
    return share("stability", int(same.sum()), same.size, ask, _how(ask))


def noisy(candidate: Subject, holdout: Holdout, ask: Ask) -> pa.Table:
    """The holdout's features with seeded noise on every quantity.

    Raises:
        DataError: the signature has no quantity to disturb.
    """
    signature = candidate.candidate.signature
    table = holdout.features(signature)
    quantities = [
        c.name
        for c in signature.inputs
        if c.type in ("double", "float") and c.name in table.column_names
    ]
    if not quantities:
        raise DataError(
            "robustness: the signature has no double or float column to disturb",
            "Take robustness out of the policy, or log quantities as doubles",
        )
    generator = np.random.default_rng(20_240_229)  # one draw for all measures of a run
    for name in quantities:
        column = table[name].to_numpy().astype(float)
        spread = float(np.nanstd(column)) * ask.settings.spread
        moved = column + generator.normal(0.0, 1.0, column.size) * spread
        kind = table.schema.field(name).type
        if not pa.types.is_floating(kind):
            kind = pa.float64()  # whole numbers in the file of a quantity: 3 becomes 3.01
        table = table.set_column(table.column_names.index(name), name, pa.array(moved).cast(kind))
    return table


def _how(ask: Ask) -> tuple[str, ...]:
    return (f"normal noise of {ask.settings.spread:g} standard deviations on every quantity",)
