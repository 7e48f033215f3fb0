"""An OpenSSF model-signing bundle beside a model: is it there, does it verify, what does it cover?

`model.sig` is a Sigstore bundle with a DSSE envelope: an in-toto statement whose predicate names
every file with its digest. Signature and digests are checked by the `model-signing` library, by one
public key that the policy names. What the statement leaves out is no part of what was signed: such
a file is a finding, except `registered_model_meta`, which MLflow writes when it fetches a model.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gatekit.digest import NOT_THE_MODELS
from gatekit.errors import KeyProblem, UsageProblem
from gatekit.scanning.finding import Finding

BUNDLE = "model.sig"
LARGEST_BUNDLE = 64 << 20
SHARD = re.compile(r":\d+:\d+\Z")
REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Bundles:
    """Asks every model for a bundle that the public key in `key` verifies."""

    key: Path

    def check(self) -> None:
        """Whether it can be asked at all.

        Raises:
            KeyProblem: the file holds no public key of an elliptic curve.
            UsageProblem: the library is not installed.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            held = load_pem_public_key(self.key.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm):
            held = None
        if not isinstance(held, EllipticCurvePublicKey):
            raise KeyProblem(
                f"[runner] bundle_key: {self.key.name} holds no public key of an elliptic curve",
                "Name the public half, in PEM, of the key that signs bundles: openssl ec -pubout",
            )
        if find_spec("model_signing") is None:
            raise UsageProblem(
                "[runner] bundle_key asks for bundles, and model-signing is not installed",
                "pip install 'pytest-gatekit[bundles]'",
            )

    def judge(self, folder: Path, paths: list[str]) -> Iterator[Finding]:
        """What speaks against the bundle of the model in `folder`, whose files are `paths`."""
        if BUNDLE not in paths:
            yield Finding(BUNDLE, "", "the policy asks for a model-signing bundle: there is none")
            return
        try:
            predicate = _predicate(folder / BUNDLE)
            self._verify(folder, predicate)
        except Exception as error:  # noqa: BLE001 - the library raises as it likes on hostile bytes
            yield Finding(BUNDLE, "", f"the bundle does not verify: {_line(error)}")
            return
        covered = {SHARD.sub("", str(each["name"])) for each in predicate["resources"]}
        for path in paths:
            if path not in covered and path not in (BUNDLE, NOT_THE_MODELS):
                yield Finding(path, "", "the bundle does not cover it")

    def _verify(self, folder: Path, predicate: dict[str, Any]) -> None:
        """Raises whatever the library raises on a signature or a digest that is not right."""
        from model_signing import hashing, verifying

        # How files were hashed is said by the bundle: a lie here is found by its signature.
        said, how = predicate["serialization"], hashing.Config()
        if said["method"] == "shards":
            size = int(said["shard_size"])
            how.use_shard_serialization(hashing_algorithm=said["hash_type"], shard_size=size)
        else:
            how.use_file_serialization(hashing_algorithm=said["hash_type"])
        how.set_ignored_paths(paths=[BUNDLE, NOT_THE_MODELS], ignore_git_paths=False)
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=self.key)
        verifier.set_hashing_config(how).verify(folder, folder / BUNDLE)


def _predicate(bundle: Path) -> dict[str, Any]:
    if bundle.stat().st_size > LARGEST_BUNDLE:
        raise ValueError("it is larger than a bundle can be")
    envelope = json.loads(bundle.read_bytes())["dsseEnvelope"]
    predicate: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    return predicate


def _line(error: Exception) -> str:
    """The reason on one printable line; a library's message may quote what the bundle says."""
    if isinstance(error, (KeyError, TypeError, IndexError)):
        return "it is no bundle of model-signing"
    text = str(error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text)[:REASON_LENGTH].strip()
