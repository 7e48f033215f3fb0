"""What a report says of its run before any verdict: who, what, on which data, by which code."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gatekit.candidate import Candidate
from gatekit.data import Holdout
from gatekit.kept import kept_digests
from gatekit.ledger import Ledger
from gatekit.project import person
from gatekit.report.provenance import (
    commit,
    environment_sha256,
    path_in_repository,
    sha256_if_there,
    suites,
)
from gatekit.report.signed import unwalled
from gatekit.run import GateRun

PACKAGES = ("pytest-gatekit", "mlflow", "numpy", "scikit-learn", "scipy", "pandas", "pyarrow")


def identity(run: GateRun, ledger: Ledger) -> dict[str, dict[str, Any]]:
    """Model, champion, data, policy and circumstances of a run, as plain JSON values."""
    plan, champion, pin = run.plan, run.champion_model, run.holdout.pin
    return {
        "model": run.model.as_dict(),
        "champion": {
            "title": champion.title,
            "version": champion.version,
            "digest": champion.digest,
        }
        if isinstance(champion, Candidate)
        else {"none": champion.reason},
        "data": {
            "path": plan.policy.holdout.path,
            "rev": plan.policy.holdout.rev,
            "commit": pin.commit if pin else "",
            "md5": pin.md5 if pin else "",
            "sha256": run.holdout.sha256,
            "rows": run.holdout.rows,
            "target": plan.policy.holdout.target,
            **({"streamed": run.one_pass.as_dict()} if run.holdout.is_streamed else {}),
            **_samples(run),
        },
        "policy": {
            "file": plan.policy_file.name,
            "path": path_in_repository(plan.policy_file, plan.project.root),
            "digest": plan.reviewed.digest,
            "text": plan.policy_file.read_text(encoding="utf-8"),
            "changes": [
                {"key": c.key, "gate": c.gate, "loosened": c.loosened, "words": c.words()}
                for c in plan.changes
            ],
        },
        "run": {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": person(),
            "engine": run.engine,
            "service_url": plan.request.service_url,
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
            "packages": {name: _installed(name) for name in PACKAGES},
            **_origin(run, ledger),
            **_environments(run),
            **_kept(run),
        },
    }


def _samples(run: GateRun) -> dict[str, Any]:
    """What the drift gate compares, where it is asked; nothing else."""
    if run.plan.policy.reference is None or not run.plan.wants("drift"):
        return {}
    held = {"reference": run.reference, "current": run.current}
    passes = run.samples.passes if run.samples else {}
    return {
        what: {
            "path": each.path.name,
            "commit": each.pin.commit if each.pin else "",
            "md5": each.pin.md5 if each.pin else "",
            "sha256": each.sha256,
            "rows": each.rows,
            **({"streamed": passes[what].as_dict()} if what in passes else {}),
        }
        for what, each in held.items()
        if isinstance(each, Holdout)
    }


def _origin(run: GateRun, ledger: Ledger) -> dict[str, Any]:
    plan, walls = run.plan, run.walls
    settings, root = plan.policy.attestation, plan.project.root
    tests = [test.test for test in ledger.tests if test.outcome != "not run"]
    accepted = settings.accept_unwalled if run.signer is not None and unwalled(walls) else ""
    return {
        "commit": commit(root),
        "environment": environment_sha256(),
        "lock": sha256_if_there(plan.policy_file.parent / settings.lock) if settings.lock else "",
        "suites": suites(tests, run.tests_folder, root),
        "walls": list(walls or ()),
        "accepted_unwalled": accepted,
        "uses": run.uses.as_dict() if run.uses else {},
    }


def _environments(run: GateRun) -> dict[str, Any]:
    """What the models ran in, where that was what they declare; nothing where it was ours."""
    told = {role: each.as_dict() for role, each in run.environments.items() if each.is_declared}
    return {"environments": told} if told else {}


def _kept(run: GateRun) -> dict[str, Any]:
    """Digests of the files that lie beside the report; nothing where there are none."""
    digests = kept_digests(run.scratch)
    return {"kept": digests} if digests else {}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
