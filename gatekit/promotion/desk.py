"""The rim of promotion: everything that reads or writes the registry for one model.

In which order it is done, so that two at once are one after the other, is `protocol`'s business.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatekit.attest.decision import sign_decision
from gatekit.attest.keys import PrivateKey
from gatekit.digest import model_digest, model_files
from gatekit.errors import CandidateError, NotFound, PromotionRefused
from gatekit.policy import Policy, Role
from gatekit.promotion.journal import Entry, Journal, Kind, journal_name
from gatekit.promotion.trusted import ROLES, Judge, revoked_words
from gatekit.promotion.words import plain, shown_digest
from gatekit.registry import Pointer, PointerKind, Registry
from gatekit.times import Clock, iso, parse_moment

Loads = Callable[[Path], str]  # why the model in a folder cannot be loaded; empty if it can


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work on the pointers of one model."""

    registry: Registry
    name: str
    kind: PointerKind
    by: str
    clock: Clock
    signer: PrivateKey | None = None
    policy: Policy | None = None  # whom to trust, and what the pointers are called

    @classmethod
    def of(
        cls,
        registry: Registry,
        policy: Policy,
        by: str,
        clock: Clock,
        signer: PrivateKey | None = None,
    ) -> Desk:
        """A desk for the model of a policy."""
        return cls(registry, policy.model, policy.pointer, by, clock, signer, policy)

    @property
    def judge(self) -> Judge:
        """Whose decisions count here.

        Raises:
            KeyProblem: a key of the policy cannot be read.
        """
        return Judge() if self.policy is None else Judge.of(self.policy)

    def require_signer(self, role: Role, target: str, what: str) -> None:
        """Whether whoever works here may do that; asked before anything is written.

        Raises:
            PromotionRefused: the policy trusts keys, and the one at hand is none of them.
        """
        if why := self.judge.unable(self.signer, role, self.clock(), target):
            raise PromotionRefused(
                what,
                (why,),
                "Give the key by [attestation] key or its environment variable; [keys] says who may"
                " do what. Nothing was written",
            )

    def journal(self) -> Journal:
        """The journal as it is now."""
        return Journal.read(self.registry, self.name)

    def holder(self, target: str) -> str:
        """The version a client would get for the target now; empty if there is none."""
        held = self.registry.holder(self.name, self._pointer(target), self.kind)
        return "" if held is None else held.version

    def look(self, target: str) -> tuple[Journal, str]:
        """The journal, and who holds the target, by as few requests as can be."""
        look = self.registry.look(self._noted(target))
        return Journal.of(look.entries), "" if look.holder is None else look.holder.version

    def digest(self, version: str) -> str:
        """The digest of a version's bytes as they are now.

        Raises:
            NotFound: there is no such version.
            CandidateError: its files cannot be hashed.
        """
        return self._fetched(version)[0]

    def changed(self, entry: Entry, loads: Loads | None = None) -> str:
        """Why the version of an entry is not what it was, in words; empty if it still is.

        Raises:
            PromotionRefused: its bytes are what they were, and `loads` says they cannot be loaded.
        """
        try:
            digest, unloadable = self._fetched(entry.version, loads, entry.digest)
        except NotFound:
            return f"version {entry.version} is gone"
        except CandidateError as error:
            return f"version {entry.version} cannot be hashed: {error.message}"
        if unloadable:
            raise PromotionRefused(
                f"{self.name}: '{entry.target}' does not go back to version {entry.version}",
                (f"it cannot be loaded: {unloadable}",),
                "Name another holder with --to VERSION, or skip this check with --now REASON",
            )
        if digest == entry.digest:
            return ""
        return (
            f"version {entry.version} has other bytes: {shown_digest(entry.digest)} held the "
            f"pointer, {shown_digest(digest)} is there now"
        )

    def append(self, draft: Entry, seen: Journal) -> Entry:
        """Write an entry after the journal `seen`; returns it with its number."""
        head = seen.head
        entry = replace(
            draft,
            by=self.by,
            at=iso(self.clock()),
            previous="" if head is None else head.sha256,
            previous_number=0 if head is None else head.number,
        )
        if self.signer is not None and entry.kind in ROLES:
            decision = sign_decision(self.name, entry.to_fields(), self.signer)
            entry = replace(entry, decision=decision)
        number = self.registry.append(journal_name(self.name), entry.to_fields())
        return replace(entry, number=number)

    def close(self, entry: Entry, kind: Kind, seen: Journal, reason: str = "") -> None:
        """Write `done` or `aborted` for an intent."""
        note = Entry(kind=kind, target=entry.target, version=entry.version, of=entry.number)
        self.append(replace(note, reason=reason), seen)

    def move(self, target: str, version: str) -> None:
        """Point the target at a version, or at nobody."""
        if version:
            self.registry.move(self.name, self._pointer(target), version, self.kind)
        else:
            self.registry.clear(self.name, self._pointer(target), self.kind)

    def displace(self, target: str, version: str, held: str) -> Journal:
        """Point the target at a version, `held` having held it; the journal as it is after that."""
        return Journal.of(self.registry.displace(self._noted(target), version, held))

    def _noted(self, target: str) -> Pointer:
        return Pointer(self.name, self._pointer(target), self.kind, journal_name(self.name))

    def _pointer(self, target: str) -> str:
        return target if self.policy is None else self.policy.pointer_name(target)

    def _fetched(
        self, version: str, loads: Loads | None = None, wanted: str = ""
    ) -> tuple[str, str]:
        """The digest of a version, and why it cannot be loaded if it is the one that is wanted."""
        with tempfile.TemporaryDirectory(prefix="gatekit-") as folder:
            uri = f"models:/{self.name}/{version}"
            model = self.registry.fetch(uri, Path(folder, "model"))
            digest = model_digest(model_files(model))
            return digest, loads(model) if loads and digest == wanted else ""

    def unfit(self, entry: Entry, journal: Journal) -> str:
        """Why an unfinished entry is not to be finished, in words; empty if it is."""
        expires = parse_moment(entry.expires)
        if entry.kind == "override" and (expires is None or expires <= self.clock()):
            return "its override has expired"
        if revocation := self.judge.revocation(entry.digest, journal, entry.target):
            return revoked_words(revocation)
        return self.changed(entry)


def open_words(entry: Entry) -> str:
    """An unfinished intent in words."""
    return (
        f"entry #{entry.number} ({entry.kind} of version {entry.version} to '{entry.target}' "
        f"by {plain(entry.by)})"
    )
