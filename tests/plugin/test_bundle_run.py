"""Whole runs of a policy that asks for OpenSSF bundles: the key is of this test."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gatekit.testing.toys import write_toy

POLICY = """
model = "toy"

[runner]
bundle_key = "training.pub"

[data.holdout]
path = "holdout.parquet"
target = "label"

[gates.accuracy]
floor = 0.8

[gates.safety]

[promotion.staging]
requires = ["accuracy", "safety"]
"""
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def bundled(project):
    """Registers a toy with a bundle that the policy's key verifies, and gives its URI."""
    from model_signing import hashing, signing

    private, pem = ec.generate_private_key(ec.SECP256R1()), serialization.Encoding.PEM
    secret = project.root / "training.pem"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.write_bytes(private.private_bytes(pem, *plain))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    (project.root / "training.pub").write_bytes(private.public_key().public_bytes(pem, form))
    project.policy(POLICY)

    def registered(after=""):
        folder = write_toy(project.root / "made", "threshold")
        how = hashing.Config().set_ignored_paths(paths=["model.sig"], ignore_git_paths=False)
        config = signing.Config().use_elliptic_key_signer(private_key=secret)
        config.set_hashing_config(how).sign(folder, folder / "model.sig")
        if after:
            (folder / "toy.json").write_text((folder / "toy.json").read_text() + after)
        return f"models:/toy/{project.registry.register('toy', folder).version}"

    return registered


def test_a_model_with_its_bundle_passes(project, bundled):
    result = project.run("--model-uri", bundled(), "--promote-to", "staging")
    assert result.ret == 0
    assert project.holder == "1"


def test_a_file_that_changed_after_it_was_signed_is_never_loaded(project, bundled):
    result = project.run("--model-uri", bundled(after=" "), "--promote-to", "staging")
    project.refused(result, "FAILED", "toy.json", "Nothing of it was run")
    outcomes = {gate.gate: str(gate.outcome) for gate in project.report.gates}
    assert outcomes == {"accuracy": "FAILED", "safety": "FAILED"}


def test_a_model_without_a_bundle_is_never_loaded(project, bundled):
    bundled()
    result = project.run("--model-uri", project.register(), "--promote-to", "staging")
    assert result.ret == 1
    assert project.holder is None
    assert "model.sig" in result.stdout.str()
