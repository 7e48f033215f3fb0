"""What has changed since the last promotion: policy, data, measures, against the champion's report.

`earlier` is what a report keeps of that report, under `champion.report`; it is small, so that the
page can be made again from the JSON alone.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from gatekit.estimate import number_to_json
from gatekit.report.document import Report
from gatekit.verdict import number_words

MOST_LINES = 80
MOST_LETTERS = 300


@dataclass(frozen=True, slots=True)
class Since:
    """The changes in words, the changed lines of the policy, and measures then and now."""

    title: str
    created: str
    lines: tuple[str, ...]
    policy: tuple[str, ...]
    measures: tuple[tuple[str, str, str], ...]


def earlier(report: Report, policy_text: str) -> dict[str, Any]:
    """What to keep of the champion's `report`: plain JSON; `policy_text` is the policy now."""
    diff = difflib.unified_diff(
        str(report.policy.get("text", "")).splitlines(), policy_text.splitlines(), n=0, lineterm=""
    )
    changed = [line[:MOST_LETTERS] for line in diff if not line.startswith(("---", "+++", "@@"))]
    return {
        "created": report.run["created"],
        "policy_digest": report.policy.get("digest", ""),
        "policy_diff": changed[:MOST_LINES],
        "data_sha256": report.data.get("sha256", ""),
        "data_rows": report.data.get("rows", 0),
        "measures": {
            f"{check.gate}: {check.estimate.name}": number_to_json(check.estimate.value)
            for check in report.checks
            if check.estimate.is_number
        },
    }


def since_last(report: Report) -> Since | None:
    """The changes since the champion was gated; None where its report is not known."""
    held = report.champion.get("report")
    if not held:
        return None
    same_policy = held["policy_digest"] == report.policy["digest"]
    same_data = held["data_sha256"] == report.data["sha256"]
    lines = (
        "Policy: the same." if same_policy else "Policy: another one.",
        "Data: the same bytes."
        if same_data
        else f"Data: other bytes; {held['data_rows']:,} rows then, {report.data['rows']:,} now.",
    )
    measures = {}
    for check in report.checks:
        name, estimate = f"{check.gate}: {check.estimate.name}", check.estimate
        if name in held["measures"] and estimate.is_number:
            then = number_words(float(held["measures"][name]), estimate.unit)
            measures[name] = (name, then, number_words(estimate.value, estimate.unit))
    return Since(
        report.champion["title"],
        held["created"],
        lines,
        tuple(held["policy_diff"]),
        tuple(measures.values()),
    )
