"""`gatekit promote` on the command line."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from gatekit.commands.answer import (
    Answer,
    Commands,
    duration,
    holdout_sha256,
    policy_of,
    project_registry,
    registered,
    resolved,
    signer_of,
    write_file,
)
from gatekit.commands.approve import request_in
from gatekit.errors import UsageProblem
from gatekit.project import person

if TYPE_CHECKING:
    from gatekit.promotion.requirements import Override


def add_promote(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `promote` to the commands of the parser."""
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
        "--request",
        metavar="FILE",
        help="promote nothing: write what --override asks for, for another person to approve",
    )
    promote.add_argument(
        "--approval",
        metavar="FILE",
        help="the override that `gatekit approve FILE` has signed; it says reason, gates and time",
    )
    promote.add_argument(
        "--dry-run", action="store_true", help="check everything and write nothing"
    )
    promote.set_defaults(command=promote_command)


def promote_command(args: argparse.Namespace) -> Answer:
    """Promote, and say what moved on which proof."""
    from gatekit.promotion.promote import PromotionRequest, promote
    from gatekit.promotion.request import request_override

    override, approval = _override(args)
    uri = registered(args.uri)
    policy, registry = policy_of(args), project_registry()
    signer = signer_of(args, policy)
    # a number is looked up by the promotion itself
    version = uri.pointer if uri.form == "version" else resolved(registry, uri).version
    ask = PromotionRequest(
        *(uri.name, version, args.to, person(), override),
        dry_run=args.dry_run,
        approval=approval,
        data_sha256=holdout_sha256(args, policy),
    )
    if args.request:
        raw, lines = request_override(ask, registry, policy, signer)
        write_file(Path(args.request), raw, "--request FILE")
        return Answer([*lines, f"asked for in {Path(args.request).name}; nothing was promoted"])
    return Answer(promote(ask, registry, policy, signer=signer).lines())


def _override(args: argparse.Namespace) -> tuple[Override | None, str]:
    """The override that is asked for, and the approval that it comes with.

    Raises:
        UsageProblem: the options do not go together.
    """
    from gatekit.promotion.approval import read_request
    from gatekit.promotion.requirements import Override
    from gatekit.times import parse_moment, utc_now

    if args.approval:
        if args.override or args.gate or args.expires or args.request:
            raise UsageProblem(
                "--approval says reason, gates and time itself", "Leave out the other options"
            )
        raw = request_in(Path(args.approval))
        wish = read_request(raw)
        expires = parse_moment(wish.expires)
        if expires is None:
            raise UsageProblem(f"{Path(args.approval).name} names no time", "Ask again")
        return Override(wish.reason, wish.gates, expires), raw.decode()
    lasting = _override_time(args)
    if lasting is None:
        if args.request:
            raise UsageProblem("--request without --override", "Give --override REASON as well")
        return None, ""
    # to the second, as the journal keeps it
    until = (utc_now() + lasting).replace(microsecond=0)
    return Override(args.override, tuple(dict.fromkeys(args.gate)), until), ""


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
    return duration("7d" if args.expires is None else args.expires)
