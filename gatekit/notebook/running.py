"""`run_gates`: the third door to a gate run, beside pytest and the pipeline."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekit.decision import GateOutcome
from gatekit.notebook.child import run_pytest
from gatekit.notebook.inputs import write_inputs
from gatekit.notebook.result import RunResult
from gatekit.policy import Policy

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from sklearn.base import BaseEstimator


def run_gates(
    model: str | os.PathLike[str] | BaseEstimator,
    data: str | os.PathLike[str] | pa.Table | pd.DataFrame | None = None,
    policy: str | os.PathLike[str] | Mapping[str, Any] | Policy | None = None,
    *,
    champion: str | None = None,
) -> RunResult:
    """Gate a model as `pytest --model-uri` does, and give back what came of it.

    `model` is a fitted scikit-learn estimator, a model URI or the path of a model folder. `data`
    stands in for the policy's holdout: a path, or rows with the label among their columns; None:
    the policy's own. `policy` is a path, tables as in gates.toml, or a `Policy`, whose relative
    paths start at the working directory; None: the project's. `champion` is a model URI.

    The suites run in a process of their own. A registered version is gated as on the command line:
    the report is kept with it and the use of the test set is counted. Anything else is not
    promotable.

    Raises:
        UsageProblem: model, data or policy cannot be used, or the registry does not give the model;
            nothing was written.
        GatekitError: the run ended without a report.
    """
    with tempfile.TemporaryDirectory(prefix="gatekit-notebook-") as folder:
        scratch = Path(folder)
        inputs = write_inputs(model, data, policy, scratch)
        ran = run_pytest(inputs, champion, scratch / "report")
    passed = ran.exit_code == 0 and ran.report.outcome is GateOutcome.PASSED
    return RunResult(passed, ran.report, inputs.handed_over, ran.output)
