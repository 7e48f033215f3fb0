"""The report as one HTML file: offline, no script, readable on a phone and on paper."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from gatekit.decision import GateOutcome
from gatekit.report.document import JSON_FILE, Report
from gatekit.report.since import since_last
from gatekit.report.view import SYMBOLS, Limits, cut, gate_views, stops

if TYPE_CHECKING:
    from jinja2 import Template

MOST_BYTES = 250_000
# The first of these whose page is small enough is taken.
LIMITS = (
    Limits(details=60, letters=2_000, checks=200),
    Limits(details=12, letters=400, checks=100),
    Limits(details=3, letters=160, checks=40, drawn=False),
)
FEW = 6  # lines of detail that are not folded away
POLICY_SHARE = 20  # the policy's text may be so many times as long as any other


def render_page(report: Report) -> str:
    """The page of a report, below `MOST_BYTES` as UTF-8.

    What a long report makes it leave out is counted on the page, and is in the JSON.
    """
    page = ""
    for limits in LIMITS:
        page = _template().render(_content(report, limits))
        page = page.encode("utf-8", "replace").decode()
        if len(page.encode()) <= MOST_BYTES:
            break
    return page


def prepare() -> None:
    """Import and compile what renders a page, for a moment when nobody waits for it."""
    _template()


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    text = resources.files("gatekit.report").joinpath("page.html").read_text(encoding="utf-8")
    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return made.from_string(text)


def _content(report: Report, limits: Limits) -> dict[str, Any]:
    stopped, rows = stops(report, limits), limits.checks
    broken = [test for test in report.tests if test["outcome"] != "passed"]
    files = report.model["files"]
    return {
        "sentence": cut(report.sentence, limits.letters),
        "outcome": str(report.outcome),
        "symbol": SYMBOLS.get(report.outcome, "\N{BULLET}"),
        "passed": report.outcome is GateOutcome.PASSED,
        "stops": stopped[:rows],
        "more_stops": len(stopped) - len(stopped[:rows]),
        "facts": _facts(report, limits),
        "gates": gate_views(report, limits),
        "changes": report.policy["changes"],
        "loosened": any(change["loosened"] for change in report.policy["changes"]),
        "identity": _identity(report, limits),
        "files": files[:rows],
        "more_files": len(files) - len(files[:rows]),
        "packages": report.run["packages"],
        "few": FEW,
        "since": since_last(report),
        "budget": _budget(report),
        "keys": _keys(report),
        "policy": cut(report.policy["text"], limits.letters * POLICY_SHARE),
        "broken": [{k: cut(v, limits.letters) for k, v in test.items()} for test in broken[:rows]],
        "more_broken": len(broken) - len(broken[:rows]),
        "deselected": [cut(test, limits.letters) for test in report.run["deselected"][:rows]],
        "more_deselected": max(0, len(report.run["deselected"]) - rows),
        "json_file": JSON_FILE,
    }


def _champion(report: Report) -> str:
    return str(report.champion.get("title") or report.champion.get("none"))


def _facts(report: Report, limits: Limits) -> list[str]:
    """What the reader needs beside the verdict: on how much data, against whom, when."""
    held = _champion(report)
    facts = [
        f"{report.data['rows']:,} rows of {report.data['path']}",
        held if "none" in report.champion else f"against {held}",
        f"{report.run['created']} by {report.run['by']}",
    ]
    return [cut(fact, limits.letters) for fact in facts]


def _budget(report: Report) -> dict[str, str] | None:
    """Uses of the test set's labels: in words and, where they are declared, as a bar."""
    uses = report.run.get("uses") or {}
    if not uses:
        return None
    number, declared = int(uses.get("number") or 0), int(uses.get("declared") or 0)
    svg = ""
    if declared:
        spent = min(100.0, 100 * number / declared)
        svg = (
            f'<svg class="budget" width="100%" height="14" role="img" '
            f'aria-label="{number} of {declared} declared uses"><rect class="whole" width="100%" '
            f'height="14"/><rect class="spent" width="{spent:.1f}%" height="14"/></svg>'
        )
    return {"words": str(uses.get("words", "")), "svg": svg}


def _keys(report: Report) -> list[tuple[str, str]]:
    """The keys in the policy's text, each with its roles."""
    try:
        named = tomllib.loads(report.policy["text"]).get("keys", {})
        return [(name, ", ".join(key.get("roles", ()))) for name, key in named.items()]
    except (ValueError, AttributeError, TypeError):
        return []


def _signed(by: dict[str, str]) -> str:
    """The key, as the report says of itself; whether that is so, the registry has to be asked."""
    if not by.get("key"):
        return "nobody"
    name = f"{by['name']}, " if by.get("name") else ""
    return f"{name}key {by['key'][:8]}; `gatekit verify` says whether it did"


def _identity(report: Report, limits: Limits) -> list[tuple[str, str]]:
    model, data, run = report.model, report.data, report.run
    rows = [
        ("Model", model["uri"]),
        ("Version", model["version"] or "not registered, so not promotable"),
        ("Training run", model["run_id"] or "unknown"),
        ("Digest", f"sha256:{model['digest']}"),
        ("Champion", _champion(report)),
        ("Data", f"{data['path']}, {data['rows']:,} rows, target {data['target']}"),
        ("Data digest", f"sha256:{data['sha256']}"),
        ("Data pinned", f"by commit {data['commit']}" if data.get("commit") else "by no .dvc file"),
        ("Policy", report.policy["file"]),
        ("Policy digest", f"sha256:{report.policy['digest']}"),
        ("Target", run["target"] or "none asked"),
        ("Required gates", ", ".join(run["required"]) or "none"),
        ("Scoring engine", run["engine"]),
        ("Commit", run.get("commit") or "unknown"),
        ("Suites", ", ".join(suite["name"] for suite in run.get("suites", ())) or "none ran"),
        ("Lock file", f"sha256:{run['lock']}" if run.get("lock") else "none named"),
        ("Walls around the model", "; ".join(run.get("walls", ())) or "none"),
        ("Service", run["service_url"] or "none asked"),
        ("Run by", run["by"]),
        ("Signed by", _signed(run.get("signed_by") or {})),
        ("When", run["created"]),
        ("Python", f"{run['python']} on {run['machine']}"),
    ]
    return [(name, cut(str(words), limits.letters)) for name, words in rows]
