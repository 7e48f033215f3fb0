"""`gatekit status` on the command line."""

from __future__ import annotations

import argparse

from gatekit.commands.answer import Answer, Commands, model_name, policy_of, project_registry


def add_status(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `status` to the commands of the parser."""
    status = commands.add_parser(
        "status",
        parents=[common],
        help="who holds each pointer, on what proof, and the way back",
        description="Who holds each pointer, since when and on what proof, whether pointer and "
        "journal agree, what was refused last and why, and the command that goes back.",
    )
    status.add_argument("model", metavar="MODEL", help="the registered model's name")
    status.set_defaults(command=status_command)


def status_command(args: argparse.Namespace) -> Answer:
    """The one screen for whoever is woken at night."""
    from gatekit.promotion.status import status_lines

    name, policy = model_name(args.model), policy_of(args)
    return Answer(status_lines(project_registry(), policy, name))
