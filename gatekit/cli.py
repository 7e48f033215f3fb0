"""The command line: parsing and printing, nothing else.

Exit codes: 0 done, 1 refused or the registry does not answer, 4 the call was wrong.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import NoReturn

from gatekit.errors import CandidateError, GatekitError, NotFound, UsageProblem
from gatekit.planning.command import add_plan
from gatekit.policy import Policy
from gatekit.policy_file import read_policy
from gatekit.project import find_project, person
from gatekit.registry import Registry, open_registry
from gatekit.registry.model_uri import parse_model_uri

DONE, REFUSED, USAGE = 0, 1, 4
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_LONGEST_EXPIRY = timedelta(days=3660)


class _Parser(argparse.ArgumentParser):
    """argparse that leaves the exit code to `main`."""

    def error(self, message: str) -> NoReturn:
        raise UsageProblem(message, f"See `{self.prog} --help`")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        args = _parser().parse_args(argv)
        lines: list[str] = args.command(args)
    except UsageProblem as error:
        _print(f"gatekit: {error}", sys.stderr)
        return USAGE
    except GatekitError as error:
        _print(f"gatekit: {error}", sys.stderr)
        return REFUSED
    for line in lines:
        _print(line, sys.stdout)
    return DONE


def _print(text: str, stream: object) -> None:
    print(text, file=stream)  # type: ignore[call-overload]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gatekit",
        description="Move a model's pointer on proof, back again, and say what it rests on.",
        epilog="The registry: MLFLOW_TRACKING_URI, else [tool.gatekit] registry in pyproject.toml.",
    )
    common = _Parser(add_help=False)
    common.add_argument(
        "--gates", metavar="FILE", help="the policy (default: the project's gates.toml)"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_promote(commands, common)
    _add_rollback(commands, common)
    status = commands.add_parser(
        "status", parents=[common], help="who holds each pointer, on what proof, and the way back"
    )
    status.add_argument("model", metavar="MODEL", help="the registered model's name")
    status.set_defaults(command=_status)
    history = commands.add_parser(
        "history", parents=[common], help="who moved which pointer when, and why"
    )
    history.add_argument("model", metavar="MODEL", help="the registered model's name")
    history.add_argument("--json", action="store_true", help="every entry, as JSON")
    history.set_defaults(command=_history)
    add_plan(commands, common)
    return parser


def _add_promote(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    promote = commands.add_parser(
        "promote",
        parents=[common],
        help="give a pointer to a version, if its reports prove what the policy asks",
        description="Give a pointer to a version. Refuses, with every reason, unless the reports "
        "of this version prove what the policy asks, for the bytes that are there now.",
    )
    promote.add_argument(
        "uri", metavar="URI", help="models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/STAGE"
    )
    promote.add_argument(
        "--to",
        required=True,
        metavar="TARGET",
        help="a [promotion.TARGET] of the policy, such as staging",
    )
    promote.add_argument(
        "--override",
        metavar="REASON",
        help="promote without the proof of the gates named by --gate",
    )
    promote.add_argument(
        "--gate",
        action="append",
        default=[],
        metavar="G",
        help="a gate that --override covers, or `ladder`; may be given more than once",
    )
    promote.add_argument(
        "--expires", metavar="TIME", help="how long the override holds: 7d (the default), 12h, 30m"
    )
    promote.add_argument(
        "--dry-run", action="store_true", help="check everything and write nothing"
    )
    promote.set_defaults(command=_promote)


def _add_rollback(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    rollback = commands.add_parser(
        "rollback",
        parents=[common],
        help="give a pointer back to the newest earlier holder that was promoted on proof",
        description="Give a pointer back to the newest earlier holder that was promoted on proof "
        "and whose bytes have not changed, then resolve the pointer as a client would.",
    )
    rollback.add_argument("model", metavar="MODEL", help="the registered model's name")
    rollback.add_argument(
        "--stage", required=True, metavar="TARGET", help="the pointer to move back"
    )
    rollback.add_argument("--to", metavar="VERSION", help="one of the earlier holders instead")
    rollback.add_argument("--reason", default="", metavar="R", help="why, for the journal")
    rollback.set_defaults(command=_rollback)


def _promote(args: argparse.Namespace) -> list[str]:
    from gatekit.promotion.promote import PromotionRequest, promote
    from gatekit.promotion.requirements import Override
    from gatekit.promotion.words import utc_now

    lasting = _override_time(args)
    parsed = parse_model_uri(args.uri)
    if not parsed.is_registered:
        raise CandidateError(
            f"{args.uri}: only a registered version can be promoted",
            "Register it first, then gate and promote models:/NAME/VERSION",
        )
    policy, registry = _policy(args), _registry()
    override = None
    if lasting is not None:
        override = Override(args.override, tuple(dict.fromkeys(args.gate)), utc_now() + lasting)
    version = _resolve(registry, parsed.name, parsed.form, parsed.pointer)
    ask = PromotionRequest(parsed.name, version, args.to, person(), override, args.dry_run)
    return promote(ask, registry, policy).lines()


def _rollback(args: argparse.Namespace) -> list[str]:
    from gatekit.promotion.rollback import RollbackRequest, rollback

    name = _model_name(args.model)
    ask = RollbackRequest(name, args.stage, person(), args.to, args.reason)
    policy = _policy(args)
    return rollback(ask, _registry(), policy).lines()


def _status(args: argparse.Namespace) -> list[str]:
    from gatekit.promotion.status import status_lines

    name, policy = _model_name(args.model), _policy(args)
    return status_lines(_registry(), policy, name)


def _history(args: argparse.Namespace) -> list[str]:
    from gatekit.promotion.history import history_lines, history_records
    from gatekit.promotion.journal import Journal

    name = _model_name(args.model)
    registry = _registry()
    registry.versions(name)  # a misspelled model is no model without a history
    journal = Journal.read(registry, name)
    if args.json:
        return [json.dumps(history_records(journal), indent=1)]
    return history_lines(journal)


def _policy(args: argparse.Namespace) -> Policy:
    return read_policy(find_project().policy_path(args.gates))


def _registry() -> Registry:
    return open_registry(find_project().registry_uri())


def _resolve(registry: Registry, name: str, form: str, pointer: str) -> str:
    """Resolve a registered URI to its version, once.

    Raises:
        CandidateError: the registry answers that there is none.
    """
    try:
        if form == "alias":
            return registry.by_alias(name, pointer).version
        if form == "stage":
            return registry.by_stage(name, pointer).version
        return registry.version(name, pointer).version
    except NotFound as error:
        raise CandidateError(error.message, error.hint) from error


def _model_name(text: str) -> str:
    if text.startswith("models:/"):
        raise UsageProblem(f"{text}: a model's name is asked for, not a URI", "Write churn-model")
    return text


def _override_time(args: argparse.Namespace) -> timedelta | None:
    """How long the override holds; None without one.

    Raises:
        UsageProblem: the options do not go together, or the time cannot be read.
    """
    if args.override is None:
        given = [name for name in ("gate", "expires") if getattr(args, name)]
        if given:
            raise UsageProblem(f"--{given[0]} without --override", "Give --override REASON as well")
        return None
    if not args.override.strip():
        raise UsageProblem("--override without a reason", "Say why, for whoever reads the journal")
    if not args.gate:
        raise UsageProblem(
            "--override without --gate",
            "Name what it covers: --gate accuracy; there is no override of all",
        )
    return _duration("7d" if args.expires is None else args.expires)


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,5})([dhm])", text)
    if match is None:
        raise UsageProblem(f"--expires {text}: not a time", "Write 7d, 12h or 30m")
    lasting = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if lasting > _LONGEST_EXPIRY:
        raise UsageProblem(f"--expires {text}: longer than ten years", "Write 7d, 12h or 30m")
    return lasting
