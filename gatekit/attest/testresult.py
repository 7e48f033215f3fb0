"""A report as in-toto's `test-result/v0.1`: for tools that know that predicate and no gatekit.

https://github.com/in-toto/attestation, spec/predicates/test-result.md. It knows passed, warned and
failed only, so whatever is not passed stands under failed, with a prefix that says how.
"""

from __future__ import annotations

import hashlib
from typing import Any

from gatekit.attest.statement import statement

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
_WELL = ("PASSED", "OBSERVED")


def test_result_statement(report: dict[str, Any]) -> bytes:
    """The statement about a report of schema `gatekit-report/1`."""
    passed: list[str] = []
    warned: list[str] = []
    failed: list[str] = []
    for test in report["tests"]:
        checks = [c for c in report["checks"] if c["test"] == test["test"]]
        prefix = _not_passed(test["outcome"], checks)
        if prefix is not None:
            failed.append(prefix + test["test"])
        elif any(_says(c, "FAILED", "INCONCLUSIVE") for c in checks):
            warned.append(test["test"])
        else:
            passed.append(test["test"])
    failed += [f"not-run:{each}" for each in report["run"].get("deselected", ())]
    failed += [f"gate:{g['gate']}" for g in report["gates"] if g["outcome"] not in _WELL]
    failed += [f"void:{each}" for each in report["run"].get("voids", ())]
    predicate = {
        "result": "PASSED" if report["outcome"] == "PASSED" else "FAILED",
        "configuration": _configuration(report),
        "passedTests": passed,
        "warnedTests": warned,
        "failedTests": failed,
    }
    return statement(TEST_RESULT, report["model"], predicate)


def _not_passed(outcome: str, checks: list[dict[str, Any]]) -> str | None:
    """The prefix of a test under failed, empty for a plain failure; None if it passed."""
    blocking = [c for c in checks if c["verdict"] is not None and c["verdict"]["blocking"]]
    undecided = any(_says(c, "INCONCLUSIVE") for c in blocking)
    broke = any(_says(c, "FAILED") for c in blocking)
    if outcome in ("passed", "failed"):
        if undecided and not broke:
            return "inconclusive:"
        if any(c["verdict"] is None for c in checks):
            return "never-compared:"
        return "" if broke or outcome == "failed" else None
    return outcome.replace(" ", "-") + ":"


def _says(check: dict[str, Any], *outcomes: str) -> bool:
    return check["verdict"] is not None and check["verdict"]["outcome"] in outcomes


def _configuration(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Policy, data and lock file as ResourceDescriptors with the sha256 of their bytes."""
    policy, run = report["policy"], report["run"]
    found = [
        {
            "name": policy["file"],
            "digest": {"sha256": hashlib.sha256(_bytes(policy["text"])).hexdigest()},
            "annotations": {"gatekit-policy-digest": policy["digest"]},
        },
        {"name": report["data"]["path"], "digest": {"sha256": report["data"]["sha256"]}},
    ]
    if run.get("lock"):
        found.append({"name": "lock", "digest": {"sha256": run["lock"]}})
    return found


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")
