"""Which suites and tests belong to a run."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from gatekit.errors import UsageProblem
from gatekit.plan import Plan
from gatekit.policy_gates import BUILT_IN
from gatekit_pytest.fixtures import gate_name


def default_suites(plan: Plan) -> list[str]:
    """What `pytest --model-uri URI` runs: built-in suites of the gates asked for, and the
    paths the policy names under `suites`, relative to the policy.

    Raises:
        UsageProblem: a named path does not exist, or there is nothing to run.
    """
    folder = _built_in_folder()
    wanted = [gate for gate in BUILT_IN if plan.wants(gate)]
    suites = [str(folder / f"test_{gate}.py") for gate in wanted]
    for named in plan.policy.suites:
        path = plan.policy_file.parent / named
        if not path.exists():
            raise UsageProblem(
                f"{plan.policy_file.name}: suites names {named!r}, which is not at {path}"
            )
        suites.append(str(path))
    if not suites:
        raise UsageProblem(
            f"{plan.policy_file.name} asks for no gate",
            "Declare [gates.accuracy] with a floor, or name own suites",
        )
    return suites


def keep_wanted(plan: Plan, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out built-in gates that the policy does not ask for."""
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        name = gate_name(item)
        (kept if name is None or plan.wants(name) else dropped).append(item)
    if dropped:
        items[:] = kept
        config.hook.pytest_deselected(items=dropped)


def _built_in_folder() -> Path:
    spec = importlib.util.find_spec("gatekit_suites")
    if spec is None or spec.origin is None:
        raise UsageProblem("gatekit_suites is not installed", "Reinstall pytest-gatekit")
    return Path(spec.origin).parent
