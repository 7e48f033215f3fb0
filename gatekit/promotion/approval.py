"""An override that two persons answer for: one asks, another approves, with keys of their own.

The request is an in-toto statement about the version's bytes. Both signatures are over the very
same payload, so that what was approved is what was asked.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from gatekit.attest.decision import compact, statement_of
from gatekit.attest.envelope import add_signature, parse, sign
from gatekit.attest.keys import PrivateKey
from gatekit.attest.statement import STATEMENT
from gatekit.attest.trust import Signer, Trust
from gatekit.errors import EnvelopeProblem
from gatekit.promotion.journal import Entry
from gatekit.promotion.words import listed, plain, shown_digest, shown_time
from gatekit.times import parse_moment

REQUEST = "urn:gatekit:override-request:v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An override that is asked for. `at` and `expires` are UTC, ISO 8601."""

    name: str
    version: str
    digest: str
    target: str
    gates: tuple[str, ...]
    reason: str
    expires: str
    by: str
    at: str
    requester: str = ""  # the id of the key that asks

    def lines(self) -> list[str]:
        """What whoever approves it has to read."""
        gates = listed(tuple(map(plain, self.gates)))
        return [
            f"{plain(self.name)} version {plain(self.version)} ({shown_digest(self.digest)})",
            f"  to '{plain(self.target)}' without the proof of {gates}",
            f"  until {shown_time(self.expires)}",
            f"  because: {plain(self.reason)}",
            f"  asked by {plain(self.by)}, {shown_time(self.at)}, key {plain(self.requester)[:8]}",
        ]


def sign_request(wish: Wish, signer: PrivateKey) -> bytes:
    """The envelope of a request, signed by whoever asks."""
    predicate = asdict(replace(wish, requester=signer.public.keyid))
    subject = {
        "name": f"models:/{wish.name}/{wish.version}",
        "digest": {"sha256": wish.digest},
    }
    statement = {
        "_type": STATEMENT,
        "subject": [subject],
        "predicateType": REQUEST,
        "predicate": predicate,
    }
    return sign(compact(statement), signer)


def read_request(raw: bytes) -> Wish:
    """What a request asks for. It says nothing of who has signed it.

    Raises:
        EnvelopeProblem: it is no request for an override.
    """
    content = statement_of(parse(raw))
    try:
        if content["predicateType"] != REQUEST:
            raise EnvelopeProblem("a statement of another kind than a request for an override")
        return _wish(content["predicate"])
    except (KeyError, TypeError, ValueError) as error:
        raise EnvelopeProblem(f"what it holds asks for none: {type(error).__name__}") from error


def approve(raw: bytes, signer: PrivateKey) -> bytes:
    """The request with one more signature. Whether the key may approve is the caller's to ask."""
    read_request(raw)
    # the journal keeps it in one line
    return compact(json.loads(add_signature(raw, signer)))


def unapproved(entry: Entry, name: str, trust: Trust, deciders: tuple[str, ...]) -> str:
    """Why the approval that an entry carries does not cover it, in words; empty if it does.

    `deciders` are the ids of the keys that promote: none of them approves its own promotion.
    """
    if not entry.approval:
        return "no second person has approved the override"
    try:
        envelope, wish = parse(entry.approval.encode()), read_request(entry.approval.encode())
    except EnvelopeProblem as error:
        return f"its approval is {error.message}"
    asked = (name, entry.version, entry.digest, entry.target, entry.overridden, entry.reason)
    granted = (wish.name, wish.version, wish.digest, wish.target, wish.gates, wish.reason)
    words = ("model", "version", "bytes", "target", "gates", "reason", "expiry")
    pairs = zip(
        words,
        (*asked, parse_moment(entry.expires)),
        (*granted, parse_moment(wish.expires)),
        strict=True,
    )
    if other := [word for word, one, two in pairs if one != two]:
        return f"its approval is for another {listed(other)}"
    return _by_nobody_else(trust.signers(envelope), wish, entry, deciders)


def _by_nobody_else(
    signers: tuple[Signer, ...], wish: Wish, entry: Entry, deciders: tuple[str, ...]
) -> str:
    """Why no second person stands behind a request, in words; empty if one does."""
    if wish.requester not in [signer.keyid for signer in signers]:
        return "whoever asked for the override has not signed with a key that the policy trusts"
    others = [s for s in signers if s.keyid != wish.requester and s.keyid not in deciders]
    if not others:
        return "no second person has approved the override: only keys that asked for it or promote"
    at = parse_moment(entry.at)
    if at is not None and any(s.may("override", at, target=entry.target) for s in others):
        return ""
    return f"the override is approved by {others[0].words()}, which may not override"


def _wish(fields: dict[str, Any]) -> Wish:
    gates = fields["gates"]
    if not isinstance(gates, list) or not all(isinstance(gate, str) for gate in gates):
        raise ValueError("gates")
    plain_fields = {key: value for key, value in fields.items() if key != "gates"}
    if not all(isinstance(value, str) for value in plain_fields.values()):
        raise ValueError("fields")
    return Wish(gates=tuple(gates), **plain_fields)
