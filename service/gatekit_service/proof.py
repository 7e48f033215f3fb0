"""Which gate report speaks for the bytes a version has, by the tags on the version."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from gatekit.errors import GatekitError, NotFound, RegistryUnavailable
from gatekit.registry import ModelVersion, Registry
from gatekit.report.document import JSON_FILE, TAG_PREFIX, Report
from gatekit_service.state import Proof


def reports(version: ModelVersion) -> list[tuple[str, dict[str, Any]]]:
    """Run id and summary of every gate report the version's tags name, newest first."""
    found = []
    for key, text in version.tags.items():
        if key.startswith(TAG_PREFIX):
            try:
                summary = json.loads(text)
                found.append((summary["created"], key.removeprefix(TAG_PREFIX), summary))
            except (ValueError, KeyError, TypeError):
                continue  # anyone may write a tag; one that is no summary names no report
    return [(run, summary) for _, run, summary in sorted(found, key=lambda f: f[:2], reverse=True)]


def find_proof(version: ModelVersion, digest: str, registry: Registry) -> Proof:
    """The newest report about these bytes, read whole and checked against its tag.

    Raises:
        RegistryUnavailable: the registry did not answer; nothing is known.
    """
    known = reports(version)
    if not known:
        return Proof(none=f"version {version.version} was never gated")
    about = [(run, summary) for run, summary in known if summary.get("digest") == digest]
    if not about:
        return Proof(
            none="other bytes were gated than those that are served: the version's files "
            "have been changed since its newest report"
        )
    run, summary = about[0]
    try:
        report = _read(run, summary, registry)
    except GatekitError as error:
        if isinstance(error, RegistryUnavailable):
            raise
        return Proof(none=error.message)
    engine = str(report.run.get("engine", ""))
    return Proof(run, str(report.outcome), str(report.run.get("created", "")), engine)


def _read(run: str, summary: dict[str, Any], registry: Registry) -> Report:
    try:
        raw = registry.read(run, JSON_FILE)
    except NotFound as error:
        raise GatekitError(f"the report {run} that a tag names is gone") from error
    if hashlib.sha256(raw).hexdigest() != summary.get("sha256"):
        raise GatekitError(f"the report {run} is not the one its tag describes")
    report = Report.from_json(raw)
    if report.digest != summary["digest"]:
        raise GatekitError(f"the report {run} is about other bytes than its tag says")
    return report
