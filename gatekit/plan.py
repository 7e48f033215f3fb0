"""What a run is asked to do, understood and checked before any registry is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatekit.errors import CandidateError, UsageProblem
from gatekit.policy import Policy
from gatekit.policy_file import Change, apply_sets, read_policy
from gatekit.policy_gates import BUILT_IN, SERVICE_GATES
from gatekit.policy_values import ENGINES, engine_problem
from gatekit.project import Project, find_project, person
from gatekit.registry import Registry, open_registry
from gatekit.registry.embedded import database_file
from gatekit.registry.model_uri import ModelUri, parse_model_uri


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What was asked on the command line."""

    uri: str
    gates: str | None = None
    sets: tuple[str, ...] = ()
    champion: str | None = None
    target: str | None = None
    service_url: str | None = None
    model_env: str = "local"  # or "declared": each model runs in what it declares
    current: str | None = None  # rows to look at for drift, in place of the policy's
    engine: str | None = None  # who counts the holdout, which then streams


@dataclass(frozen=True, slots=True)
class Plan:
    """The request, understood: no registry has been asked yet."""

    request: RunRequest
    project: Project
    uri: ModelUri
    policy_file: Path
    reviewed: Policy  # as the file says
    policy: Policy  # with --gate-set applied
    changes: tuple[Change, ...]

    @property
    def required(self) -> tuple[str, ...]:
        """The gates this run has to prove."""
        if self.request.target is not None:
            return self.policy.target(self.request.target).requires
        on_service = self.request.service_url is not None
        asked = [g for t in self.policy.promotion.values() for g in t.requires]
        known = dict.fromkeys([*asked, *(g for g in self.policy.declared if self.policy.bars(g))])
        return tuple(g for g in known if (g in SERVICE_GATES) == on_service)

    def wants(self, gate: str) -> bool:
        """Whether tests of that gate belong in this run: asked for, or a team's own."""
        if gate not in BUILT_IN or gate in self.required:
            return True
        return gate in self.policy.declared and (gate in SERVICE_GATES) == (
            self.request.service_url is not None
        )


def make_plan(request: RunRequest, start: Path | None = None) -> Plan:
    """Check everything that needs no registry.

    Raises:
        UsageProblem: a bad URI, policy, key or target.
    """
    uri = parse_model_uri(request.uri)
    project = find_project(start)
    if request.engine and (why := engine_problem(request.engine)):
        raise UsageProblem(f"--engine {why}", ENGINES[:1].upper() + ENGINES[1:])
    path = project.policy_path(request.gates)
    reviewed = read_policy(path)
    policy, changes = apply_sets(reviewed, request.sets, person())
    if uri.name and uri.name != policy.model:
        raise CandidateError(
            f"{path.name} is the policy of {policy.model!r}, and {uri.text} names {uri.name!r}",
            "Give the right policy with --gates FILE",
        )
    plan = Plan(request, project, uri, path.resolve(), reviewed, policy, changes)
    if request.target is not None:
        _check_target(plan, request.target)
    return plan


def _check_target(plan: Plan, target: str) -> None:
    required = plan.policy.target(target).requires
    if not plan.uri.is_registered:
        raise CandidateError(
            f"{plan.uri.text} is no registered version, so it cannot be promoted",
            "Register it first; without --promote-to its gates run all the same",
        )
    live = [gate for gate in required if gate in SERVICE_GATES]
    if live and plan.request.service_url is None:
        raise UsageProblem(
            f"{target!r} asks for {', '.join(live)}, measured on a running service",
            "Give --service-url URL of the service that serves the candidate",
        )


def check_registry_exists(project: Project) -> None:
    """An embedded registry that was never made is an error, not an empty one.

    Raises:
        UsageProblem: there is no embedded registry yet.
    """
    database = database_file(project.registry_uri())
    if database is not None and not database.exists():
        raise UsageProblem(
            f"no registry yet: {database.name} is not in {database.parent}",
            "Register a model first, or name a registry with MLFLOW_TRACKING_URI",
        )


def open_existing_registry(project: Project) -> Registry:
    """The project's registry.

    Raises:
        UsageProblem: there is no embedded registry yet.
        RegistryUnavailable: it does not answer.
    """
    check_registry_exists(project)
    return open_registry(project.registry_uri())
