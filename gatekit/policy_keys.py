"""Checks of a policy's [keys]: the PEM they name, and that roles, gates and targets exist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gatekit.errors import PolicyError
from gatekit.policy import Policy
from gatekit.policy_gates import BUILT_IN
from gatekit.times import parse_moment


def pem_of(named: str, folder: Path) -> str:
    """The text of a public key: `named` itself if it is PEM, else the file of that name.

    Raises:
        ValueError: there is no such file, or it is no public key; in words.
    """
    if "-----BEGIN" in named:
        text = named
    else:
        try:
            text = (folder / named).read_text("ascii")
        except (OSError, ValueError) as error:
            raise ValueError(
                f"names {named!r}, which cannot be read ({type(error).__name__})"
            ) from None
    if "PRIVATE KEY" in text:
        raise ValueError("is a private key: name its public half, and keep this one secret")
    if "-----BEGIN PUBLIC KEY-----" not in text:
        raise ValueError("is no public key in PEM; `gatekit keygen` writes one")
    return text.strip() + "\n"


def checked_keys(policy: Policy, wrong: Callable[[str, str, str], PolicyError]) -> None:
    """Whether every key of the policy speaks of roles, gates and targets that there are.

    Raises:
        PolicyError: made by `wrong(key, words, hint)`.
    """
    known = (*BUILT_IN, *policy.own)
    for name, key in policy.keys.items():
        if not key.roles:
            raise wrong(f"keys.{name}.roles", "is empty", "a key without a role counts for nothing")
        for gate in key.gates:
            if gate not in known:
                raise wrong(f"keys.{name}.gates", f"names {gate!r}", f"Gates: {', '.join(known)}")
        for target in key.targets:
            if target not in policy.promotion:
                raise wrong(
                    f"keys.{name}.targets",
                    f"names {target!r}",
                    f"Targets: {', '.join(policy.promotion) or 'none'}",
                )
        if key.until and parse_moment(key.until) is None:
            raise wrong(f"keys.{name}.until", f"is {key.until!r}", "Write 2027-01-31T00:00:00Z")
