"""`gatekit approve` on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from gatekit.commands.answer import Answer, Commands, policy_of, signer_of, write_file
from gatekit.errors import EnvelopeProblem, PromotionRefused, UsageProblem


def add_approve(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `approve` to the commands of the parser."""
    approve = commands.add_parser(
        "approve",
        parents=[common],
        help="sign another person's request for an override",
        description="Show what an override asks for, and add your signature to it. The file comes "
        "from `gatekit promote --request FILE`.",
    )
    approve.add_argument("file", metavar="FILE", help="the request; the signature is added to it")
    approve.add_argument("--show", action="store_true", help="show it and sign nothing")
    approve.set_defaults(command=approve_command)


def approve_command(args: argparse.Namespace) -> Answer:
    """Show the request, and sign it if the key at hand may."""
    from gatekit.promotion.approval import approve, read_request
    from gatekit.promotion.promote import check_policy
    from gatekit.promotion.trusted import Judge
    from gatekit.times import utc_now

    policy, path = policy_of(args), Path(args.file)
    raw = request_in(path)
    wish = read_request(raw)
    check_policy(policy, wish.name, wish.target)
    if args.show:
        return Answer([*wish.lines(), "nothing was signed"])
    signer = signer_of(args, policy)
    why = Judge.of(policy).unable(signer, "override", utc_now(), wish.target)
    if signer is None:
        why = why or "no signing key is at hand"
    elif signer.public.keyid == wish.requester:
        why = "the key at hand is the one that asks for it: a second person has to approve"
    if why or signer is None:
        raise PromotionRefused("\n".join(["not approved:", *wish.lines()]), (why,))
    write_file(path, approve(raw, signer))
    return Answer(["approved:", *wish.lines()])


def request_in(path: Path) -> bytes:
    """The request in that file, checked to be one.

    Raises:
        UsageProblem: there is no such file, or it is no request.
    """
    from gatekit.promotion.approval import read_request

    try:
        raw = path.read_bytes()
        read_request(raw)
    except (OSError, EnvelopeProblem) as error:
        words = error.strerror if isinstance(error, OSError) else error.message
        raise UsageProblem(
            f"{path.name}: no request for an override: {words}",
            "`gatekit promote ... --request FILE` writes one",
        ) from None
    return raw
