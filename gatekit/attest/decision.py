"""Signed decisions: what an entry of the journal says, as an in-toto statement in an envelope.

The predicate is the Simple Verification Result, https://in-toto.io/attestation/svr/v0.2; the
entry's own fields ride in it under a key of ours, all but its number, which the registry gives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gatekit.attest.envelope import Envelope, parse, sign
from gatekit.attest.keys import PrivateKey
from gatekit.attest.statement import STATEMENT, statement_fields
from gatekit.attest.trust import Trust
from gatekit.errors import EnvelopeProblem
from gatekit.policy import Role
from gatekit.times import parse_moment

SVR = "https://in-toto.io/attestation/svr/v0.2"
EXTENSION = "urn:gatekit:decision:v1"
VERIFIER = "urn:gatekit:promotion"


def sign_decision(name: str, fields: Mapping[str, str], signer: PrivateKey) -> str:
    """The envelope, as JSON, around the decision of an entry with these fields on model `name`."""
    kept = {key: value for key, value in fields.items() if key != "decision"}
    policy = kept.get("policy", "")
    words = [f"GATEKIT_{kept['kind']}", kept.get("target", "")]
    statement = {
        "_type": STATEMENT,
        "subject": [_subject(name, kept)],
        "predicateType": SVR,
        "predicate": {
            "verifier": {
                "id": VERIFIER,
                "policies": [{"digest": {"sha256": policy}}] if policy else [],
            },
            "timeCreated": kept.get("at", "").replace("+00:00", "Z"),
            "properties": ["_".join(word for word in words if word).upper()],
            EXTENSION: kept,
        },
    }
    return sign(compact(statement), signer).decode()


def judged(name: str, fields: Mapping[str, str], role: Role, trust: Trust) -> str:
    """Why an entry's decision is not trusted in that role, in words; empty if it is.

    Where the policy trusts no keys, nothing is signed and everything is taken as it is.
    """
    if not trust:
        return ""
    if not fields.get("decision"):
        return "it is not signed"
    at = parse_moment(fields.get("at", ""))
    if at is None:
        return "it does not say when it was made"
    try:
        envelope = parse(fields["decision"].encode())
    except EnvelopeProblem as error:
        return f"its signed decision is {error.message}"
    why = trust.why_not(envelope, role, at, fields.get("target", ""))
    return why or differs(fields, name)


def differs(fields: Mapping[str, str], name: str | None = None) -> str:
    """How the signed decision contradicts the entry that carries it; says nothing of by whom.

    With `name` its subject is compared, too.
    """
    kept = {key: value for key, value in fields.items() if key != "decision"}
    try:
        content = statement_of(parse(fields["decision"].encode()))
        said, subject = content["predicate"][EXTENSION], content["subject"]
        kind = content["predicateType"]
    except (EnvelopeProblem, KeyError, TypeError):
        return "its signed decision cannot be read"
    if kind != SVR or said != kept:
        return "its signed decision says something else than the entry"
    if name is not None and subject != [_subject(name, kept)]:
        return "its signed decision is about another model or other bytes"
    return ""


def statement_of(envelope: Envelope) -> dict[str, Any]:
    """The in-toto statement that an envelope holds.

    Raises:
        EnvelopeProblem: it is none.
    """
    return statement_fields(envelope.payload)


def compact(content: Any) -> bytes:
    """JSON without spaces, keys in order: the same content is the same bytes."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _subject(name: str, fields: Mapping[str, str]) -> dict[str, Any]:
    uri = f"models:/{name}/{fields.get('version', '')}"
    return {"name": uri, "digest": {"sha256": fields.get("digest", "")}}
