"""The end of a run: decide, write the report, keep it with the version, promote if asked."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gatekit.candidate import Candidate
from gatekit.decision import Asked, Decision, GateOutcome, decide_run
from gatekit.errors import GatekitError
from gatekit.ledger import Ledger
from gatekit.project import person
from gatekit.registry import GateRunRecord, Registry
from gatekit.report.document import (
    HTML_FILE,
    JSON_FILE,
    TAG_PREFIX,
    Report,
    build_report,
    summary_tag,
)
from gatekit.report.page import render_page
from gatekit.run import GateRun

PACKAGES = ("pytest-gatekit", "mlflow", "numpy", "scikit-learn", "scipy", "pandas", "pyarrow")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a run ended. `refusals` are empty if the pointer moved or nobody asked it to."""

    report: Report
    decision: Decision
    exit_code: int
    files: tuple[Path, ...]
    gate_run: str = ""  # the registry's id of the attached run
    moved: str = ""  # what the promotion did, in words
    refusals: tuple[str, ...] = ()


def conclude(
    run: GateRun, registry: Registry | None, ledger: Ledger, asked: Asked, folder: Path
) -> Conclusion:
    """Judge the ledger and carry the judgement out.

    The report is written to `folder` and, for a registered version, attached to it; a pass with a
    target moves the pointer. A registry that fails here is a refusal in words, never a crash.
    """
    decision = decide_run(ledger, run.plan.policy, asked)
    report = build_report(_identity(run), ledger, decision, asked)
    raw = report.to_json()
    files = _write(folder, report, raw)
    refusals: list[str] = []
    gate_run = moved = ""
    if run.model.version and registry is not None:
        try:
            gate_run = attach(registry, run.model, report, raw)
        except GatekitError as error:
            refusals.append(f"the report could not be kept with the version: {error}")
    if asked.target is not None and registry is not None:
        moved = _promote(run, registry, decision, asked.target, refusals)
    worked = asked.target is None and bool(ledger.checks)  # a part, by its own gates
    partly = decision.outcome is GateOutcome.INCOMPLETE and worked
    passed = decision.outcome is GateOutcome.PASSED or partly
    code = 0 if passed and not refusals else 1
    return Conclusion(report, decision, code, files, gate_run, moved, tuple(refusals))


def attach(registry: Registry, model: Candidate, report: Report, raw: bytes) -> str:
    """Keep the report as a gate run of its own, and name it by a tag on the version."""
    title = f"gate {model.name} version {model.version}: {report.outcome}"
    tags = {
        "gatekit.model": model.name,
        "gatekit.version": str(model.version),
        "gatekit.digest": report.digest,
        "gatekit.verdict": str(report.outcome),
        "gatekit.policy": report.policy["digest"],
    }
    metrics = {
        f"{check.gate}.{check.estimate.name.replace(' ', '_')}{end}": number
        for check in report.checks
        for end, number in (
            ("", check.estimate.value),
            (".low", check.estimate.low),
            (".high", check.estimate.high),
        )
    }
    params = {"data.sha256": report.data["sha256"], "engine": report.run["engine"]}
    files = {JSON_FILE: raw, HTML_FILE: render_page(report).encode()}
    run_id = registry.attach(GateRunRecord(title, tags, metrics, params), files)
    registry.tag(model.name, str(model.version), TAG_PREFIX + run_id, summary_tag(report, raw))
    return run_id


def _promote(
    run: GateRun, registry: Registry, decision: Decision, target: str, refusals: list[str]
) -> str:
    if decision.outcome is not GateOutcome.PASSED or refusals:
        refusals.extend(decision.reasons or ["the run is not a pass"])
        return ""
    from gatekit.promotion.promote import PromotionRequest, promote

    request = PromotionRequest(
        name=run.model.name,
        version=str(run.model.version),
        target=target,
        by=person(),
        tested_digest=run.model.digest,
    )
    try:
        done = promote(request, registry, run.plan.reviewed)
        return f"{done.words} {'; '.join(done.notes)}".strip()
    except GatekitError as error:
        refusals.extend(getattr(error, "reasons", ()) or [str(error)])
        return ""


def _write(folder: Path, report: Report, raw: bytes) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    document, page = folder / JSON_FILE, folder / HTML_FILE
    document.write_bytes(raw)
    page.write_text(render_page(report), encoding="utf-8")
    return document, page


def _identity(run: GateRun) -> dict[str, dict[str, Any]]:
    plan, champion = run.plan, run.champion_model
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
            "sha256": run.holdout.sha256,
            "rows": run.holdout.rows,
            "target": plan.policy.holdout.target,
        },
        "policy": {
            "file": plan.policy_file.name,
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
            "walls": list(run.walls),
            "service_url": plan.request.service_url,
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
            "packages": {name: _installed(name) for name in PACKAGES},
        },
    }


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
