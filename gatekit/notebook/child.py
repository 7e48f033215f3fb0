"""The run itself: pytest in a process of its own, as on the command line, and what it wrote."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gatekit.errors import GatekitError, UsageProblem
from gatekit.notebook.inputs import Inputs
from gatekit.report.document import JSON_FILE, Report

WRONG_CALL = 4
PATIENCE_S = 20.0  # to end its model's processes when interrupted
LAST_LINES = 15
_ERROR = "ERROR: "


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: its exit code, its report, and all that it printed."""

    exit_code: int
    report: Report
    output: str


def run_pytest(inputs: Inputs, champion: str | None, folder: Path) -> Ran:
    """Gate what `inputs` name, from the working directory; the report goes to `folder`.

    Raises:
        UsageProblem: the run says that it was asked wrongly.
        GatekitError: it ended without a report.
    """
    command = [sys.executable, "-m", "pytest", "--color=no", "--model-uri", inputs.uri]
    command += ["--gates", str(inputs.policy_file), "--report-dir", str(folder)]
    command += ["--champion", champion] if champion is not None else []
    code, output, complaint = _finished(command)
    if code == WRONG_CALL:
        raise UsageProblem(_error_of(complaint) or _last_lines(output + complaint))
    document = folder / JSON_FILE
    if not document.is_file():
        raise GatekitError(
            f"the gates ended without a report, pytest's exit code is {code}: "
            f"{_last_lines(output + complaint)}",
            "Run them in a terminal: pytest --model-uri URI --gates FILE",
        )
    return Ran(code, Report.from_json(document.read_bytes()), output)


def _finished(command: list[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr. Interrupted, it lets the child end its own processes first."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as child:
        try:
            output, complaint = child.communicate()
        except BaseException:
            child.send_signal(signal.SIGINT)
            try:
                child.communicate(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                child.kill()
            raise
    return child.returncode, output, complaint


def _error_of(complaint: str) -> str:
    """What pytest says after ERROR, without the name before it; empty if it says nothing."""
    said = complaint.partition(_ERROR)[2].strip()
    return said.removeprefix("gatekit: ")


def _last_lines(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-LAST_LINES:]) or "it printed nothing"
