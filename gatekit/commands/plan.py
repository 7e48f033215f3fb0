"""`gatekit plan` on the command line: its options, and where its rows come from."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekit.commands.answer import Answer, Commands
from gatekit.errors import UsageProblem
from gatekit.policy import Policy
from gatekit.policy_file import LEVELS, read_policy
from gatekit.project import find_project

MOST_USES = 10_000
AGAIN = "may be given more than once"
OPTIONS: dict[str, dict[str, Any]] = {
    "--floor": {"type": float, "metavar": "T", "help": "plan this floor on a share alone"},
    "--tolerated-loss": {
        "type": float,
        "metavar": "M",
        "help": "plan this paired comparison with a champion alone",
    },
    "--expect": {
        "type": float,
        "action": "append",
        "default": [],
        "metavar": "P",
        "help": f"a true share the model may have; {AGAIN}",
    },
    "--discordant": {
        "type": float,
        "action": "append",
        "default": [],
        "metavar": "S",
        "help": f"share of rows that only one of two models gets right; {AGAIN}",
    },
    "--level": {
        "type": float,
        "metavar": "L",
        "help": "level of the bounds (default: the policy's; 0.95)",
    },
    "--uses": {
        "type": int,
        "metavar": "H",
        "help": "spend the level over H uses of the test set (default: as the policy declares)",
    },
    "--power": {
        "type": float,
        "default": 0.8,
        "metavar": "C",
        "help": "the chance with which a verdict has to come (default: 0.8)",
    },
    "--rows": {
        "type": int,
        "metavar": "N",
        "help": "plan for N rows (default: those of the holdout)",
    },
    "--json": {"action": "store_true", "help": "everything, as JSON"},
}

if TYPE_CHECKING:
    from gatekit.planning.bars import PlannedBar, Unplanned, Wishes


def add_plan(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `plan` to the commands of the parser."""
    plan = commands.add_parser(
        "plan",
        parents=[common],
        help="how many rows a bar needs, and what the rows there are can tell apart",
        description="Say how many rows each bar of the policy needs before anyone labels them, and "
        "what the holdout can tell apart. With --floor or --tolerated-loss no policy is read. "
        "Nothing is run, and no registry is asked.",
    )
    for flag, how in OPTIONS.items():
        plan.add_argument(flag, **how)
    plan.set_defaults(command=plan_command)


def plan_command(args: argparse.Namespace) -> Answer:
    """The plan, as lines or as JSON.

    Raises:
        UsageProblem: an option makes no sense, or not beside another.
        PolicyError: there is no policy, or it cannot be read.
    """
    from gatekit.planning.answers import answer
    from gatekit.planning.bars import Wishes, bars_of_options
    from gatekit.planning.words import plan_lines, plan_record

    _check(args)
    wishes = Wishes(
        args.power, args.level, args.rows, tuple(args.expect), tuple(args.discordant), args.uses
    )
    if args.floor is None and args.tolerated_loss is None:
        bars, unplanned, source = _from_policy(args.gates, wishes)
    else:
        bars, unplanned = bars_of_options(args.floor, args.tolerated_loss, wishes), []
        source = "A plan from the options alone; no policy is read."
    answers = [answer(bar, args.power) for bar in bars]
    if args.json:
        record = plan_record(answers, unplanned, source, args.power)
        return Answer([json.dumps(record, indent=1)], raw=True)
    return Answer(plan_lines(answers, unplanned, source, args.power))


def _from_policy(
    given: str | None, wishes: Wishes
) -> tuple[list[PlannedBar], list[Unplanned], str]:
    from gatekit.planning.bars import bars_of_policy

    path = find_project().policy_path(given)
    policy = read_policy(path)
    rows, words = _rows(policy, path.parent, wishes.rows)
    bars, unplanned = bars_of_policy(policy, wishes, rows)
    source = f"The policy of {policy.model} in {path.name}; {words}."
    if not bars:
        source += " It sets no bar that rows decide."
    return bars, unplanned, source.encode("ascii", "backslashreplace").decode()


def _rows(policy: Policy, folder: Path, asked: int | None) -> tuple[int | None, str]:
    """How many rows to plan for, and in words whose they are: --rows wins over the file's."""
    from gatekit.data import Streams, open_holdout
    from gatekit.pins.pinned import is_here

    if asked is not None:
        return asked, f"{asked:,} rows, as --rows says"
    name = Path(policy.holdout.path).name
    path = (folder / policy.holdout.path).resolve()
    if not path.is_dir() and is_here(path, policy.holdout.rev, folder) is None:
        return None, f"no holdout {name} yet: --rows N shows what N rows can tell apart"
    rows = open_holdout(policy.holdout, folder, Streams(0)).rows  # metadata where they tell
    if rows == 0:
        return None, f"the holdout {name} has no rows yet"
    return rows, f"the holdout {name} has {rows:,} rows"


def _check(args: argparse.Namespace) -> None:
    """Refuse what makes no sense before anything is read."""
    from gatekit.stats.power import MOST_ROWS

    alone = args.floor is not None or args.tolerated_loss is not None
    if alone and args.gates:
        raise UsageProblem(
            "--floor and --tolerated-loss plan a bar of their own, --gates those of a policy",
            "Give one or the other",
        )
    if alone and args.expect and args.floor is None:
        raise UsageProblem("--expect is a share for a floor", "Give --floor T as well")
    if alone and args.discordant and args.tolerated_loss is None:
        raise UsageProblem(
            "--discordant is for a comparison with a champion", "Give --tolerated-loss M as well"
        )
    if args.level is not None and not 0.5 <= args.level < 1:  # noqa: PLR2004 - a point decision
        raise UsageProblem(f"--level {args.level:g}: no level", LEVELS)
    if not 0.5 <= args.power < 1:  # noqa: PLR2004 - below it, two verdicts were both likely
        raise UsageProblem(f"--power {args.power:g}: no power to plan for", "Such as 0.8 or 0.95")
    if args.uses is not None and not 1 <= args.uses <= MOST_USES:
        raise UsageProblem(f"--uses {args.uses}: not from 1 to {MOST_USES:,}", "Such as 32")
    if args.rows is not None and not 1 <= args.rows <= MOST_ROWS:
        raise UsageProblem(f"--rows {args.rows}: not from 1 to {MOST_ROWS:,}", "Such as 2000")
    _check_shares(args)


def _check_shares(args: argparse.Namespace) -> None:
    if args.floor is not None and not 0 < args.floor < 1:
        raise UsageProblem(f"--floor {args.floor:g}: not between 0 and 1", "Such as 0.9")
    if args.tolerated_loss is not None and not -1 < args.tolerated_loss < 1:
        raise UsageProblem(
            f"--tolerated-loss {args.tolerated_loss:g}: not between -1 and 1", "Such as 0.01"
        )
    for share in args.expect:
        if not 0 <= share <= 1:
            raise UsageProblem(f"--expect {share:g}: not a share from 0 to 1", "Such as 0.92")
    for share in args.discordant:
        if not 0 < share <= 1:
            raise UsageProblem(f"--discordant {share:g}: no share above 0 up to 1", "Such as 0.1")
