"""`gatekit report` on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from gatekit.commands.answer import (
    Answer,
    Commands,
    project_registry,
    registered,
    resolved,
    write_file,
)
from gatekit.errors import GatekitError, NotFound, UsageProblem
from gatekit.report.document import HTML_FILE, Report


def add_report(commands: Commands, common: argparse.ArgumentParser) -> None:  # noqa: ARG001 - every command is added alike
    """Add `report` to the commands of the parser."""
    report = commands.add_parser(
        "report",
        help="make the page of a report again, from its JSON or from the registry",
        description="Make the page of a report again: from its JSON, or from the newest report "
        "that the registry keeps of a version. What it proves is asked with `gatekit verify`.",
    )
    report.add_argument(
        "source",
        metavar="SOURCE",
        help="a gatekit-report.json, or a registered version: models:/NAME/VERSION",
    )
    report.add_argument(
        "-o", metavar="FILE", dest="out", default=HTML_FILE, help=f"the page (default: {HTML_FILE})"
    )
    report.set_defaults(command=report_command)


def report_command(args: argparse.Namespace) -> Answer:
    """Write the page.

    Raises:
        UsageProblem: there is no such file, it is no report, or the page cannot be written there.
        NotFound: the version carries none.
    """
    from gatekit.report.page import render_page

    report = _of_version(args.source) if args.source.startswith("models:/") else _of_file(args)
    page = Path(args.out)
    try:
        text = render_page(report)
    except (KeyError, TypeError, ValueError) as error:
        raise GatekitError(
            f"{args.source}: not a whole report ({type(error).__name__} {error})",
            "Name one that a gate run has written",
        ) from None
    write_file(page, text.encode(), "-o FILE")
    return Answer([f"{report.outcome}  {report.sentence}", f"page: {page}"])


def _of_file(args: argparse.Namespace) -> Report:
    try:
        raw = Path(args.source).read_bytes()
    except OSError as error:
        raise UsageProblem(
            f"{args.source}: cannot be read ({error.strerror})",
            "Name a gatekit-report.json, or models:/NAME/VERSION",
        ) from None
    try:
        return Report.from_json(raw)
    except GatekitError as error:
        raise UsageProblem(
            f"{args.source}: {error.message}", "Name a gatekit-report.json that a gate run wrote"
        ) from None


def _of_version(uri: str) -> Report:
    """The newest report of a version that its tag still fits; what it proves is for `verify`."""
    from gatekit.promotion.proofs import read_proofs

    registry = project_registry()
    version = resolved(registry, registered(uri))
    proofs = read_proofs(registry, version)
    if not proofs.filed:
        why = f": {'; '.join(proofs.ignored)}" if proofs.ignored else ""
        raise NotFound(
            f"{version.name} version {version.version} has no report{why}",
            f"Gate it: pytest --model-uri {uri}",
        )
    return max(proofs.filed, key=lambda filed: filed.created).report
