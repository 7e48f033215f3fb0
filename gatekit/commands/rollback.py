"""`gatekit rollback` on the command line."""

from __future__ import annotations

import argparse

from gatekit.commands.answer import (
    Answer,
    Commands,
    model_name,
    policy_of,
    project_registry,
    signer_of,
)
from gatekit.errors import UsageProblem
from gatekit.project import person


def add_rollback(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `rollback` to the commands of the parser."""
    rollback = commands.add_parser(
        "rollback",
        parents=[common],
        help="give a pointer back to the newest earlier holder that was promoted on proof",
        description="Give a pointer back to the newest earlier holder that was promoted on proof "
        "whose bytes have not changed and load, then resolve the pointer as a client would.",
    )
    rollback.add_argument("model", metavar="MODEL", help="the registered model's name")
    rollback.add_argument(
        "--stage", required=True, metavar="TARGET", help="the pointer to move back"
    )
    rollback.add_argument("--to", metavar="VERSION", help="one of the earlier holders instead")
    rollback.add_argument("--reason", default="", metavar="R", help="why, for the journal")
    rollback.add_argument(
        "--now",
        metavar="REASON",
        help="the earlier holder at once: its bytes are checked, but it is not loaded first",
    )
    rollback.set_defaults(command=rollback_command)


def rollback_command(args: argparse.Namespace) -> Answer:
    """Roll back, and say to what."""
    from gatekit.commands.loading import loads
    from gatekit.promotion.rollback import RollbackRequest, rollback

    if args.now is not None and (args.to or args.reason or not args.now.strip()):
        raise UsageProblem(
            "--now takes its own REASON, and neither --reason nor --to beside it",
            'Write --now "complaints since noon"',
        )
    name = model_name(args.model)
    reason = args.now or args.reason
    ask = RollbackRequest(name, args.stage, person(), args.to, reason, now=args.now is not None)
    policy, registry = policy_of(args), project_registry()
    signer = signer_of(args, policy)
    return Answer(rollback(ask, registry, policy, signer=signer, loads=loads).lines())
