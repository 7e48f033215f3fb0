"""`gatekit revoke` on the command line."""

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
from gatekit.project import person


def add_revoke(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `revoke` to the commands of the parser."""
    revoke = commands.add_parser(
        "revoke",
        parents=[common],
        help="take a version's bytes back, for good",
        description="Write into the journal that a version's bytes may hold no pointer any more. "
        "Nothing moves by it.",
    )
    revoke.add_argument("model", metavar="MODEL", help="the registered model's name")
    revoke.add_argument("--version", required=True, metavar="V", help="the version to revoke")
    revoke.add_argument("--reason", required=True, metavar="R", help="why, for the journal")
    revoke.set_defaults(command=revoke_command)


def revoke_command(args: argparse.Namespace) -> Answer:
    """Revoke, and say who still holds what."""
    from gatekit.promotion.revoke import revoke

    asked = (model_name(args.model), args.version, args.reason, person())
    policy = policy_of(args)
    return Answer(revoke(asked, project_registry(), policy, signer=signer_of(args, policy)))
