"""DSSE 1.0.2: a payload with signatures over its bytes and its type.

https://github.com/secure-systems-lab/dsse: protocol.md and envelope.md. The payload that a caller
gets is the very bytes that were verified; nothing is parsed a second time. `keyid` is a hint that
anyone can write, so every signature is tried against every key.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gatekit.attest.keys import PrivateKey, PublicKey
from gatekit.errors import EnvelopeProblem

IN_TOTO = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope. Nothing of it is to be believed before `signers` has said by whom."""

    payload: bytes
    payload_type: str
    signatures: tuple[bytes, ...]

    def signers(self, keys: Iterable[PublicKey]) -> tuple[PublicKey, ...]:
        """Those of `keys` that have signed this payload as this type, each once."""
        message = pre_authentication(self.payload_type, self.payload)
        unique = {key.keyid: key for key in keys}
        return tuple(
            key
            for key in unique.values()
            if any(key.verifies(signature, message) for signature in self.signatures)
        )


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """What is signed: "DSSEv1" SP len(type) SP type SP len(payload) SP payload."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, *keys: PrivateKey, payload_type: str = IN_TOTO) -> bytes:
    """An envelope around `payload`, signed by every key, as JSON."""
    message = pre_authentication(payload_type, payload)
    signatures = [{"keyid": key.public.keyid, "sig": _encode(key.sign(message))} for key in keys]
    return json.dumps(
        {"payload": _encode(payload), "payloadType": payload_type, "signatures": signatures}
    ).encode()


def parse(raw: bytes, payload_type: str = IN_TOTO) -> Envelope:
    """The envelope in `raw`; standard and URL-safe base64, with or without a `keyid`.

    Raises:
        EnvelopeProblem: it is no envelope, or its payload is of another type.
    """
    try:
        fields = json.loads(raw, object_pairs_hook=_no_twins)
        envelope = Envelope(
            _decode(fields["payload"]),
            fields["payloadType"],
            tuple(_decode(each["sig"]) for each in fields["signatures"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EnvelopeProblem(f"no DSSE envelope ({type(error).__name__})") from error
    if envelope.payload_type != payload_type:
        raise EnvelopeProblem(f"its payload is of another type than {payload_type}")
    return envelope


def add_signature(raw: bytes, key: PrivateKey, payload_type: str = IN_TOTO) -> bytes:
    """The same envelope with one more signature over the same bytes.

    Raises:
        EnvelopeProblem: see `parse`.
    """
    envelope = parse(raw, payload_type)
    fields = json.loads(raw)
    message = pre_authentication(payload_type, envelope.payload)
    fields["signatures"].append({"keyid": key.public.keyid, "sig": _encode(key.sign(message))})
    return json.dumps(fields).encode()


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _decode(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError("base64 is a string")
    standard = text.replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(standard, validate=True)
    except binascii.Error:
        # URL-safe base64 often comes without its padding
        content = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    if base64.b64encode(content).decode().rstrip("=") != standard.rstrip("="):
        raise ValueError("base64 with bits that mean nothing")
    return content


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key stands twice")
    return fields
