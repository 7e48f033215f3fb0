"""Which entries of a journal count: trust is judged where an entry is used, never in the replay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekit.attest.decision import judged
from gatekit.attest.envelope import parse
from gatekit.attest.keys import PrivateKey
from gatekit.attest.trust import Signer, Trust
from gatekit.policy import Policy, Role
from gatekit.promotion.approval import unapproved
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.words import plain
from gatekit.times import parse_moment

NOT_TRUSTED = "NOT SIGNED BY A TRUSTED KEY"
ROLES: dict[str, Role] = {
    "promote": "promote",
    "rollback": "promote",
    "override": "override",
    "revoke": "revoke",
}


@dataclass(frozen=True, slots=True)
class Judge:
    """The trusted keys of the policy of one model; without any, every entry counts."""

    name: str = ""
    trust: Trust = Trust()  # noqa: RUF009 - frozen, so one may stand for all
    two_persons: tuple[str, ...] = ()  # targets where a second person approves an override

    @classmethod
    def of(cls, policy: Policy) -> Judge:
        """The judge of a policy.

        Raises:
            KeyProblem: one of its keys cannot be read.
        """
        two = tuple(name for name, each in policy.promotion.items() if each.second_person)
        return cls(policy.model, Trust.of(policy), two)

    def why_not(self, entry: Entry, journal: Journal) -> str:
        """Why an entry does not count, in words; empty if it does."""
        if not self.trust or entry.kind not in ROLES:
            return ""
        role = "promote" if entry.approval else ROLES[entry.kind]
        if why := judged(self.name, entry.to_fields(), role, self.trust):
            return plain(why)
        if entry.kind == "override" and (entry.approval or entry.target in self.two_persons):
            envelope = parse(entry.decision.encode())
            deciders = tuple(signer.keyid for signer in self.trust.signers(envelope))
            if why := unapproved(entry, self.name, self.trust, deciders):
                return plain(why)
        first = journal.first_like(entry)
        return f"it repeats #{first}" if 0 < first < entry.number else ""

    def trusts(self, entry: Entry, journal: Journal) -> bool:
        """Whether an entry counts."""
        return not self.why_not(entry, journal)

    def signers(self, entry: Entry) -> tuple[Signer, ...]:
        """The trusted keys that signed an entry's decision; none where it cannot be read."""
        if not self.trust or self.why_not(entry, Journal()):
            return ()
        return self.trust.signers(parse(entry.decision.encode()))

    def revocation(self, digest: str, journal: Journal, target: str) -> Entry | None:
        """The first entry that counts and revokes these bytes at a target.

        The word of a key that the policy narrows to some targets counts at those alone.
        """
        return next(
            (
                entry
                for entry in journal.entries
                if entry.kind == "revoke"
                and entry.digest == digest
                and self.trusts(entry, journal)
                and self._reaches(entry, target)
            ),
            None,
        )

    def _reaches(self, entry: Entry, target: str) -> bool:
        at = parse_moment(entry.at)
        return not self.trust or (
            at is not None
            and any(each.may("revoke", at, target=target) for each in self.signers(entry))
        )

    def unable(self, signer: PrivateKey | None, role: Role, at: datetime, target: str = "") -> str:
        """Why whoever works here may not do that, in words; empty if they may."""
        if not self.trust:
            return ""
        if signer is None:
            return (
                f"no signing key is at hand, and the policy counts a decision to {role} only if a "
                f"key that it trusts has signed it"
            )
        keyid = signer.public.keyid
        held = [Signer(n, key, keyid) for n, key, known in self.trust.known if known.keyid == keyid]
        if not held:
            return f"the signing key at hand ({keyid[:8]}) is none that the policy trusts"
        if any(each.may(role, at, target=target) for each in held):
            return ""
        where = f" for '{target}'" if target else ""
        return f"the signing key at hand, {held[0].words()}, may not {role}{where} now"


def revoked_words(entry: Entry) -> str:
    """A revocation in words."""
    return f"revoked by {plain(entry.by)} (entry #{entry.number}): {plain(entry.reason)}"
