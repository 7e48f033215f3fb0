"""`gatekit reverify` and `gatekit reconcile` on the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from gatekit.commands.answer import (
    DONE,
    REFUSED,
    Answer,
    Commands,
    model_name,
    policy_of,
    project_registry,
    signer_of,
)
from gatekit.project import person

if TYPE_CHECKING:
    from gatekit.policy import Policy
    from gatekit.promotion.desk import Desk


def add_reverify(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `reverify` to the commands of the parser."""
    reverify = commands.add_parser(
        "reverify",
        parents=[common],
        help="check again what is deployed: bytes, signatures, times, pointer",
        description="Hold what each pointer names now against the journal: its bytes, the signed "
        "decision, revocations, overrides and the age of the pass. Exit code 1 with reasons. Runs "
        "no gate.",
    )
    reverify.add_argument("model", metavar="MODEL", help="the registered model's name")
    reverify.add_argument("--stage", metavar="TARGET", help="this pointer only")
    reverify.set_defaults(command=reverify_command)


def reverify_command(args: argparse.Namespace) -> Answer:
    """Look again; roll back where the policy says so."""
    from gatekit.commands.loading import loads
    from gatekit.promotion.reverify import reverify

    desk, policy = _desk(args)
    lines, well = reverify(desk, policy, args.stage, loads)
    return Answer(lines, DONE if well else REFUSED)


def add_reconcile(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `reconcile` to the commands of the parser."""
    reconcile = commands.add_parser(
        "reconcile",
        parents=[common],
        help="finish or give up what a crash has left open",
        description="Finish the entries of the journal that a crash has left open, or give them "
        "up where they do not hold any more, and say which.",
    )
    reconcile.add_argument("model", metavar="MODEL", help="the registered model's name")
    reconcile.set_defaults(command=reconcile_command)


def reconcile_command(args: argparse.Namespace) -> Answer:
    """Finish what is open, and say what was done."""
    from gatekit.promotion.reverify import reconcile

    return Answer(reconcile(_desk(args)[0]))


def _desk(args: argparse.Namespace) -> tuple[Desk, Policy]:
    from gatekit.promotion.desk import Desk
    from gatekit.promotion.promote import check_policy
    from gatekit.times import utc_now

    name, policy = model_name(args.model), policy_of(args)
    check_policy(policy, name)
    registry = project_registry()
    registry.versions(name)  # a misspelled model is none where all is well
    return Desk.of(registry, policy, person(), utc_now, signer_of(args, policy)), policy
