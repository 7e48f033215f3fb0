"""`gatekit init` on the command line: a policy, a first own gate and a pipeline to begin with."""

from __future__ import annotations

import argparse
from pathlib import Path

from gatekit.commands.answer import DONE, REFUSED, Answer, Commands


def add_init(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `init` to the commands of the parser."""
    del common  # it writes a policy, and reads none
    init = commands.add_parser(
        "init",
        help="write a policy, a first own gate and a pipeline into this folder",
        description="Write gates.toml, gates/test_usefulness.py and a pipeline into this folder. "
        "What is there already is left as it is, and named; exit code 1 then.",
    )
    init.add_argument("--ci", choices=("gitlab", "github"), required=True, help="whose pipeline")
    init.add_argument("--model", metavar="NAME", required=True, help="the registered model")
    init.add_argument("--target", metavar="COLUMN", required=True, help="the column with the label")
    init.add_argument(
        "--data",
        metavar="FILE",
        default="data/holdout.parquet",
        help="rows with labels, relative to this folder (default: data/holdout.parquet)",
    )
    init.add_argument(
        "--floor",
        type=float,
        default=0.8,
        metavar="T",
        help="smallest share of rows labelled right (default: 0.8)",
    )
    init.add_argument(
        "--install",
        metavar="PACKAGES",
        default="pytest-gatekit",
        help="what the pipeline's pip installs (default: pytest-gatekit)",
    )
    init.set_defaults(command=init_command)


def init_command(args: argparse.Namespace) -> Answer:
    """Write what is not there yet, and say what to do next.

    Raises:
        UsageProblem: a value cannot be used, or a file cannot be written.
    """
    from gatekit.starter.write import Start, write_start

    start = Start(args.model, args.data, args.target, args.floor, args.install)
    written, left = write_start(Path.cwd(), args.ci, start)
    lines = [f"written:   {name}" for name in written]
    lines += [f"left as is: {name} is there already" for name in left]
    lines += [
        "",
        f"Next: put rows with labels at {args.data}, then try the gates on a version:",
        f"  pytest --model-uri models:/{args.model}/1",
        f"docs/{args.ci}.md says which variables the pipeline needs, and whose they are.",
    ]
    return Answer(lines, REFUSED if left else DONE)
