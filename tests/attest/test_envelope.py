"""DSSE by its vectors, against a second implementation, and with every byte of it changed."""

import base64
import json

import pytest

from gatekit.attest.envelope import IN_TOTO, add_signature, parse, pre_authentication, sign
from gatekit.attest.keys import generate, private_key, public_key
from gatekit.errors import EnvelopeProblem, KeyProblem

PAYLOAD = b'{"hello": "world"}'
KINDS = ("ed25519", "p256")


def test_what_is_signed_is_as_the_specification_shows():
    made = pre_authentication("http://example.com/HelloWorld", b"hello world")
    assert made == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_verifies_its_own_and_no_other(kind):
    key, other = generate(kind), generate(kind)
    envelope = parse(sign(PAYLOAD, key))
    assert envelope.payload == PAYLOAD
    assert envelope.signers([key.public, other.public]) == (key.public,)
    assert key.pem not in repr(key)


@pytest.mark.parametrize("kind", KINDS)
def test_securesystemslib_reads_ours_and_we_read_its(kind):
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner, SSlibKey

    ours = generate(kind)
    theirs = SSlibKey.from_crypto(ours.public.key, keyid=ours.public.keyid)
    fields = json.loads(sign(PAYLOAD, ours))
    read = Envelope.from_dict(json.loads(json.dumps(fields)))
    assert set(read.verify([theirs], 1)) == {ours.public.keyid}
    wrapped = Envelope(PAYLOAD, IN_TOTO, {})
    wrapped.sign(CryptoSigner(ours.key, theirs))
    assert parse(json.dumps(wrapped.to_dict()).encode()).signers([ours.public]) == (ours.public,)


def changed(raw, **fields):
    return json.dumps({**json.loads(raw), **fields}).encode()


def test_an_envelope_without_keyid_counts_and_a_false_one_decides_nothing():
    key, other = generate(), generate()
    (signature,) = json.loads(raw := sign(PAYLOAD, key))["signatures"]
    for keyid in ({}, {"keyid": other.public.keyid}):
        read = parse(changed(raw, signatures=[{"sig": signature["sig"], **keyid}]))
        assert read.signers([other.public, key.public]) == (key.public,)


@pytest.mark.parametrize("padded", [True, False])
def test_url_safe_base64_is_read(padded):
    key = generate()
    payload = b"\xfb\xff\xfe>>>???"
    raw = sign(payload, key)
    fields = json.loads(raw)

    def safe(text):
        made = base64.urlsafe_b64encode(base64.b64decode(text)).decode()
        return made if padded else made.rstrip("=")

    fields["payload"] = safe(fields["payload"])
    fields["signatures"] = [{"sig": safe(fields["signatures"][0]["sig"])}]
    assert "-" in fields["payload"] or "_" in fields["payload"]
    read = parse(json.dumps(fields).encode())
    assert (read.payload, read.signers([key.public])) == (payload, (key.public,))


def test_two_signatures_by_one_key_are_one_signer():
    key = generate("p256")
    twice = parse(add_signature(sign(PAYLOAD, key), key))
    assert len(twice.signatures) == 2
    assert twice.signers([key.public, key.public]) == (key.public,)


def test_a_payload_written_anew_is_another_payload():
    key = generate()
    anew = json.dumps(json.loads(PAYLOAD), separators=(",", ":")).encode()
    raw = changed(sign(PAYLOAD, key), payload=base64.b64encode(anew).decode())
    assert parse(raw).signers([key.public]) == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b'{"payload": "e30=", "payloadType": "text/plain", "signatures": []}',
        b'{"payload": 1, "payloadType": "application/vnd.in-toto+json", "signatures": []}',
        b'{"payload": "e31=", "payloadType": "application/vnd.in-toto+json", "signatures": []}',
        b'{"payload": "e30=", "payload": "e30=", "payloadType": "application/vnd.in-toto+json",'
        b' "signatures": []}',
        b'{"payload": "e30=", "payloadType": "application/vnd.in-toto+json",'
        b' "signatures": [{"sig": "", "sig": ""}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_envelope_is_refused(raw):
    with pytest.raises(EnvelopeProblem):
        parse(raw)


def accepted(raw, key):
    try:
        envelope = parse(raw)
    except EnvelopeProblem:
        return None
    return envelope.payload if envelope.signers([key.public]) else None


@pytest.mark.parametrize("kind", KINDS)
def test_every_changed_byte_is_refused_or_means_the_same_bytes(kind):
    key = generate(kind)
    raw = sign(b"{}", key)
    refused = 0
    for at in range(len(raw)):
        for value in set(range(256)) - {raw[at]}:
            found = accepted(raw[:at] + bytes([value]) + raw[at + 1 :], key)
            assert found in (None, b"{}")
            refused += found is None
    assert refused > 0.5 * 255 * len(raw)  # what is left changed the hint, `keyid`


def test_every_changed_byte_of_a_payload_is_refused():
    key = generate()
    fields = json.loads(raw := sign(PAYLOAD, key))
    assert accepted(json.dumps(fields).encode(), key) == PAYLOAD
    for at in range(len(PAYLOAD)):
        for value in range(256):
            bent = PAYLOAD[:at] + bytes([value]) + PAYLOAD[at + 1 :]
            if bent == PAYLOAD:
                continue
            payload = base64.b64encode(bent).decode()
            assert accepted(changed(raw, payload=payload), key) is None


@pytest.mark.parametrize("kind", KINDS)
def test_keys_survive_their_pem_and_a_private_one_is_no_public_one(kind):
    key = generate(kind)
    assert private_key(key.pem, "here").public.keyid == key.public.keyid
    assert public_key(key.public.pem, "here").keyid == key.public.keyid
    with pytest.raises(KeyProblem, match="is a private key"):
        public_key(key.pem, "here")
    with pytest.raises(KeyProblem) as caught:
        private_key(key.pem.replace("M", "N"), "here")
    assert key.pem.splitlines()[1] not in str(caught.value)
