"""One file for an auditor: the journal with its signed decisions, and what they rest on.

Schema `gatekit-history/1`. `gatekit.promotion.exported` checks it, without any registry.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from gatekit.errors import NotFound
from gatekit.policy import Policy
from gatekit.promotion.journal import Journal
from gatekit.promotion.trusted import Judge
from gatekit.registry import Registry
from gatekit.report.document import JSON_FILE, Report
from gatekit.report.signed import ENVELOPE_FILES
from gatekit.times import iso

SCHEMA = "gatekit-history/1"


def export(
    registry: Registry, name: str, journal: Journal, policy: Policy | None, now: datetime
) -> dict[str, Any]:
    """Everything about a model's promotions, as JSON values.

    Raises:
        RegistryUnavailable: it is not known what there is.
    """
    runs = dict.fromkeys(run for entry in journal.entries for run in entry.reports)
    reports, policies, missing = {}, {}, []
    for run in runs:
        kept = _files(registry, run)
        if JSON_FILE not in kept:
            missing.append(run)
            continue
        report = Report.from_json(kept[JSON_FILE])
        policies[str(report.policy["digest"])] = str(report.policy.get("text", ""))
        reports[run] = {
            file: {
                "sha256": hashlib.sha256(raw).hexdigest(),
                "base64": base64.b64encode(raw).decode(),
            }
            for file, raw in kept.items()
        }
    return {
        "schema": SCHEMA,
        "model": name,
        "exported": iso(now),
        "entries": [{"number": e.number, **e.to_fields()} for e in journal.entries],
        "reports": reports,
        "missing": missing,
        "policies": policies,
        "keys": {} if policy is None else _keys(policy),
        "second_person": [] if policy is None else list(Judge.of(policy).two_persons),
    }


def _files(registry: Registry, run: str) -> dict[str, bytes]:
    kept = {}
    for file in (JSON_FILE, *ENVELOPE_FILES):
        try:
            kept[file] = registry.read(run, file)
        except NotFound:
            continue
    return kept


def _keys(policy: Policy) -> dict[str, Any]:
    return {
        name: {
            "public": key.public,
            "roles": list(key.roles),
            "gates": list(key.gates),
            "targets": list(key.targets),
            "until": key.until,
        }
        for name, key in policy.keys.items()
    }
