"""A changed byte in what says whom to trust, and what for, gives no pass that was not given.

It may still mean the same: white space, a comment, the name of a key. Else it is refused.
"""

import pytest

from gatekit.attest.envelope import parse, sign
from gatekit.attest.keys import generate, public_key
from gatekit.errors import GatekitError, PolicyError
from gatekit.policy_file import read_policy
from gatekit.policy_keys import pem_of

from .conftest import World

CI, LAB, FOREIGN = generate(), generate("p256"), generate()
FAILED = {"accuracy": "FAILED", "latency": "PASSED"}
POLICY = b"""\
# who reviews this: the team
model = "churn-model"

[data.holdout]
path = "data/holdout.parquet"
target = "churn"

[gates.accuracy]
floor = 0.8

[gates.latency]
p99_ms = 50

[promotion.staging]
requires = ["accuracy", "latency"]

[promotion.production]
requires = ["latency"]
from = "staging"
"""
TRUSTED = b"""
[keys.ci]
public = "ci.pub"
roles = ["attest", "promote"]

[keys.lab]
public = "lab.pub"
roles = ["attest"]
gates = ["latency"]
targets = ["staging"]
"""
# these make comments, strings, tables, lines, numbers and other words of what is there
SIGNS = b'#"=[ \n19z\x00'


class Bench:
    """Versions with a pass, with a failure, and with passes that nobody trusted has signed."""

    def __init__(self, folder):
        self.file = folder / "gates.toml"
        (folder / "ci.pub").write_text(CI.public.pem)
        (folder / "lab.pub").write_text(LAB.public.pem)
        self.file.write_bytes(POLICY + TRUSTED)
        self.whole = read_policy(self.file)
        self.world = World(policy=self.whole, attester=CI, promoter=CI)
        self.good, self.narrow = self.world.add(), self.signed_by(LAB)
        self.unproved = [self.signed_by(FOREIGN), self.signed_by(None)]
        self.unproved.append(self.signed_by(CI, gates=FAILED))

    def signed_by(self, key, **filed):
        self.world.attester = key
        return self.world.add(**filed)

    def passes(self, version, policy):
        try:
            self.world.promote(version, policy=policy, dry_run=True)
        except GatekitError:
            return False
        return True

    def read(self, raw):
        """The policy in these bytes, None if it is refused as it is read."""
        self.file.write_bytes(raw)
        try:
            return read_policy(self.file)
        except PolicyError:
            return None


def bent(raw, at):
    """`raw` with other bytes at one place."""
    for value in {*SIGNS, raw[at] ^ 1, raw[at] ^ 0x20, raw[at] ^ 0x80} - {raw[at]}:
        yield raw[:at] + bytes([value]) + raw[at + 1 :]


def test_every_changed_byte_of_a_policy_gives_no_pass(tmp_path):
    """But one that takes away what narrows a trusted key: that is the policy's own to say."""
    bench = Bench(tmp_path)
    assert bench.passes(bench.good, bench.whole)
    raw = POLICY + TRUSTED
    refused = same = widened = 0
    for at in range(len(raw)):
        for other in bent(raw, at):
            policy = bench.read(other)
            if policy is None:
                refused += 1
                continue
            if policy == bench.whole:
                same += 1  # a comment, white space
                continue
            assert [v for v in bench.unproved if bench.passes(v, policy)] == [], other
            if bench.passes(bench.narrow, policy):
                widened += 1
                assert policy.keys["lab"].gates == ()  # its line was made a comment
            if bench.passes(bench.good, policy):
                assert policy.digest == bench.whole.digest
            else:
                refused += 1
    assert refused > 0.75 * len(raw) * len(SIGNS)
    assert same > 0
    assert widened > 0


class Folder:
    """A folder in memory with one file, whatever its name."""

    def __init__(self, raw):
        self.raw = raw

    def __truediv__(self, name):
        return self

    def read_text(self, encoding):
        return self.raw.decode(encoding)


def key_in(raw):
    """The key that a file of these bytes names; None where it is refused."""
    try:
        return public_key(pem_of("key.pub", Folder(raw)), "bent")
    except (ValueError, GatekitError):
        return None


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_every_changed_byte_of_a_trusted_key_trusts_nobody_else(kind):
    """Every byte at every position: the file names the same key still, or none that has signed."""
    key, foreign = generate(kind), generate(kind)
    raw = key.public.pem.encode()
    envelopes = [parse(sign(b"{}", each)) for each in (key, foreign)]
    refused = others = same = 0
    for at in range(len(raw)):
        for value in set(range(256)) - {raw[at]}:
            found = key_in(raw[:at] + bytes([value]) + raw[at + 1 :])
            if found is None:
                refused += 1
            elif found.keyid == key.public.keyid:
                same += 1
            else:
                others += 1
                assert [each.signers([found]) for each in envelopes] == [(), ()]
    assert refused + others + same == len(raw) * 255
    assert same < 0.05 * len(raw) * 255  # white space, and bits of base64 that mean nothing
    assert (others > 0) == (kind == "ed25519")  # another number is no point of P-256
