"""The report as a note for a merge request: the verdict, what stopped the model, one table.

What a model or a file says of itself is text here: no markup, no link, no mention of a person.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from gatekit.ledger import Check
from gatekit.report.document import HTML_FILE, Report
from gatekit.report.view import WORST_FIRST, Limits, Stop, cut, stops
from gatekit.report.words import EXACT, POINT, bounds_words, outcome_word
from gatekit.verdict import number_words

MARKDOWN_FILE = "gatekit-report.md"
MOST_BYTES = 60_000  # GitHub takes 65,536 characters, GitLab more
WHOLE = f"The whole report: `{HTML_FILE}`"
LIMITS = (
    Limits(details=0, letters=600, checks=200),
    Limits(details=0, letters=200, checks=60),
    Limits(details=0, letters=80, checks=20),
)
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~$:-])")


def render_markdown(report: Report) -> str:
    """The note, below `MOST_BYTES` as UTF-8; what a long report leaves out is counted."""
    note = ""
    for limits in LIMITS:
        note = "\n".join(_lines(report, limits)) + "\n"
        note = note.encode("utf-8", "replace").decode()
        if len(note.encode()) <= MOST_BYTES:
            break
    return note


def _lines(report: Report, limits: Limits) -> Iterator[str]:
    yield f"### gatekit: {_text(report.sentence, limits)}"
    yield ""
    yield f"**{report.outcome}**"
    found = stops(report, limits)
    for stop in found[: limits.checks]:
        yield from _stop(stop, limits)
    yield from _more(len(found) - limits.checks, "reasons")
    yield ""
    yield from _table(report, limits)
    yield ""
    yield from _facts(report, limits)


def _stop(stop: Stop, limits: Limits) -> Iterator[str]:
    yield ""
    by = f": {_text(stop.by, limits)}" if stop.by else ""
    yield f"- **{_text(stop.gate, limits)}** {_text(stop.what, limits)}{by}"
    yield f"  *{_text(stop.help, limits)}*"


def _table(report: Report, limits: Limits) -> Iterator[str]:
    rank = {g.gate: WORST_FIRST.index(g.outcome) for g in report.gates}
    checks = sorted(report.checks, key=lambda check: rank.get(check.gate, 0))
    if not checks:
        yield "Nothing was measured."
        return
    yield "| gate | measure | value | interval | bar | |"
    yield "|---|---|---|---|---|---|"
    for check in checks[: limits.checks]:
        cells = (check.gate, check.estimate.name, *_numbers(check), outcome_word(check))
        yield "| " + " | ".join(_text(cell, limits) for cell in cells) + " |"
    yield from _more(len(checks) - limits.checks, "checks")


def _numbers(check: Check) -> tuple[str, str, str]:
    estimate = check.estimate
    bar = "none" if check.bar is None else f"{check.op} {number_words(check.bar, estimate.unit)}"
    if estimate.level in (EXACT, POINT) or not estimate.is_number:
        return number_words(estimate.value, estimate.unit), "", bar
    low, high = bounds_words(check)
    return number_words(estimate.value, estimate.unit), f"{low} to {high}", bar


def _facts(report: Report, limits: Limits) -> Iterator[str]:
    data = report.data
    pinned = f" at {data['commit'][:12]}" if data.get("commit") else ""
    facts = (
        ("Model", f"{report.model['uri']} sha256 {report.digest[:12]}"),
        ("Champion", str(report.champion.get("title") or report.champion.get("none"))),
        ("Data", f"{data['path']}{pinned}, {data['rows']:,} rows, sha256 {data['sha256'][:12]}"),
        ("Policy", f"{report.policy['file']} sha256 {report.policy['digest'][:12]}"),
        ("Run", f"{report.run['created']} by {report.run['by']}"),
    )
    for name, words in facts:
        yield f"{name}: {_text(words, limits)}  "
    for change in report.policy["changes"]:
        yield f"Changed: {_text(change['words'], limits)}  "
    yield WHOLE


def _more(count: int, of_what: str) -> Iterator[str]:
    if count > 0:
        yield f"\n{count} more {of_what} stand in the report."


def _text(words: str, limits: Limits) -> str:
    """One line of text in which nothing is markup, also not a mention such as @all."""
    line = " ".join(cut(words, limits.letters).split())
    escaped = _MARKUP.sub(r"\\\1", html.escape(line, quote=False))
    return escaped.replace("@", "@\N{ZERO WIDTH JOINER}")
