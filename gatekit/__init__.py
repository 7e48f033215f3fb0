"""Promotion gates for machine-learning models, written as pytest suites.

The tour, in the order of a candidate's way:

- `plan`, `policy`, `policy_file`, `project`: what is asked, and the bars (`read_policy`)
- `candidate`, `data`, `registry`: a model URI becomes bytes with a digest (`open_registry`)
- `runner`, `scoring`, `subject`: the model predicts in a process of its own
- `evidence`, `stats`, `gates`: predictions become an `Estimate` with bounds
- `gate`, `ledger`, `verdict`: a `Measurement` meets a bar and gets a `Verdict`; `means`: a team's
  own measure of all rows of a holdout that streams (`of_means`)
- `decision`, `report`, `conclusion`: the ledger becomes one decision, written down
- `promotion`: a proved version gets a pointer, by a journal
- `run`: all of it held together (`make_plan`, `open_run`); `testing`: toy models to try it on
- `notebook`: the same from a notebook (`run_gates`)

Importing this package imports none of its parts: a public name is looked up when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekit.errors import GatekitError
    from gatekit.estimate import Estimate
    from gatekit.ledger import Check, Measurement
    from gatekit.means import of_means
    from gatekit.notebook.result import RunResult
    from gatekit.notebook.running import run_gates
    from gatekit.picture import Curve
    from gatekit.plan import RunRequest, make_plan
    from gatekit.policy_file import read_policy
    from gatekit.registry import open_registry
    from gatekit.run import open_run
    from gatekit.verdict import Outcome, Verdict

    __version__: str

__all__ = [
    "Check",
    "Curve",
    "Estimate",
    "GatekitError",
    "Measurement",
    "Outcome",
    "RunRequest",
    "RunResult",
    "Verdict",
    "__version__",
    "make_plan",
    "of_means",
    "open_registry",
    "open_run",
    "read_policy",
    "run_gates",
]

_HOMES = {
    "Check": "ledger",
    "Curve": "picture",
    "Estimate": "estimate",
    "GatekitError": "errors",
    "Measurement": "ledger",
    "Outcome": "verdict",
    "RunRequest": "plan",
    "RunResult": "notebook.result",
    "Verdict": "verdict",
    "make_plan": "plan",
    "of_means": "means",
    "open_registry": "registry",
    "open_run": "run",
    "read_policy": "policy_file",
    "run_gates": "notebook.running",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pytest-gatekit")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
