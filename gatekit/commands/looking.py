"""`gatekit status` and `gatekit history` on the command line."""

from __future__ import annotations

import argparse
import json

from gatekit.commands.answer import Answer, Commands, model_name, policy_of, project_registry


def add_status(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `status` to the commands of the parser."""
    status = commands.add_parser(
        "status", parents=[common], help="who holds each pointer, on what proof, and the way back"
    )
    status.add_argument("model", metavar="MODEL", help="the registered model's name")
    status.set_defaults(command=status_command)


def status_command(args: argparse.Namespace) -> Answer:
    """The one screen for whoever is woken at night."""
    from gatekit.promotion.status import status_lines

    name, policy = model_name(args.model), policy_of(args)
    return Answer(status_lines(project_registry(), policy, name))


def add_history(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `history` to the commands of the parser."""
    history = commands.add_parser(
        "history", parents=[common], help="who moved which pointer when, and why"
    )
    history.add_argument("model", metavar="MODEL", help="the registered model's name")
    history.add_argument("--json", action="store_true", help="every entry, as JSON")
    history.set_defaults(command=history_command)


def history_command(args: argparse.Namespace) -> Answer:
    """The journal, replayed."""
    from gatekit.promotion.history import history_lines, history_records
    from gatekit.promotion.journal import Journal

    name = model_name(args.model)
    registry = project_registry()
    registry.versions(name)  # a misspelled model is no model without a history
    journal = Journal.read(registry, name)
    if args.json:
        return Answer([json.dumps(history_records(journal), indent=1)])
    return Answer(history_lines(journal))
