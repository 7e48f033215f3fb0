"""`gatekit rollback` on the command line."""

from __future__ import annotations

import argparse

from gatekit.commands.answer import Answer, Commands, model_name, policy_of, project_registry
from gatekit.project import person


def add_rollback(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `rollback` to the commands of the parser."""
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
    rollback.set_defaults(command=rollback_command)


def rollback_command(args: argparse.Namespace) -> Answer:
    """Roll back, and say to what."""
    from gatekit.promotion.rollback import RollbackRequest, rollback

    name = model_name(args.model)
    ask = RollbackRequest(name, args.stage, person(), args.to, args.reason)
    policy = policy_of(args)
    return Answer(rollback(ask, project_registry(), policy).lines())
