"""Does the engine that will serve give pyfunc's answers? What is gated is what serves."""

from __future__ import annotations

import numpy as np

from gatekit.data import Holdout
from gatekit.estimate import Estimate, exact
from gatekit.evidence.counts import right
from gatekit.gate import Ask, measure
from gatekit.subject import Subject


@measure
def disagreements(candidate: Subject, holdout: Holdout, *, ask: Ask) -> Estimate:  # noqa: ARG001 - every measure is asked alike
    """Rows of the whole holdout that the serving engine answers unlike pyfunc: a count."""
    served = candidate.predictions(holdout)
    reference = candidate.predictions(holdout, engine="pyfunc")
    rows = np.flatnonzero(~right(served, reference))
    detail = tuple(
        f"row {row}: {candidate.engine} says {served[row]}, pyfunc {reference[row]}"
        for row in rows[:5]
    )
    method = f"count, {candidate.engine} against pyfunc on every row"
    return exact("parity disagreements", rows.size, n=served.size, method=method, detail=detail)
