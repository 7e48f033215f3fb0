"""The rim of promotion: everything that reads or writes the registry for one model.

No registry has compare-and-set, so a pointer is never moved on trust. Whoever moves it holds an
effective entry, reads the pointer back, closes the entry, and then reads the journal once more: if
another entry came into effect meanwhile, this hand was the late one, and it puts the pointer where
the journal says. So the last move always agrees with the last entry in effect.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gatekit.attest.decision import sign_decision
from gatekit.attest.keys import PrivateKey
from gatekit.digest import model_digest, model_files
from gatekit.errors import CandidateError, NotFound, PromotionRefused, RegistryError
from gatekit.policy import Policy, Role
from gatekit.promotion.journal import Entry, Journal, Kind, Placed, journal_name
from gatekit.promotion.trusted import ROLES, Judge, revoked_words
from gatekit.promotion.words import plain, shown_digest, shown_time
from gatekit.registry import PointerKind, Registry
from gatekit.times import Clock, iso, parse_moment

LOOK_AGAIN = "See `gatekit status`, then decide again: the holder is not the one you saw"
Loads = Callable[[Path], str]  # why the model in a folder cannot be loaded; empty if it can
_TRIES = 2  # a race in a stage can leave two versions there; moving again archives the other


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

    def carry_out(self, entry: Entry) -> Journal:
        """Do what an entry in effect says: move, read back, done. Returns the journal after it.

        An entry that is no longer in effect moves nothing.

        Raises:
            RegistryError: the pointer was moved but reads otherwise; the next command tries again.
        """
        journal = self.journal()
        if journal.in_effect(entry.target) != entry:
            return journal
        held = self.holder(entry.target)
        for _ in range(_TRIES):
            if held == entry.version or journal.in_effect(entry.target) != entry:
                break
            self.move(entry.target, entry.version)
            held = self.holder(entry.target)
            journal = self.journal()
        if journal.in_effect(entry.target) == entry and not journal.is_done(entry):
            if held != entry.version:
                raise RegistryError(
                    f"{self.name}: '{entry.target}' was moved to version {entry.version}, but "
                    f"reads {held or 'nobody'}",
                    f"Entry #{entry.number} stays open; the next promote or rollback finishes it",
                )
            self.close(entry, "done", journal)
        return self._give_way(entry.target, entry.version)

    def finish_open(self) -> tuple[str, ...]:
        """Finish every intent that was left without its `done`; says what it did.

        One whose version is gone or has other bytes is given up instead, unless the pointer is
        there already; one that no trusted key has signed is given up in any case.
        """
        notes = []
        judge = self.judge
        for target in self.journal().targets:
            journal = self.journal()
            entry = journal.in_effect(target)
            if entry is None or journal.is_done(entry):
                continue
            why = judge.why_not(entry, journal)
            if not why and self.holder(target) != entry.version:
                why = self._unfit(entry, journal)
            if why:
                self.close(entry, "aborted", journal, reason=why)
                given_up = self.journal().placed(entry.number).standing == "given up"
                verb = "gave up" if given_up else "its writer has closed"
                notes.append(f"{verb} {open_words(entry)}: {why}")
            else:
                self.carry_out(entry)
                notes.append(f"finished {open_words(entry)}")
        return tuple(notes)

    def act(self, draft: Entry, seen: Journal) -> tuple[Entry, tuple[str, ...]]:
        """Write an intent, see whether it won, and carry it out; says what happened since.

        Raises:
            PromotionRefused: another entry came first, or this one was given up by another.
        """
        entry = self.append(draft, seen)
        placed = self.journal().placed(entry.number)
        what = f"{self.name} version {entry.version}: {entry.kind} to '{entry.target}'"
        if placed.standing == "lost":
            raise PromotionRefused(f"{what} came too late", (self._winner(placed),), LOOK_AGAIN)
        after = self.carry_out(entry)
        if after.placed(entry.number).standing == "given up":
            raise PromotionRefused(f"{what} was given up by another's command", (), LOOK_AGAIN)
        now = after.in_effect(entry.target)
        if now is None or now == entry:
            return entry, ()
        who = f"#{now.number} by {plain(now.by)}, version {now.version}"
        return entry, (f"it took effect, and was followed at once by {who}",)

    def _winner(self, lost: Placed) -> str:
        if not lost.winner:
            return f"the entry it built on, #{lost.entry.expects}, was given up meanwhile"
        won = self.journal().placed(lost.winner).entry
        return (
            f"lost to #{won.number}: {plain(won.by)} gave '{won.target}' to version {won.version} "
            f"({won.kind}, {shown_time(won.at)})"
        )

    def open_entries(self) -> tuple[str, ...]:
        """What `finish_open` would take up, in words."""
        journal = self.journal()
        found = [journal.in_effect(target) for target in journal.targets]
        return tuple(
            f"{open_words(entry)} would be finished first"
            for entry in found
            if entry is not None and not journal.is_done(entry)
        )

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

    def _unfit(self, entry: Entry, journal: Journal) -> str:
        expires = parse_moment(entry.expires)
        if entry.kind == "override" and (expires is None or expires <= self.clock()):
            return "its override has expired"
        if revocation := self.judge.revocation(entry.digest, journal):
            return revoked_words(revocation)
        return self.changed(entry)

    def _give_way(self, target: str, mine: str) -> Journal:
        """Put the pointer where the journal says if it still stands where this hand put it."""
        while True:
            journal = self.journal()
            entry = journal.in_effect(target)
            wanted = "" if entry is None else entry.version
            if wanted == mine or self.holder(target) != mine:
                return journal
            if entry is not None and not self.judge.trusts(entry, journal):
                return journal  # the journal's word is not one to follow
            self.move(target, wanted)
            mine = wanted


def open_words(entry: Entry) -> str:
    """An unfinished intent in words."""
    return (
        f"entry #{entry.number} ({entry.kind} of version {entry.version} to '{entry.target}' "
        f"by {plain(entry.by)})"
    )
