"""`gatekit report` on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from gatekit.commands.answer import Answer, Commands, project_registry, registered, resolved
from gatekit.errors import GatekitError, NotFound, UsageProblem
from gatekit.report.document import HTML_FILE, Report


def add_report(commands: Commands, common: argparse.ArgumentParser) -> None:  # noqa: ARG001 - every command is added alike
    """Add `report` to the commands of the parser."""
    report = commands.add_parser(
        "report", help="make the page of a report again, from its JSON or from the registry"
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
        UsageProblem: there is no such file, or the page cannot be written there.
        GatekitError: it is no report, or the version carries none.
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
    try:
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageProblem(
            f"{page}: cannot be written ({error.strerror})", "Name another file: -o FILE"
        ) from None
    return Answer([f"{report.outcome}  {report.sentence}", f"page: {page}"])


def _of_file(args: argparse.Namespace) -> Report:
    try:
        raw = Path(args.source).read_bytes()
    except OSError as error:
        raise UsageProblem(
            f"{args.source}: cannot be read ({error.strerror})",
            "Name a gatekit-report.json, or models:/NAME/VERSION",
        ) from None
    return Report.from_json(raw)


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
