"""The command line. Exit codes: 0 done, 1 refused or the registry does not answer, 4 the call was
wrong.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn, TextIO

from gatekit.commands.answer import REFUSED, USAGE, Answer
from gatekit.commands.approve import add_approve
from gatekit.commands.expose import add_expose
from gatekit.commands.history import add_history
from gatekit.commands.hooks import add_hooks
from gatekit.commands.init import add_init
from gatekit.commands.keygen import add_keygen
from gatekit.commands.looking import add_status
from gatekit.commands.monitor import add_monitor
from gatekit.commands.plan import add_plan
from gatekit.commands.promote import add_promote
from gatekit.commands.report import add_report
from gatekit.commands.reverify import add_reconcile, add_reverify
from gatekit.commands.revoke import add_revoke
from gatekit.commands.rollback import add_rollback
from gatekit.commands.verify import add_verify
from gatekit.errors import GatekitError, UsageProblem

COLUMNS = 80
COMMANDS = (
    add_init,
    add_promote,
    add_approve,
    add_rollback,
    add_revoke,
    add_status,
    add_history,
    add_report,
    add_reverify,
    add_reconcile,
    add_plan,
    add_keygen,
    add_verify,
    add_monitor,
    add_hooks,
    add_expose,
)


class _Parser(argparse.ArgumentParser):
    """argparse that leaves the exit code to `main`."""

    def error(self, message: str) -> NoReturn:
        raise UsageProblem(message, f"See `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        args = _parser().parse_args(argv)
        answer: Answer = args.command(args)
    except UsageProblem as error:
        _print(f"gatekit: {error}", sys.stderr)
        return USAGE
    except GatekitError as error:
        _print(f"gatekit: {error}", sys.stderr)
        return REFUSED
    for line in answer.lines:
        _print(line, sys.stdout, raw=answer.raw)
    return answer.code


def _print(text: str, stream: TextIO, *, raw: bool = False) -> None:
    """Folded at 80 columns for whoever reads it; a pipe and a file get each line whole."""
    if not raw and stream.isatty():
        text = "\n".join(_folded(line) for line in text.split("\n"))
    print(text, file=stream)


def _folded(line: str) -> str:
    if len(line) <= COLUMNS:
        return line
    deeper = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.fill(
        line, COLUMNS, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gatekit",
        description="Move a model's pointer on proof, back again, and say what it rests on.",
        epilog="The registry: MLFLOW_TRACKING_URI, else [tool.gatekit] registry in pyproject.toml. "
        "Exit codes: 0 done, 1 refused or the registry does not answer, 4 the call was wrong. "
        "Gates are run by pytest: pytest --model-uri models:/NAME/VERSION.",
    )
    common = _Parser(add_help=False)
    common.add_argument(
        "--gates", metavar="FILE", help="the policy (default: the project's gates.toml)"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in COMMANDS:
        add(commands, common)
    return parser
