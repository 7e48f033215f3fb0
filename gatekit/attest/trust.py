"""Whom a policy trusts with what: a signature counts only in a role, for a gate, at a target."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gatekit.attest.envelope import Envelope
from gatekit.attest.keys import PublicKey, public_key
from gatekit.policy import Policy, Role, TrustedKey
from gatekit.times import iso, parse_moment


@dataclass(frozen=True, slots=True)
class Signer:
    """A trusted key that has signed, under the name the policy gives it."""

    name: str
    key: TrustedKey
    keyid: str

    def may(self, role: Role, at: datetime, *, gate: str = "", target: str = "") -> bool:
        """Whether its word counts in that role, for what is dated `at`."""
        until = parse_moment(self.key.until) if self.key.until else None
        return (
            role in self.key.roles
            and (until is None or at <= until)
            and (not gate or not self.key.gates or gate in self.key.gates)
            and (not target or not self.key.targets or target in self.key.targets)
        )

    def words(self) -> str:
        """`ci (9f3c52ab)`: its name in the policy and the start of its id."""
        return f"{self.name} ({self.keyid[:8]})"


@dataclass(frozen=True, slots=True)
class Trust:
    """The trusted keys of one policy; empty where a policy names none, and nothing is signed."""

    known: tuple[tuple[str, TrustedKey, PublicKey], ...] = field(default=())

    @classmethod
    def of(cls, policy: Policy) -> Trust:
        """The keys of a policy.

        Raises:
            KeyProblem: one of them cannot be read.
        """
        return cls(
            tuple(
                (name, key, public_key(key.public, f"keys.{name}"))
                for name, key in policy.keys.items()
            )
        )

    def __bool__(self) -> bool:
        """Whether signatures are asked for at all."""
        return bool(self.known)

    def signers(self, envelope: Envelope) -> tuple[Signer, ...]:
        """Every trusted key that has signed this envelope."""
        signed = {key.keyid for key in envelope.signers(public for _, _, public in self.known)}
        return tuple(
            Signer(name, key, public.keyid)
            for name, key, public in self.known
            if public.keyid in signed
        )

    def why_not(self, envelope: Envelope, role: Role, at: datetime, target: str = "") -> str:
        """Why the envelope does not count in that role, in words; empty if it does."""
        signers = self.signers(envelope)
        if not signers:
            return "no key that the policy trusts has signed it"
        if any(signer.may(role, at, target=target) for signer in signers):
            return ""
        names = ", ".join(signer.words() for signer in signers)
        where = f" for '{target}'" if target else ""
        return f"signed by {names}, which may not {role}{where} at {iso(at)}"
