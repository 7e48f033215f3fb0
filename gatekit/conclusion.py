"""The end of a run: decide, write the report, keep it with the version, promote if asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from gatekit.attest.keys import PrivateKey
from gatekit.attest.trust import Trust
from gatekit.candidate import Candidate
from gatekit.decision import Asked, Decision, GateOutcome, decide_run
from gatekit.errors import GatekitError
from gatekit.golden import golden
from gatekit.identity import identity
from gatekit.kept import NAMES, kept_files
from gatekit.ledger import SEALED, Ledger
from gatekit.policy import Policy
from gatekit.project import person
from gatekit.promotion.proofs import read_proofs
from gatekit.registry import DataRecord, GateRunRecord, Registry
from gatekit.report.ci_files import ci_files
from gatekit.report.document import (
    FORM_FILE,
    HTML_FILE,
    JSON_FILE,
    TAG_PREFIX,
    Report,
    build_report,
    summary_tag,
)
from gatekit.report.page import render_page
from gatekit.report.signed import ENVELOPE_FILES, STATEMENT_FILE, signed_files, why_unsigned
from gatekit.report.since import earlier
from gatekit.run import GateRun
from gatekit.uses import tell
from gatekit.verdict import Outcome

LARGEST_FORM = 1 << 28  # bytes; a compiled model that is larger is not kept with the report


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
    signing: str = ""  # who signed it, or why nobody did, in words; empty if nobody asks


def conclude(
    run: GateRun, registry: Registry | None, ledger: Ledger, asked: Asked, folder: Path
) -> Conclusion:
    """Judge the ledger and carry the judgement out.

    The report is written to `folder`, signed if there is a key, and, for a registered version,
    attached to it; a pass with a target moves the pointer. A registry that fails here is a refusal
    in words, never a crash.
    """
    decision = decide_run(ledger, run.plan.policy, asked)
    serving, form = _serving(run)
    run.dismiss()  # they end while the report is written
    who = identity(run, ledger)
    who["run"] |= serving
    who["champion"] |= _champions_report(run, registry, who["policy"]["text"])
    why = why_unsigned(run.plan.policy, run.signer, run.walls, run.lost)
    signer = None if why else run.signer
    who["run"]["signed_by"] = _named(signer, run.plan.policy)
    report = build_report(who, ledger, decision, asked)
    raw = report.to_json()
    envelopes, signing = _sign(report, signer, run.plan.policy, why)
    beside = kept_files(run.scratch)
    files = _write(folder, report, raw, {**envelopes, **beside})
    refusals: list[str] = []
    gate_run = moved = ""
    if run.model.version and registry is not None:
        try:
            if form:
                beside = {**beside, FORM_FILE: form}
            gate_run = attach(registry, run.model, report, raw, envelopes, beside)
        except GatekitError as error:
            refusals.append(f"the report could not be kept with the version: {error}")
    if registry is not None and run.uses is not None and run.uses.is_sealed and run.uses.number:
        _tell(registry, run, ledger)
    if asked.target is not None and registry is not None:
        moved = _promote(run, registry, decision, asked.target, refusals)
    worked = asked.target is None and bool(ledger.checks)  # a part, by its own gates
    partly = decision.outcome is GateOutcome.INCOMPLETE and worked
    passed = decision.outcome is GateOutcome.PASSED or partly
    code = 0 if passed and not refusals else 1
    return Conclusion(report, decision, code, files, gate_run, moved, tuple(refusals), signing)


def _serving(run: GateRun) -> tuple[dict[str, Any], bytes]:
    """What the report tells a service of the model: golden rows, and the compiled form's digest."""
    if not run.model.version or run.walls is None:  # nothing is served, or no model was met
        return {"golden": {"none": "no model was asked in this run"}, "compiled": ""}, b""
    told = golden(run.candidate)
    try:
        form = run.candidate.form() if run.candidate.is_alive else b""
    except GatekitError:  # the service compiles it itself then
        form = b""
    if len(form) > LARGEST_FORM:
        form = b""
    sha256 = hashlib.sha256(form).hexdigest() if form else ""
    return {"golden": told, "compiled": sha256}, form


