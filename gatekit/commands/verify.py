"""`gatekit verify` on the command line."""

from __future__ import annotations

import argparse
import json
import textwrap
from dataclasses import asdict

from gatekit.commands.answer import (
    DONE,
    REFUSED,
    Answer,
    Commands,
    holdout_sha256,
    policy_of,
    project_registry,
    registered,
    resolved,
)
from gatekit.policy import Policy
from gatekit.registry.model_uri import ModelUri

_COLUMNS, _INDENT = 80, 24


def add_verify(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `verify` to the commands of the parser."""
    verify = commands.add_parser(
        "verify",
        parents=[common],
        help="what speaks for a version, step by step, by the keys of your own policy",
        description="What speaks for a version: bytes, statements, signatures, data, times, gates "
        "and journal, each ok, FAILED or skipped. Exit code 1 if one FAILED. Writes nothing.",
    )
    verify.add_argument(
        "uri", metavar="URI", help="models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/STAGE"
    )
    verify.add_argument(
        "--to", metavar="TARGET", help="for this target (default: those that it holds)"
    )
    verify.add_argument("--json", action="store_true", help="every step, as JSON")
    verify.set_defaults(command=verify_command)


def verify_command(args: argparse.Namespace) -> Answer:
    """Every step; exit code 1 if one FAILED."""
    from gatekit.promotion.promote import check_policy
    from gatekit.promotion.verify import Question, verified, verify

    uri = registered(args.uri)
    policy, registry = policy_of(args), project_registry()
    check_policy(policy, uri.name, args.to)
    version = resolved(registry, uri).version
    ask = Question(uri.name, version, _targets(uri, policy, args.to), holdout_sha256(args, policy))
    steps = verify(ask, registry, policy)
    good = verified(steps)
    code = DONE if good else REFUSED
    if args.json:
        record = {"uri": args.uri, "version": version, "verified": good}
        whole = {**record, "steps": [asdict(step) for step in steps]}
        return Answer([json.dumps(whole, indent=1)], code, raw=True)
    end = f"{'VERIFIED' if good else 'NOT VERIFIED'}  {uri.name} version {version}"
    if any(step.name == "gates" and step.state == "skipped" for step in steps):
        end += ", for no target"
    lines = [line for step in steps for line in _wrapped(step.line())]
    return Answer([*lines, end], code)


def _targets(uri: ModelUri, policy: Policy, named: str | None) -> tuple[str, ...] | None:
    """The target that was named, else the one in the URI, else those that the version holds."""
    if named is not None:
        return (named,)
    pointer = uri.pointer.lower() if uri.form == "stage" else uri.pointer
    if uri.form in ("alias", "stage") and pointer in policy.promotion:
        return (pointer,)
    return None


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(
        line, _COLUMNS, subsequent_indent=" " * _INDENT, break_on_hyphens=False
    ) or [line]
