"""OpenSSF model-signing bundles: real ones, made with a key of this test."""

import base64
import json
import shutil

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from gatekit.errors import KeyProblem, ModelMisbehaved
from gatekit.runner.limits import Limits
from gatekit.runner.process import Runner
from gatekit.scanning.bundle import Bundles
from gatekit.scanning.once import Scans
from gatekit.testing import write_toy

pytestmark = pytest.mark.filterwarnings("ignore")


def write_keys(folder, name, private=None):
    private = private or ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    secret, public = folder / f"{name}.pem", folder / f"{name}.pub"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.write_bytes(private.private_bytes(pem, *plain))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(private.public_key().public_bytes(pem, form))
    return secret, public


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A model with a bundle by files, the same by shards, and two public keys: right and wrong."""
    from model_signing import hashing, signing

    root = tmp_path_factory.mktemp("bundles")
    secret, public = write_keys(root, "training")
    _, stranger = write_keys(root, "stranger")
    folders = {}
    ways = {
        "files": hashing.Config().use_file_serialization(),
        "shards": hashing.Config().use_shard_serialization(shard_size=64),
    }
    for name, how in ways.items():
        folders[name] = write_toy(root / name, "threshold", ("x0",))
        how.set_ignored_paths(paths=["model.sig"], ignore_git_paths=False)
        config = signing.Config().use_elliptic_key_signer(private_key=secret)
        config.set_hashing_config(how).sign(folders[name], folders[name] / "model.sig")
    return folders, public, stranger


@pytest.fixture
def look(signed, tmp_path):
    """What is found against a copy of the signed model that was changed."""

    def looked(change=lambda folder: None, *, by="files", key=None):
        folders, public, _ = signed
        folder = shutil.copytree(folders[by], tmp_path / "model")
        change(folder)
        return [str(each) for each in Scans(Bundles(key or public))(folder)]

    return looked


@pytest.mark.parametrize("by", ["files", "shards"])
def test_a_model_as_it_was_signed_passes(look, by):
    def fetched(folder):  # as MLflow leaves it
        (folder / "registered_model_meta").write_text("model_name: toy\n")

    assert look(fetched, by=by) == []


def change_bytes(folder):
    (folder / "toy.json").write_text((folder / "toy.json").read_text() + " ")


def add(folder):
    (folder / "README").write_text("new")


def lose(folder):
    (folder / "toy.json").unlink()


def empty(folder):
    (folder / "model.sig").write_text("{}")


def no_json(folder):
    (folder / "model.sig").write_bytes(b"\x80\x04")


def unsigned(folder):
    said = json.loads((folder / "model.sig").read_text())
    said["dsseEnvelope"]["signatures"] = []
    (folder / "model.sig").write_text(json.dumps(said))


def other_digests(folder):
    """What an attacker without the key can do: change the file, and what the bundle says of it."""
    change_bytes(folder)
    said = json.loads((folder / "model.sig").read_text())
    statement = json.loads(base64.b64decode(said["dsseEnvelope"]["payload"]))
    statement["predicate"]["resources"] = []
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    said["dsseEnvelope"]["payload"] = payload
    (folder / "model.sig").write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (change_bytes, "does not verify: Signature mismatch"),
        (add, "README"),
        (lose, "toy.json"),
        (empty, "it is no bundle of model-signing"),
        (no_json, "does not verify"),
        (unsigned, "does not verify"),
        (other_digests, "does not verify"),
    ],
)
@pytest.mark.parametrize("by", ["files", "shards"])
def test_whatever_was_done_to_it_is_a_finding(look, change, words, by):
    found = look(change, by=by)
    assert any(words in each for each in found), found


def test_another_key_is_not_enough(signed, look):
    (found,) = look(key=signed[2])
    assert found.startswith("model.sig: the bundle does not verify")


def test_what_the_signer_left_out_is_not_covered(signed, look, tmp_path):
    from model_signing import hashing, signing

    def sign_a_part(folder):
        (folder / "README").write_text("left out")
        how = hashing.Config().use_file_serialization()
        how.set_ignored_paths(paths=["model.sig", "README"])
        secret = signed[1].with_suffix(".pem")
        config = signing.Config().use_elliptic_key_signer(private_key=secret)
        config.set_hashing_config(how).sign(folder, folder / "model.sig")

    assert look(sign_a_part) == ["README: the bundle does not cover it"]


def test_a_model_without_a_bundle_is_not_loaded(signed, tmp_path):
    folder = write_toy(tmp_path / "model", "threshold", ("x0",))
    runner = Runner(Limits(), tmp_path / "scratch", scan=Scans(Bundles(signed[1])))
    with runner, pytest.raises(ModelMisbehaved, match=r"asks for a model-signing bundle"):
        runner.load(folder)
    assert not runner.has_met_a_model
    assert Scans()(folder) == ()  # nobody asked


def test_a_key_that_is_none_is_said_before_anything_runs(tmp_path):
    Bundles(write_keys(tmp_path, "good")[1]).check()
    _, edwards = write_keys(tmp_path, "edwards", ed25519.Ed25519PrivateKey.generate())
    (tmp_path / "text.pub").write_text("no key")
    for key in (edwards, tmp_path / "text.pub", tmp_path / "gone.pub"):
        with pytest.raises(KeyProblem, match=r"holds no public key of an elliptic curve"):
            Bundles(key).check()


def test_the_same_bytes_are_scanned_once_and_changed_ones_again(tmp_path, monkeypatch):
    scanned = []
    monkeypatch.setattr("gatekit.scanning.once.scan", lambda *asked: scanned.append(asked) or ())
    folder = write_toy(tmp_path / "model", "threshold", ("x0",))
    scans = Scans()
    for _ in range(3):
        assert scans(folder, ("a",)) == ()
    assert len(scanned) == 1
    scans(folder, ("b",))
    change_bytes(folder)
    scans(folder, ("a",))
    (folder / "MLmodel").chmod(0o755)
    scans(folder, ("a",))
    assert len(scanned) == 4
    (folder / "link").symlink_to("MLmodel")
    scans(folder, ("a",))
    scans(folder, ("a",))  # what a link leads to may change unseen
    assert len(scanned) == 6
