"""The reports that a version carries: found by its tags, trusted by their sha256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from gatekit.errors import GatekitError, NotFound
from gatekit.promotion.words import plain
from gatekit.registry import ModelVersion, Registry
from gatekit.report.document import JSON_FILE, TAG_PREFIX, Report
from gatekit.times import parse_moment


@dataclass(frozen=True, slots=True)
class Filed:
    """A report as it was filed with its version, unchanged since."""

    run_id: str
    created: datetime
    report: Report

    @property
    def voids(self) -> tuple[str, ...]:
        """Why the whole run counts for nothing, if it does."""
        return tuple(map(str, self.report.run.get("voids", ())))


@dataclass(frozen=True, slots=True)
class Proofs:
    """The reports of a version, and why others of it are ignored, in words."""

    filed: tuple[Filed, ...] = ()
    ignored: tuple[str, ...] = ()


class _Ignored(Exception):
    """Why a report cannot be used."""


def read_proofs(registry: Registry, version: ModelVersion) -> Proofs:
    """All reports that the tags of `version` name.

    Raises:
        RegistryUnavailable: nothing is known then; this is not the same as no reports.
    """
    filed, ignored = [], []
    for key in sorted(version.tags):
        if key.startswith(TAG_PREFIX):
            run_id = key.removeprefix(TAG_PREFIX)
            try:
                filed.append(_read(registry, run_id, version.tags[key]))
            except _Ignored as reason:
                ignored.append(f"the report of run {plain(run_id)} is ignored: {reason}")
    return Proofs(tuple(filed), tuple(ignored))


def _read(registry: Registry, run_id: str, tag: str) -> Filed:
    try:
        expected = json.loads(tag)["sha256"]
    except (ValueError, KeyError, TypeError):
        raise _Ignored("its tag cannot be read") from None
    try:
        raw = registry.read(run_id, JSON_FILE)
    except NotFound:
        raise _Ignored("the run has no such report any more") from None
    if hashlib.sha256(raw).hexdigest() != expected:
        raise _Ignored("it was changed after it was filed")
    try:
        report = Report.from_json(raw)
        created = parse_moment(str(report.run["created"]))
        str(report.policy["digest"]), str(report.digest), list(report.policy["changes"])
    except (GatekitError, KeyError, TypeError) as error:
        raise _Ignored(f"it cannot be read ({plain(str(error))})") from None
    if created is None:
        raise _Ignored("it does not say when it was made")
    return Filed(run_id, created, report)
