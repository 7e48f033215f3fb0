"""`gatekit keygen` on the command line: a new key pair, and what to paste into the policy."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from gatekit.commands.answer import Answer, Commands
from gatekit.errors import KeyProblem

_PRIVATE, _PUBLIC = 0o600, 0o644


def add_keygen(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `keygen` to the commands of the parser."""
    del common  # it reads no policy
    keygen = commands.add_parser(
        "keygen",
        help="make a signing key and its public half",
        description="Make a key pair: the private half for who signs, a CI or a person, and the "
        "public half for the policy, with the lines to paste. Never overwrites a file.",
    )
    keygen.add_argument(
        "--algorithm",
        choices=("ed25519", "p256"),
        default="ed25519",
        help="the kind of key (default: ed25519)",
    )
    keygen.add_argument(
        "--out",
        metavar="FILE",
        default="gatekit-signing-key.pem",
        help="the private key; the public one is FILE.pub (default: gatekit-signing-key.pem)",
    )
    keygen.set_defaults(command=keygen_command)


def keygen_command(args: argparse.Namespace) -> Answer:
    """Write both halves; neither may be there already.

    Raises:
        KeyProblem: a file is there, or cannot be written.
    """
    from gatekit.attest.keys import generate

    private, public = Path(args.out), Path(args.out + ".pub")
    for path in (private, public):
        if path.exists() or path.is_symlink():
            raise KeyProblem(f"{path} is there already", "Name another with --out FILE")
    key = generate(args.algorithm)
    _write(private, key.pem, _PRIVATE)
    _write(public, key.public.pem, _PUBLIC)
    return Answer(
        [
            f"private key: {private}  (readable by you alone; never commit it)",
            f"public key:  {public}  (sha256:{key.public.keyid[:12]})",
            "",
            "For the policy, beside the public key; give it a name and its roles:",
            "",
            "[keys.NAME]",
            f'public = "{public.name}"',
            'roles = ["attest"]',
        ]
    )


def _write(path: Path, pem: str, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise KeyProblem(
            f"{path} cannot be written ({error.strerror})", "Name another with --out FILE"
        ) from error
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(pem)
