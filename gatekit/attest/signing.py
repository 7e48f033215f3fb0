"""Finding the private key that signs here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gatekit.attest.keys import PrivateKey, private_key
from gatekit.errors import KeyProblem
from gatekit.policy import Attestation


def find_signer(
    attestation: Attestation, folder: Path, environment: Mapping[str, str] | None = None
) -> PrivateKey | None:
    """The private key that the policy names: a file beside it, else an environment variable.

    The variable holds the PEM itself, or the path of a file, as GitLab's file variables do. None
    if neither is there.

    Raises:
        KeyProblem: what is there is no private key.
    """
    if attestation.key:
        return _from_file(folder / attestation.key)
    given = (os.environ if environment is None else environment).get(attestation.key_env, "")
    if not given.strip():
        return None
    where = f"${attestation.key_env}"
    if "-----BEGIN" in given:
        return private_key(given, where)
    return _from_file(Path(given.strip()), f"{where} (a path)")


def take_signer(attestation: Attestation, folder: Path) -> PrivateKey | None:
    """The key as `find_signer` finds it; the variable is gone for whatever is started after.

    Raises:
        KeyProblem: see `find_signer`.
    """
    try:
        return find_signer(attestation, folder)
    finally:
        os.environ.pop(attestation.key_env, None)


def _from_file(path: Path, where: str = "") -> PrivateKey:
    try:
        pem = path.read_text("ascii")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise KeyProblem(
            f"{where or path.name}: the signing key cannot be read ({type(error).__name__})",
            "Make one with `gatekit keygen`, or unset it to work unsigned",
        ) from None
    return private_key(pem, where or path.name)
