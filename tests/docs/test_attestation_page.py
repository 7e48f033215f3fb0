"""docs/attestation.md: its vectors, and the shell and the JavaScript that reproduce them."""

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gatekit.attest.envelope import IN_TOTO, parse, pre_authentication, sign
from gatekit.attest.keys import generate
from gatekit.digest import model_digest, model_files

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "attest" / "golden"
PAGE = (ROOT / "docs" / "attestation.md").read_text(encoding="utf-8")
SHELL = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1]
SCRIPT = re.search(r"```js\n(.*?)```", PAGE, re.DOTALL)[1]
VECTORS = re.findall(r"^\| (`.*`) \| `([0-9a-f]{64})` \|$", PAGE, re.MULTILINE)


def needs(program):
    if shutil.which(program):
        return
    if os.environ.get("GATEKIT_REQUIRE_ALL") == "1":
        pytest.fail(f"{program} is not here, and GATEKIT_REQUIRE_ALL=1")
    pytest.skip(f"needs {program}")


def model(folder, shown):
    for path, content in re.findall(r"`([^`=]+)=([^`]*)`", shown):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode())
    return folder


def test_there_are_vectors():
    assert len(VECTORS) == 3
    assert len({digest for _, digest in VECTORS}) == 3


@pytest.mark.parametrize(("shown", "digest"), VECTORS, ids=range(len(VECTORS)))
def test_the_vectors_hold_by_our_code_and_by_the_shell(shown, digest, tmp_path):
    needs("sha256sum")
    folder = model(tmp_path / "model", shown)
    assert model_digest(model_files(folder)) == digest
    (folder / "registered_model_meta").write_text("left out")
    done = subprocess.run(
        ["sh", "-c", SHELL], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digest == model_digest(model_files(folder))


def test_the_vector_of_a_signature_holds():
    public = re.search(r"its public half is `([0-9a-f]{64})`", PAGE)[1]
    rows = dict(re.findall(r"^\| ([^|`]+) \| `(.+)` \|$", PAGE, re.MULTILINE))
    payload, signature = rows["payload"].encode(), base64.b64decode(rows["Ed25519, base64"])
    message = pre_authentication(IN_TOTO, payload)
    assert message == rows["what is signed"].encode()
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, message)


def node(tmp_path, *files):
    (tmp_path / "check.js").write_text(SCRIPT)
    command = ["node", "check.js", *map(str, files)]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_ten_lines_of_javascript_check_an_envelope(kind, tmp_path):
    needs("node")
    assert len(SCRIPT.splitlines()) <= 12
    golden, key = GOLDEN / f"gate-run-{kind}.dsse.json", GOLDEN / f"gate-run-{kind}.pub"
    done = node(tmp_path, golden, key)
    payload = json.loads(parse(golden.read_bytes()).payload)
    (subject,) = payload["subject"]
    said = f"{payload['predicateType']} {subject['name']} {subject['digest']['sha256']}"
    assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr
    mine, other = generate(kind), tmp_path / "other.dsse.json"
    other.write_bytes(sign(parse(golden.read_bytes()).payload, mine))
    assert node(tmp_path, other, key).returncode == 1  # signed by another
    (tmp_path / "mine.pub").write_text(mine.public.pem)
    assert node(tmp_path, other, key, "mine.pub").returncode == 0
    whole = json.loads(golden.read_bytes())
    bent = base64.b64decode(whole["payload"]).replace(b"FAILED", b"PASSED", 1)
    other.write_text(json.dumps({**whole, "payload": base64.b64encode(bent).decode()}))
    assert node(tmp_path, other, key).returncode == 1
