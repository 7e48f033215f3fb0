"""What a run writes beside its report for the CI: metrics, findings, a note."""

from __future__ import annotations

from gatekit.report.code_quality import CODE_QUALITY_FILE, code_quality
from gatekit.report.document import Report
from gatekit.report.markdown import MARKDOWN_FILE, render_markdown
from gatekit.report.openmetrics import METRICS_FILE, openmetrics


def ci_files(report: Report) -> dict[str, str]:
    """The text of each file, by its name."""
    return {
        METRICS_FILE: openmetrics(report),
        CODE_QUALITY_FILE: code_quality(report),
        MARKDOWN_FILE: render_markdown(report),
    }
