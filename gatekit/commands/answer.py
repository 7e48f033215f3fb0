"""What every command gives back, and how a command finds policy, registry and version."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekit.errors import CandidateError, NotFound, UsageProblem
from gatekit.policy import Policy
from gatekit.policy_file import read_policy
from gatekit.project import find_project
from gatekit.registry import ModelVersion, Registry, open_registry
from gatekit.registry.model_uri import ModelUri, parse_model_uri

if TYPE_CHECKING:
    from gatekit.attest.keys import PrivateKey

DONE, REFUSED, USAGE = 0, 1, 4
Commands = Any  # what `add_subparsers` gives; argparse has no public name for its type
REGISTERED = "Write models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/STAGE"
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_LONGEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Answer:
    """Lines for standard output, and the exit code. What is `raw` is for programs: never folded."""

    lines: list[str]
    code: int = DONE
    raw: bool = False


def policy_of(args: argparse.Namespace) -> Policy:
    """The policy that --gates names, else the project's."""
    return read_policy(find_project().policy_path(args.gates))


def signer_of(args: argparse.Namespace, policy: Policy) -> PrivateKey | None:
    """The private key that signs here, if there is one.

    Raises:
        KeyProblem: what the policy or the environment names is no private key.
    """
    from gatekit.attest.signing import find_signer

    return find_signer(policy.attestation, find_project().policy_path(args.gates).parent)


def holdout_sha256(args: argparse.Namespace, policy: Policy) -> str | None:
    """sha256 of the holdout that the policy names; None if its bytes are not on this machine."""
    from gatekit.data_files import data_sha256
    from gatekit.objects import is_object
    from gatekit.pins.pinned import is_here

    folder = find_project().policy_path(args.gates).parent
    if is_object(policy.holdout.path):
        return None
    path = (folder / policy.holdout.path).resolve()
    found = path if path.is_dir() else is_here(path, policy.holdout.rev, folder)
    return data_sha256(found) if found is not None else None


def project_registry() -> Registry:
    """The project's registry."""
    return open_registry(find_project().registry_uri())


def model_name(text: str) -> str:
    """`text`, if it is a model's name.

    Raises:
        UsageProblem: it is a URI.
    """
    if text.startswith("models:/"):
        raise UsageProblem(f"{text}: a model's name is asked for, not a URI", "Write churn-model")
    return text


def registered(text: str) -> ModelUri:
    """`text` as the URI of a registered version.

    Raises:
        UsageProblem: it is none.
    """
    if not text.startswith("models:/"):
        first = "Register it first. " if text.startswith("runs:/") else ""
        named = text or "(empty)"
        raise CandidateError(f"{named}: not the URI of a registered version", first + REGISTERED)
    try:
        return parse_model_uri(text)
    except CandidateError as error:
        raise CandidateError(error.message, REGISTERED) from None


def resolved(registry: Registry, uri: ModelUri) -> ModelVersion:
    """The version a registered URI means, asked once.

    Raises:
        CandidateError: the registry answers that there is none.
    """
    try:
        if uri.form == "alias":
            return registry.by_alias(uri.name, uri.pointer)
        if uri.form == "stage":
            return registry.by_stage(uri.name, uri.pointer)
        return registry.version(uri.name, uri.pointer)
    except NotFound as error:
        hint = error.hint or f"`gatekit status {uri.name}` says who holds what"
        raise CandidateError(error.message, hint) from error


def write_file(path: Path, content: bytes, option: str = "") -> None:
    """Write a file that the person has named, by `option` or as an argument.

    Raises:
        UsageProblem: it cannot be written.
    """
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageProblem(
            f"{path}: cannot be written ({error.strerror})",
            f"Name another file: {option}".rstrip(": "),
        ) from None


def duration(text: str, option: str = "--expires") -> timedelta:
    """`7d`, `12h` or `30m`, at most ten years.

    Raises:
        UsageProblem: it is no such time; `option` is named in it.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,5})([dhm])", text)
    if match is None:
        raise UsageProblem(f"{option} {text}: not a time", "Write 7d, 12h or 30m")
    lasting = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if lasting > _LONGEST:
        raise UsageProblem(f"{option} {text}: longer than ten years", "Write 7d, 12h or 30m")
    return lasting
