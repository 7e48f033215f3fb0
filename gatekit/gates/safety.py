"""May the candidate's files be loaded at all? Every reason against it, by file and name."""

from __future__ import annotations

from gatekit.estimate import Estimate, exact
from gatekit.gate import Ask, measure
from gatekit.subject import Subject


@measure
def findings(candidate: Subject, *, ask: Ask) -> Estimate:  # noqa: ARG001 - how every measure is asked
    """Reasons to refuse the model's files, found by reading them; the runner asks the same."""
    found = candidate.reasons_to_refuse()
    files = len(candidate.candidate.files)
    method = "every file read, none loaded; names judged by an allow-list"
    detail = tuple(str(each) for each in found)
    return exact("reasons to refuse", len(found), n=files, method=method, detail=detail)
