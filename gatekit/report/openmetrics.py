"""The report as OpenMetrics text, for a CI that compares numbers between pipelines.

GitLab compares the values as strings, so names and labels are stable and numbers have one format.
A label says which of the three numbers of an estimate it is: `value`, `low` or `high`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from gatekit.decision import GateOutcome
from gatekit.ledger import Check
from gatekit.report.document import Report

METRICS_FILE = "metrics.txt"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_Labels = dict[str, str]
_Samples = Iterable[tuple[_Labels, float]]


def openmetrics(report: Report) -> str:
    """The text, which ends with `# EOF`."""
    passed = float(report.outcome is GateOutcome.PASSED)
    families: list[tuple[str, str, _Samples]] = [
        ("run_passed", "1 if the whole run is a pass", [({}, passed)]),
        ("gate_passed", "1 if the gate passed", _gates(report)),
        ("measure", "a measured value, and its one-sided bounds", _measures(report.checks)),
        ("bar", "the number a measurement had to clear", _bars(report.checks)),
        ("rows", "rows of the holdout", [({}, float(report.data["rows"]))]),
    ]
    lines = [line for family in families for line in _family(*family)]
    return "\n".join([*lines, "# EOF"]) + "\n"


def _family(name: str, words: str, samples: _Samples) -> Iterator[str]:
    yield f"# TYPE gatekit_{name} gauge"
    yield f"# HELP gatekit_{name} {words}"
    seen: set[str] = set()
    for labels, value in samples:
        inner = ",".join(f'{key}="{_label(text)}"' for key, text in labels.items())
        series = f"gatekit_{name}{{{inner}}}" if inner else f"gatekit_{name}"
        if series not in seen:  # measured once, held against two bars
            seen.add(series)
            yield f"{series} {_number(value)}"


def _gates(report: Report) -> _Samples:
    for gate in report.gates:
        yield {"gate": gate.gate}, float(gate.outcome is GateOutcome.PASSED)


def _measures(checks: Iterable[Check]) -> _Samples:
    for check in checks:
        estimate = check.estimate
        yield {**_named(check), "bound": "value"}, estimate.value
        yield {**_named(check), "bound": "low"}, estimate.low
        yield {**_named(check), "bound": "high"}, estimate.high


def _bars(checks: Iterable[Check]) -> _Samples:
    for check in checks:
        if check.bar is not None:
            yield {**_named(check), "op": str(check.op)}, check.bar


def _named(check: Check) -> _Labels:
    test = check.test.rpartition("::")[2]
    return {"gate": check.gate, "test": test, "measure": check.estimate.name}


def _label(text: str) -> str:
    # half a surrogate pair, from a model's own words, is no UTF-8
    return text.translate(_ESCAPES).encode("utf-8", "backslashreplace").decode()


def _number(value: float) -> str:
    """Six decimals; an infinite bound and what is no number have names of their own."""
    if math.isfinite(value):
        return f"{value:.6f}"
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
