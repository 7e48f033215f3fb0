"""Whom a candidate is compared with."""

from __future__ import annotations

from pathlib import Path

from gatekit.candidate import Candidate, resolve
from gatekit.errors import NotFound, UsageProblem
from gatekit.plan import Plan
from gatekit.registry import Registry
from gatekit.registry.model_uri import parse_model_uri
from gatekit.subject import NoChampion


def find_champion(
    plan: Plan, registry: Registry | None, candidate: Candidate, scratch: Path
) -> Candidate | NoChampion:
    """The model that `--champion` names, else whoever holds the target, or why there is none.

    Raises:
        UsageProblem: it is the candidate itself, or the policy refuses a first promotion.
        RegistryUnavailable: the registry did not answer.
    """
    if registry is None and plan.request.champion is None:
        return NoChampion("no champion: a model folder is compared only with --champion URI")
    into = scratch / "champion"
    into.mkdir()
    if plan.request.champion is not None:
        uri = parse_model_uri(plan.request.champion)
        champion = resolve(uri, registry, into, plan.policy.model)
        named = (champion.name, champion.version, champion.version or champion.uri)
        if named == (candidate.name, candidate.version, candidate.version or candidate.uri):
            raise UsageProblem(
                f"--champion {uri.text} is the candidate itself",
                "Name another version: a model always equals itself, which proves nothing",
            )
        return _another(champion, candidate)
    assert registry is not None  # noqa: S101 - without one there was a champion, or none
    policy = plan.policy
    target = plan.request.target or next(iter(policy.promotion), None)
    if target is None:
        return NoChampion("no champion: the policy names no promotion target")
    try:
        holder = registry.holder(policy.model, policy.pointer_name(target), policy.pointer)
    except NotFound:
        holder = None
    if holder is None:
        if plan.request.target and policy.target(target).first_promotion == "refuse":
            raise UsageProblem(
                f"no champion yet: nobody holds {target!r}, and first_promotion is 'refuse'",
                "Name one with --champion URI, or let the policy accept a first promotion",
            )
        return NoChampion(f"no champion yet: nobody holds {target!r}, nothing to lose to")
    if holder.version == candidate.version:
        return NoChampion(f"the candidate itself holds {target!r}, nothing to compare with")
    uri = parse_model_uri(f"models:/{holder.name}/{holder.version}")
    return _another(resolve(uri, registry, into, policy.model), candidate)


def _another(champion: Candidate, candidate: Candidate) -> Candidate | NoChampion:
    if not candidate.content or champion.content != candidate.content:
        return champion
    held = f"version {champion.version}" if champion.version else champion.title
    return NoChampion(
        f"no champion: the same model as {held}, registered again: nothing to compare with"
    )
