"""Signing keys: Ed25519 and ECDSA on P-256, as PEM, by the `cryptography` package.

A key's name in an envelope (`keyid`) is the sha256 of its public half in DER, as SPKI. It is a hint
for people; no decision rests on it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gatekit.errors import KeyProblem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
        EllipticCurveSignatureAlgorithm,
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

Algorithm = Literal["ed25519", "p256"]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Checks signatures."""

    key: Ed25519PublicKey | EllipticCurvePublicKey

    @property
    def keyid(self) -> str:
        """sha256 of the key in DER (SubjectPublicKeyInfo), hexadecimal."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()

    @property
    def pem(self) -> str:
        """The key as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's over exactly these bytes."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, message)
            else:
                self.key.verify(signature, message, _ecdsa())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey:
    """Signs. Its repr says nothing of it."""

    key: Ed25519PrivateKey | EllipticCurvePrivateKey

    @property
    def public(self) -> PublicKey:
        """The half that others may have."""
        return PublicKey(self.key.public_key())

    @property
    def pem(self) -> str:
        """The key as PEM (PKCS 8), unencrypted."""
        from cryptography.hazmat.primitives.serialization import (
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        plain = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return plain.decode()

    def sign(self, message: bytes) -> bytes:
        """The signature over these bytes."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, _ecdsa())


def generate(algorithm: Algorithm = "ed25519") -> PrivateKey:
    """A new key."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if algorithm == "ed25519":
        return PrivateKey(Ed25519PrivateKey.generate())
    return PrivateKey(ec.generate_private_key(ec.SECP256R1()))


def private_key(pem: str, where: str) -> PrivateKey:
    """The private key in a PEM text; `where` names it in errors, which never show the text.

    Raises:
        KeyProblem: it is no unencrypted Ed25519 or P-256 private key.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), None)
    except Exception:  # noqa: BLE001 - a dozen kinds, and their words may quote the key
        raise KeyProblem(
            f"{where} is no private key in PEM", "Make one with `gatekit keygen`"
        ) from None
    if isinstance(key, ed25519.Ed25519PrivateKey) or (
        isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1"
    ):
        return PrivateKey(key)
    raise KeyProblem(f"{where} is of another kind", "Ed25519 and P-256 are understood")


def public_key(pem: str, where: str) -> PublicKey:
    """The public key in a PEM text; `where` names it in errors.

    Raises:
        KeyProblem: it is no Ed25519 or P-256 public key; a private key is refused, too.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if "PRIVATE KEY" in pem:
        raise KeyProblem(f"{where} is a private key", "Name its public half, and keep this secret")
    try:
        key = load_pem_public_key(pem.encode())
    except Exception as error:
        raise KeyProblem(
            f"{where} is no public key in PEM", "`gatekit keygen` writes one beside the private key"
        ) from error
    if isinstance(key, ed25519.Ed25519PublicKey) or (
        isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    ):
        return PublicKey(key)
    raise KeyProblem(f"{where} is of another kind", "Ed25519 and P-256 are understood")


def _ecdsa() -> EllipticCurveSignatureAlgorithm:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256

    return ec.ECDSA(SHA256())
