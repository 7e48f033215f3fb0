"""Any byte of a model or of an envelope, changed after it was signed."""

import base64
import json
import random

import pytest

from gatekit.errors import CandidateError, PromotionRefused

from .signing import NAME


def test_every_changed_byte_of_a_small_model_is_refused(signed):
    signed.file()
    whole = dict(signed.registry._files[NAME, signed.version])
    for name, content in whole.items():
        for at in range(len(content)):
            bent = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            signed.registry.overwrite(NAME, signed.version, {**whole, name: bent})
            assert "other bytes" in signed.refusal()
        for at in range(len(name)):
            other = name[:at] + chr(ord(name[at]) ^ 1) + name[at + 1 :]
            if other == "registered_model_meta" or "/" in other:
                continue
            moved = {k: v for k, v in whole.items() if k != name}
            signed.registry.overwrite(NAME, signed.version, {**moved, other: content})
            with pytest.raises((PromotionRefused, CandidateError)):
                signed.promote()
    signed.registry.overwrite(NAME, signed.version, whole)
    signed.promote()


def test_any_changed_byte_of_a_large_model_is_refused(signed):
    dice = random.Random(5)
    weights = dice.randbytes(3_000_000)
    signed.registry.overwrite(NAME, signed.version, {"MLmodel": b"m", "weights.bin": weights})
    signed.file()
    for at in (0, len(weights) - 1, *(dice.randrange(len(weights)) for _ in range(30))):
        bent = bytearray(weights)
        bent[at] ^= 1 << dice.randrange(8)
        files = {"MLmodel": b"m", "weights.bin": bytes(bent)}
        signed.registry.overwrite(NAME, signed.version, files)
        assert "other bytes" in signed.refusal(), at


def test_every_changed_byte_of_an_envelope_is_refused_or_means_the_same(signed):
    run = signed.file()
    whole = signed.envelope(run)
    payload = base64.b64decode(json.loads(whole)["payload"])
    refused = 0
    for at in range(0, len(whole), 7):
        bent = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        signed.envelope(run, bent)
        try:
            signed.promote(dry_run=True)
        except PromotionRefused:
            refused += 1
        else:
            assert base64.b64decode(json.loads(bent)["payload"]) == payload
    assert refused > len(whole) // 8
