"""`gatekit monitor` on the command line: what a service was asked, and what it answered."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from gatekit.commands.answer import DONE, REFUSED, Answer, Commands, duration, policy_of
from gatekit.project import find_project

if TYPE_CHECKING:
    from gatekit.monitoring.judged import Judged


def add_monitor(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `monitor` to the commands of the parser."""
    monitor = commands.add_parser(
        "monitor",
        parents=[common],
        help="is what serves still what the policy asks for? exit code 0 or 1",
        description="Hold the inference log of a service against the bars of [gates.drift] on "
        "columns and, with labels that came later, of [gates.accuracy]. Exits with 1 if one is "
        "FAILED; while the rows cannot tell, with 0, or with --strict with 1.",
    )
    monitor.add_argument(
        "--inferences", required=True, metavar="DIR", help="the service's GATEKIT_INFERENCES"
    )
    monitor.add_argument(
        "--labels",
        metavar="FILE",
        help="Parquet, CSV or Arrow: gatekit_request, gatekit_row, and the policy's target",
    )
    monitor.add_argument(
        "--version", metavar="N", help="of the model (default: the one that answered last)"
    )
    monitor.add_argument(
        "--since", metavar="TIME", help="only answers of the last 7d, 12h or 30m (default: all)"
    )
    monitor.add_argument("--strict", action="store_true", help="exit with 1 also while undecided")
    monitor.add_argument("--json", action="store_true", help="everything, as JSON")
    monitor.set_defaults(command=monitor_command)


def monitor_command(args: argparse.Namespace) -> Answer:
    """One look, for a schedule.

    Raises:
        UsageProblem: the policy, the log or the labels cannot be used.
    """
    from gatekit.errors import PolicyError
    from gatekit.monitoring.accuracy import judge_accuracy
    from gatekit.monitoring.drift import judge_drift
    from gatekit.monitoring.logged import labelled, now, read_labels, read_log
    from gatekit.verdict import Outcome

    policy = policy_of(args)
    since = now() - duration(args.since, "--since") if args.since else None
    logged = read_log(Path(args.inferences), policy.model, args.version, since)
    title = [f"{logged.model} version {logged.version}: {logged.rows} rows answered"]
    judged, left = judge_drift(logged, policy, find_project().policy_path(args.gates).parent)
    if args.labels:
        target = policy.holdout.target
        rows = labelled(logged, read_labels(Path(args.labels), target), target)
        title.append(f"{rows.num_rows} of them have a label")
        more, without = judge_accuracy(logged, rows, policy)
        judged, left = [*more, *judged], [*without, *left]
    if not judged:
        raise PolicyError(
            "the policy sets no bar that this log can decide",
            "Such as [gates.accuracy] floor, with --labels; or [gates.drift] psi, with "
            "[data.reference]",
        )
    outcomes = {each.verdict.outcome for each in judged}
    failed = Outcome.FAILED in outcomes
    code = REFUSED if failed or (args.strict and outcomes != {Outcome.PASSED}) else DONE
    if args.json:
        return Answer([json.dumps(_record(", ".join(title), judged, left), indent=1)], code)
    lines = [*title, f"from {logged.span()} UTC", *map(_line, judged)]
    lines += [f"{key}: not monitored, it needs more than the log" for key in left]
    return Answer(lines, code)


def _line(each: Judged) -> str:
    e, outcome = each.estimate, str(each.verdict.outcome)
    return (
        f"{e.name:<18} {e.value:>9.4g} [{e.low:.4g}, {e.high:.4g}] {each.op} {each.bar:g}  "
        f"{outcome.upper()}"
    )


def _record(title: str, judged: list[Judged], left: list[str]) -> dict[str, object]:
    return {
        "said": title,
        "bars": [
            {
                "key": each.key,
                "op": each.op,
                "bar": each.bar,
                "outcome": str(each.verdict.outcome),
                "estimate": each.estimate.as_dict(),
            }
            for each in judged
        ],
        "not_monitored": left,
    }
