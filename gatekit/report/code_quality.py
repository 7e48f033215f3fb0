"""The report as GitLab's Code Quality: each failed gate is a finding at its line of the policy.

A fingerprint says which bar of which gate of which model, and never a measured value: the same bar
missed twice is one finding, and one that is cleared again is resolved.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from gatekit.decision import GateOutcome
from gatekit.report.document import Report
from gatekit.report.view import cut, untold
from gatekit.report.words import bounds_words, outcome_word

CODE_QUALITY_FILE = "gl-code-quality-report.json"
SEVERITY = {
    GateOutcome.FAILED: "critical",
    GateOutcome.INCONCLUSIVE: "major",
    GateOutcome.INCOMPLETE: "minor",
}
MOST_LETTERS = 500
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*=""")


def code_quality(report: Report) -> str:
    """A JSON list of findings, empty for a pass."""
    found = [*_run(report), *_checks(report), *_untold(report)]
    unique = {finding["fingerprint"]: finding for finding in reversed(found)}
    return json.dumps(list(reversed(unique.values())), indent=1) + "\n"


def policy_line(text: str, gate: str, key: str = "") -> int:
    """The line, from 1, where a policy sets `key` of `gate`; else its table's line, else 1."""
    tables, table, at_table = (f"gates.{gate}", f"own.{gate}"), "", 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = re.sub(r"[\s\"']", "", header[1])
            at_table = number if table in tables else at_table
        elif table in tables and key and (named := _KEY.match(line)) and named[1] == key:
            return number
    return at_table


def _run(report: Report) -> Iterator[dict[str, Any]]:
    for void in report.run["voids"]:
        yield _finding(report, "run", void, (GateOutcome.FAILED, void))
    if not report.tests:
        yield _finding(report, "run", "no gate", (GateOutcome.FAILED, "no gate was run"))


def _checks(report: Report) -> Iterator[dict[str, Any]]:
    for check in report.checks:
        if check.verdict is None or check.verdict or check.bar is None:
            continue
        key = (check.key or "").partition(".")[2]
        low, high = bounds_words(check)
        words = (
            f"{check.estimate.name} {check.op} {check.bar:g} {outcome_word(check)}: "
            f"{check.verdict.reason} (measured {check.estimate.value:.4g}, "
            f"between {low} and {high}, n = {check.estimate.n:,})"
        )
        outcome = GateOutcome(str(check.verdict.outcome))
        yield _finding(report, check.gate, key or check.test, (outcome, words))


def _untold(report: Report) -> Iterator[dict[str, Any]]:
    """Gates that are no pass for a reason beside their checks: a skipped test, a forgotten bar."""
    for gate in report.gates:
        reasons = untold(report, gate.gate)
        if gate.outcome in SEVERITY and reasons:
            yield _finding(report, gate.gate, "", (gate.outcome, "; ".join(reasons)))


def _finding(report: Report, gate: str, key: str, said: tuple[GateOutcome, str]) -> dict[str, Any]:
    outcome, words = said
    policy = report.policy
    which = _utf8(f"{report.model.get('name')} {gate} {key}")
    return {
        "description": _utf8(cut(f"{gate}: {words}", MOST_LETTERS)),
        "check_name": _utf8(f"gatekit.{gate}"),
        "fingerprint": hashlib.sha256(which.encode()).hexdigest(),
        "severity": SEVERITY[outcome],
        "location": {
            "path": policy.get("path") or policy["file"],
            "lines": {"begin": policy_line(policy["text"], gate, key)},
        },
    }


def _utf8(text: str) -> str:
    """Without half a surrogate pair, which a model's own words may hold and parsers refuse."""
    return text.encode("utf-8", "replace").decode()
