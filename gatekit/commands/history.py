"""`gatekit history` on the command line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekit.commands.answer import (
    DONE,
    REFUSED,
    Answer,
    Commands,
    model_name,
    policy_of,
    project_registry,
    write_file,
)
from gatekit.errors import UsageProblem
from gatekit.project import find_project

if TYPE_CHECKING:
    from gatekit.policy import Policy
    from gatekit.promotion.holders import Held
    from gatekit.promotion.journal import Journal
    from gatekit.promotion.trusted import Judge
    from gatekit.registry import Registry


def add_history(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `history` to the commands of the parser."""
    history = commands.add_parser(
        "history",
        parents=[common],
        help="who moved which pointer when, and why",
        description="Every entry of the journal: who moved which pointer when, on what proof, and "
        "why. Exit code 1 where the journal does not hold together.",
    )
    history.add_argument("model", metavar="MODEL", nargs="?", help="the registered model's name")
    history.add_argument("--json", action="store_true", help="entries, pointers, problems, as JSON")
    history.add_argument(
        "--at", metavar="DATE", help="what each target served then: 2026-11-23, or with a time, UTC"
    )
    history.add_argument(
        "--export", metavar="FILE", help="everything an auditor needs, in one file"
    )
    history.add_argument(
        "--check", metavar="FILE", help="check an exported file; no registry is asked"
    )
    history.set_defaults(command=history_command)


def history_command(args: argparse.Namespace) -> Answer:
    """The journal, replayed; or exported; or an exported one, checked.

    The exit code is 1 where the journal does not hold together.

    Raises:
        UsageProblem: the options do not go together.
    """
    if args.check:
        return _check(args)
    if args.model is None:
        raise UsageProblem("history asks for a MODEL", "Such as `gatekit history churn-model`")
    from gatekit.promotion.journal import Journal

    name = model_name(args.model)
    registry = project_registry()
    registry.versions(name)  # a misspelled model is no model without a history
    journal = Journal.read(registry, name)
    policy = _policy_there(args, name)
    if args.export:
        return _export(Path(args.export), registry, name, journal, policy)
    code = REFUSED if journal.check_chain() else DONE
    if args.at:
        return Answer(_served(args.at, journal, policy), code)
    holders = None if policy is None else _holders(registry, policy, journal)
    if args.json:
        whole = _record(name, journal, policy, holders)
        return Answer([json.dumps(whole, indent=1)], code, raw=True)
    return Answer(_lines(journal, policy, holders), code)


def _export(
    file: Path, registry: Registry, name: str, journal: Journal, policy: Policy | None
) -> Answer:
    from gatekit.promotion.export import export
    from gatekit.times import utc_now

    content = export(registry, name, journal, policy, utc_now())
    write_file(file, (json.dumps(content, indent=1) + "\n").encode(), "--export FILE")
    return Answer([f"{len(journal.entries)} entries of {name} are in {file.name}"])


def _served(at: str, journal: Journal, policy: Policy | None) -> list[str]:
    from gatekit.promotion.history import served_at
    from gatekit.times import parse_moment

    moment = parse_moment(at)
    if moment is None:
        raise UsageProblem(f"--at {at}: not a time", "Write 2026-11-23T12:00")
    return served_at(journal, moment, _judge(policy))


def _record(
    name: str, journal: Journal, policy: Policy | None, holders: tuple[Held, ...] | None
) -> dict[str, Any]:
    from gatekit.promotion.history import history_records
    from gatekit.times import utc_now

    return {
        "model": name,
        "entries": history_records(journal, _judge(policy), utc_now()),
        "pointers": None if holders is None else [each.record() for each in holders],
        "problems": journal.check_chain(),
    }


def _lines(journal: Journal, policy: Policy | None, holders: tuple[Held, ...] | None) -> list[str]:
    from gatekit.promotion.history import history_lines
    from gatekit.times import utc_now

    lines = history_lines(journal, _judge(policy), utc_now())
    if holders is None:
        return [*lines, "the pointers were not looked at: there is no policy of this model here"]
    return [*lines, *(f"POINTER  {each.line()}" for each in holders if each.unproved)]


def _judge(policy: Policy | None) -> Judge | None:
    from gatekit.promotion.trusted import Judge

    return None if policy is None else Judge.of(policy)


def _holders(registry: Registry, policy: Policy, journal: Journal) -> tuple[Held, ...]:
    """Every target with who holds it now."""
    from gatekit.promotion.desk import Desk
    from gatekit.promotion.holders import held
    from gatekit.times import utc_now

    desk = Desk.of(registry, policy, "", utc_now)
    targets = dict.fromkeys((*policy.promotion, *journal.targets))
    return tuple(held(desk, journal, target) for target in targets)


def _policy_there(args: argparse.Namespace, name: str) -> Policy | None:
    """The policy, for its keys; a journal can be read without one."""
    there = find_project().gates
    if args.gates is None and (there is None or not there.is_file()):
        return None
    policy = policy_of(args)
    return policy if policy.model == name else None


def _check(args: argparse.Namespace) -> Answer:
    from gatekit.promotion.exported import check_export

    try:
        content = json.loads(Path(args.check).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise UsageProblem(
            f"{Path(args.check).name} cannot be read ({what})",
            "`gatekit history MODEL --export FILE` writes one",
        ) from None
    policy = policy_of(args) if args.gates else None
    lines, well = check_export(content, policy)
    return Answer(lines, DONE if well else REFUSED)
