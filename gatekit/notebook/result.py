"""What a run in a notebook gives back: a verdict, its numbers, and a page that shows itself."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from gatekit.decision import counts_words
from gatekit.ledger import Check
from gatekit.report.document import Report
from gatekit.report.markdown import WHOLE, render_markdown
from gatekit.report.page import render_page
from gatekit.report.table import short_outcome, table_row

COLUMNS = 80
HEIGHT_PX = 640
# a link to a place in the page would lead the frame to that place of the notebook
BASE = '<base href="about:srcdoc">'


@dataclass(frozen=True, repr=False)
class RunResult:
    """How the gates judged a model; shown as the report in a notebook, as a table in a terminal.

    `output` is all that the run printed.
    """

    passed: bool
    told: Report
    not_promotable: str  # why, in words; empty for a registered version
    output: str = ""

    @property
    def verdict(self) -> str:
        """PASSED, FAILED, INCONCLUSIVE or INCOMPLETE."""
        return str(self.told.outcome)

    @property
    def checks(self) -> tuple[Check, ...]:
        """Each measurement with its `estimate`, `bar` and `verdict`, in the order of the run."""
        return self.told.checks

    @cached_property
    def report(self) -> dict[str, Any]:
        """The whole report, as gatekit-report.json has it."""
        return self.told.document()

    @cached_property
    def page(self) -> str:
        """The report as one HTML file, to be kept or sent."""
        return render_page(self.told)

    def __str__(self) -> str:
        lines = [table_row(check) + short_outcome(check) for check in self.checks]
        counts = counts_words(self.told.gates)
        lines += ["", *_folded(f"GATES {self.verdict}  {self.told.sentence}: {counts}", "")]
        for reason in self.told.reasons:
            lines += _folded(f"  - {reason}", "    ")
        lines += _folded(self._note(), "  ")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The page in a frame of its own, where its styles and its links stay."""
        note = f"<p><b>{escape(self.verdict)}</b>: {escape(self.told.sentence)}.</p>"
        if self.not_promotable:
            note += f"<p>{escape(self._note())}</p>"
        framed = escape(self.page.replace("<head>", f"<head>{BASE}", 1))
        return (
            f'{note}<iframe title="The report of the gates" sandbox srcdoc="{framed}" '
            f'style="width: 100%; height: {HEIGHT_PX}px; border: 0"></iframe>'
        )

    def _repr_markdown_(self) -> str:
        """The note for a merge request, which names a file: here there is none."""
        note = render_markdown(self.told).replace(WHOLE, "The whole report: `.page`")
        return f"{note}\n{self._note()}\n" if self.not_promotable else note

    def _note(self) -> str:
        if not self.not_promotable:
            return ""
        return f"Not promotable: {self.not_promotable}. Register it, and gate the version."


def _folded(line: str, deeper: str) -> list[str]:
    return textwrap.wrap(
        line, COLUMNS, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False
    )