def _champions_report(run: GateRun, registry: Registry | None, policy: str) -> dict[str, Any]:
    """What the champion's own last pass said, to compare with; nothing where it is not known."""
    champion = run.champion_model
    if registry is None or not isinstance(champion, Candidate) or not champion.version:
        return {}
    try:
        proofs = read_proofs(
            registry,
            registry.version(champion.name, champion.version),
            Trust.of(run.plan.policy),
        )
    except GatekitError:
        return {}
    passes = [each for each in proofs.filed if each.report.outcome is GateOutcome.PASSED]
    if not passes:
        return {}
    last = max(passes, key=lambda each: each.created)
    return {"report": earlier(last.report, policy)}


def _tell(registry: Registry, run: GateRun, ledger: Ledger) -> None:
    assert run.uses is not None  # noqa: S101 - asked only where something was counted
    told = {
        check.key or f"{check.gate}.{check.estimate.name}": check.verdict.outcome is Outcome.PASSED
        for check in ledger.checks
        if check.estimate.method == SEALED and check.verdict is not None
    }
    with suppress(GatekitError):  # what nobody wrote down counts as if all of it had passed
        tell(registry, run.model.name, run.uses, told)


def _named(signer: PrivateKey | None, policy: Policy) -> dict[str, str]:
    """Who signs, for the report itself; nothing where nobody does."""
    if signer is None:
        return {}
    keyid = signer.public.keyid
    names = (name for name, _, public in Trust.of(policy).known if public.keyid == keyid)
    return {"key": keyid, "name": next(names, "")}


def _sign(
    report: Report, signer: PrivateKey | None, policy: Policy, why: str
) -> tuple[dict[str, bytes], str]:
    """The envelopes, and who signed them; or none, and `why`."""
    if signer is None:
        return {}, why
    envelopes = signed_files(report, signer, policy.attestation.valid_days)
    return envelopes, f"signed by key {signer.public.keyid[:8]}"


def attach(
    registry: Registry,
    model: Candidate,
    report: Report,
    raw: bytes,
    envelopes: Mapping[str, bytes] = MappingProxyType({}),
    beside: Mapping[str, bytes] = MappingProxyType({}),
) -> str:
    """Keep the report as a gate run of its own, and name it by a tag on the version.

    `beside` are files kept with it: what suites left and, where the model was compiled, its form.
    """
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
    files = {JSON_FILE: raw, HTML_FILE: render_page(report).encode(), **envelopes, **beside}
    run_id = registry.attach(GateRunRecord(title, tags, metrics, params, _data(report)), files)
    tag = summary_tag(report, raw, envelopes.get(STATEMENT_FILE, b""))
    registry.tag(model.name, str(model.version), TAG_PREFIX + run_id, tag)
    return run_id


def _data(report: Report) -> tuple[DataRecord, ...]:
    samples = {"holdout": report.data}
    samples |= {role: report.data[role] for role in ("reference", "current") if role in report.data}
    return tuple(
        DataRecord(role, each["path"], each["sha256"], each["rows"])
        for role, each in samples.items()
    )


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
        data_sha256=run.holdout.sha256,
    )
    try:
        done = promote(request, registry, run.plan.reviewed, signer=run.signer)
        return f"{done.words} {'; '.join(done.notes)}".strip()
    except GatekitError as error:
        refusals.extend(getattr(error, "reasons", ()) or [str(error)])
        return ""


def _write(folder: Path, report: Report, raw: bytes, more: Mapping[str, bytes]) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*ENVELOPE_FILES, *NAMES):  # one of an earlier run must not lie beside this report
        (folder / name).unlink(missing_ok=True)
    for name, content in more.items():
        (folder / name).write_bytes(content)
    document, page = folder / JSON_FILE, folder / HTML_FILE
    document.write_bytes(raw)
    page.write_text(render_page(report), encoding="utf-8")
    for name, text in ci_files(report).items():
        (folder / name).write_text(text, encoding="utf-8")
    return document, page
