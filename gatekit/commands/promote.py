"""`gatekit promote` on the command line."""

from __future__ import annotations

import argparse
from datetime import timedelta

from gatekit.commands.answer import (
    Answer,
    Commands,
    duration,
    holdout_sha256,
    policy_of,
    project_registry,
    registered,
    resolved,
)
from gatekit.errors import UsageProblem
from gatekit.project import person


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
        "--dry-run", action="store_true", help="check everything and write nothing"
    )
    promote.set_defaults(command=promote_command)


def promote_command(args: argparse.Namespace) -> Answer:
    """Promote, and say what moved on which proof."""
    from gatekit.promotion.promote import PromotionRequest, promote
    from gatekit.promotion.requirements import Override
    from gatekit.times import utc_now

    lasting = _override_time(args)
    uri = registered(args.uri)
    policy, registry = policy_of(args), project_registry()
    override = None
    if lasting is not None:
        override = Override(args.override, tuple(dict.fromkeys(args.gate)), utc_now() + lasting)
    version = resolved(registry, uri).version
    ask = PromotionRequest(
        uri.name,
        version,
        args.to,
        person(),
        override,
        args.dry_run,
        data_sha256=holdout_sha256(args, policy),
    )
    return Answer(promote(ask, registry, policy).lines())


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
