"""What people read: header, the words of a failed gate, closing table. ASCII, 80 columns."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from gatekit.ledger import Measurement
from gatekit.report.table import failure_words, short_outcome, table_row
from gatekit.verdict import Outcome

if TYPE_CHECKING:
    from gatekit_pytest.session import GateSession

COLOURS = {
    "PASSED": {"green": True},
    "FAILED": {"red": True, "bold": True},
    "INCONCLUSIVE": {"yellow": True},
}


OBSERVED = ("passed", "failed", "inconclusive")


class Terminal:
    """The hooks that print."""

    def __init__(self, session: GateSession, *, quiet: bool = False) -> None:
        self._session = session
        self._quiet = quiet  # the verdict line, and what failed

    def pytest_report_header(self) -> list[str]:
        if self._quiet:
            return []
        run = self._session.run
        champion = run.champion_model
        held = getattr(champion, "title", None) or getattr(champion, "reason", "")
        lines = [
            f"gatekit: {run.model.title} (sha256:{run.model.digest[:12]})  engine: {run.engine}",
            f"gatekit: champion: {held}",
            f"gatekit: data: {run.holdout.path.name}, {run.holdout.rows:,} rows "
            f"(sha256:{run.holdout.sha256[:12]})  policy: {run.plan.policy_file.name}",
        ]
        if run.holdout.is_streamed:
            lines.append(
                f"gatekit: the data streams: {len(run.holdout.parts):,} parts  "
                f"counted by: {run.engine_of_pass or 'local'}"
            )
        lines += [
            f"gatekit: the {each.what} streams: {len(each.parts):,} parts of {each.path.name}"
            for each in run.large_samples
        ]
        if not run.model.version:
            lines.append("gatekit: no registered version: gated, but not promotable")
        return [line.removeprefix("no champion: ") for line in lines]

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> list[str] | None:
        measured = left if isinstance(left, Measurement) else right
        if not isinstance(measured, Measurement) or op not in (">=", "<=") or not measured.checks:
            return None
        return failure_words(measured.checks[-1])

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        entry = getattr(report, "gatekit", None)
        if self._quiet and (report.when == "call" or report.skipped):
            return report.outcome, "", ("", {})
        if entry is None or report.when != "call" or not report.failed:
            return None
        held = [(c["verdict"] or {}).get("outcome") for c in entry["checks"]]
        if Outcome.INCONCLUSIVE in held and Outcome.FAILED not in held:
            # the category stays "failed": pytest would drop the test from FAILURES otherwise
            return "failed", "I", ("INCONCLUSIVE", {"yellow": True})
        return None

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        conclusion = self._session.conclusion
        if conclusion is None:
            return
        out = terminalreporter
        if not self._quiet:
            self._table(out)
        self._verdict(out)
        if self._quiet:
            return
        document, page = (_short(path) for path in conclusion.files)
        out.line(f"report: {page}  ({document.rpartition('/')[2]} beside it)")
        if conclusion.gate_run:
            out.line(f"kept with the version: run {conclusion.gate_run}")
        if conclusion.signing:
            for line in textwrap.wrap(conclusion.signing, 80, subsequent_indent="  "):
                out.line(line)

    def _table(self, out: pytest.TerminalReporter) -> None:
        out.section("promotion gates")
        for check in self._session.ledger.checks:
            word = short_outcome(check)
            out.write(table_row(check))
            out.line(word, **COLOURS.get(word.split()[0], {}))
        if any(short_outcome(check) in OBSERVED for check in self._session.ledger.checks):
            out.line("in small letters: observed, does not block")
        for line in self._notes():
            out.line(line)
        out.line("")

    def _verdict(self, out: pytest.TerminalReporter) -> None:
        conclusion = self._session.conclusion
        assert conclusion is not None  # noqa: S101 - asked only after the run
        ok = conclusion.exit_code == 0
        out.line(self._verdict_line(), green=ok, red=not ok, bold=True)
        for reason in conclusion.refusals or conclusion.decision.reasons:
            out.line(f"  - {reason}")

    def _notes(self) -> list[str]:
        plan = self._session.run.plan
        notes = [change.words() for change in plan.changes]
        loosened = {change.gate for change in plan.changes if change.loosened}
        if loosened and self._session.run.model.version:
            flags = " ".join(f"--gate {gate}" for gate in sorted(loosened))
            notes.append(
                "a loosened bar promotes only by: gatekit promote "
                f"{plan.request.uri} --to TARGET --override REASON {flags}"
            )
        uses = self._session.run.uses
        if uses is not None:
            notes += textwrap.wrap(uses.words, 80, subsequent_indent="  ")
        return ["", *notes] if notes else []

    def _verdict_line(self) -> str:
        conclusion, run = self._session.conclusion, self._session.run
        assert conclusion is not None  # noqa: S101 - asked only after the run
        counts = conclusion.decision.counts()
        target = run.plan.request.target
        if conclusion.moved:
            return f"PROMOTED  {conclusion.moved}: {counts}"
        if target is not None:
            return f"PROMOTION REFUSED  {run.model.title} stays out of {target!r}: {counts}"
        said = {"PASSED": "GATES PASSED", "INCOMPLETE": "GATES INCOMPLETE (a part proves nothing)"}
        outcome = str(conclusion.decision.outcome)
        return f"{said.get(outcome, f'GATES {outcome}')}  {run.model.title}: {counts}"


def _short(path: object) -> str:
    from pathlib import Path

    whole = Path(str(path))
    try:
        return str(whole.relative_to(Path.cwd()))
    except ValueError:
        return str(whole)
