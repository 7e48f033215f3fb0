"""Is what the model declares there, in these versions, and is it what will serve?

In the environment it declares the question is if that can be built, and if it differs from the
service's lock; in ours, what is installed here against what is declared.
"""

from __future__ import annotations

from gatekit.environments import compared
from gatekit.environments.model import ModelEnvironment
from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask, measure
from gatekit.gates.applies import not_asked
from gatekit.subject import Subject


@measure
def missing(candidate: Subject, *, ask: Ask) -> Estimate:  # noqa: ARG001 - how every measure is asked
    """Packages that are declared and not there; a model that declares too little does not load."""
    environment = candidate.environment
    declaration = environment.declaration
    found = compared.missing(declaration, environment.packages)
    if environment.is_declared:
        candidate.load()
    return exact(
        "missing packages",
        len(found),
        n=len(declaration.parsed),
        method=f"{declaration.source} against {_where(environment)}",
        detail=(*map(str, found), *_told(environment)),
    )


@measure
def drift(candidate: Subject, *, ask: Ask) -> Estimate:
    """Packages in another version than declared or, in the declared environment, than locked."""
    environment = candidate.environment
    declaration, lock = environment.declaration, environment.locked
    packages = environment.packages
    if environment.is_declared and lock is None:
        why = "the policy names no attestation.lock to compare the declared environment with"
        return not_asked("drifted packages", why, ask)
    if environment.is_declared and lock is not None:
        found = compared.drifted_from_lock(declaration, packages, lock)
        asked, n = "the service's lock", len(packages)
    else:
        found = compared.drifted(declaration, packages)
        asked, n = declaration.source, len(declaration.parsed)
    found += compared.drifted_python(declaration, environment.python)
    method = f"{asked} against {_where(environment)}"
    return exact("drifted packages", len(found), n=n, method=method, detail=tuple(map(str, found)))


def _where(environment: ModelEnvironment) -> str:
    return "the environment built from it" if environment.is_declared else "what is installed here"


def _told(environment: ModelEnvironment) -> list[str]:
    """What a reader wants to know of an environment that was built."""
    if not environment.is_declared:
        return []
    built = environment.built()
    told = [
        f"built with Python {built.version}, {len(built.packages)} packages, "
        f"sha256 {built.sha256[:12]}"
    ]
    if built.added:
        listed = ", ".join(f"{name} {built.packages.get(name, '')}".strip() for name in built.added)
        told.append(f"added for gatekit's end of the line: {listed}")
    told += map(str, compared.drifted_python(environment.declaration, built.version))
    return told
