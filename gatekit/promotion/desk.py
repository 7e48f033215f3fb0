"""The rim of promotion: everything that reads or writes the registry for one model.

No registry has compare-and-set, so a pointer is never moved on trust. Whoever moves it holds an
effective entry, reads the pointer back, closes the entry, and then reads the journal once more: if
another entry came into effect meanwhile, this hand was the late one, and it puts the pointer where
the journal says. So the last move always agrees with the last entry in effect.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gatekit.digest import model_digest, model_files
from gatekit.errors import (
    CandidateError,
    NotFound,
    PromotionRefused,
    RegistryError,
    RegistryUnavailable,
)
from gatekit.promotion.journal import Entry, Journal, Kind, Placed, journal_name
from gatekit.promotion.words import plain, shown_digest, shown_time
from gatekit.registry import PointerKind, Registry
from gatekit.times import Clock, iso, parse_moment

LOOK_AGAIN = "See `gatekit status`, then decide again: the holder is not the one you saw"
_TRIES = 2  # a race in a stage can leave two versions there; moving again archives the other


@dataclass(frozen=True, slots=True)
class Desk:
    """One person at work on the pointers of one model."""

    registry: Registry
    name: str
    kind: PointerKind
    by: str
    clock: Clock

    def journal(self) -> Journal:
        """The journal as it is now."""
        return Journal.read(self.registry, self.name)

    def holder(self, target: str) -> str:
        """The version a client would get for the target now; empty if there is none."""
        held = self.registry.holder(self.name, target, self.kind)
        return "" if held is None else held.version

    def digest(self, version: str) -> str:
        """The digest of a version's bytes as they are now.

        Raises:
            NotFound: there is no such version.
            CandidateError: its files cannot be hashed.
        """
        with tempfile.TemporaryDirectory(prefix="gatekit-") as folder:
            uri = f"models:/{self.name}/{version}"
            return model_digest(model_files(self.registry.fetch(uri, Path(folder, "model"))))

    def changed(self, entry: Entry) -> str:
        """Why the version of an entry is not what it was, in words; empty if it still is."""
        try:
            digest = self.digest(entry.version)
        except NotFound:
            return f"version {entry.version} is gone"
        except CandidateError as error:
            return f"version {entry.version} cannot be hashed: {error.message}"
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
        number = self.registry.append(journal_name(self.name), entry.to_fields())
        return replace(entry, number=number)

    def close(self, entry: Entry, kind: Kind, seen: Journal, reason: str = "") -> None:
        """Write `done` or `aborted` for an intent."""
        note = Entry(kind=kind, target=entry.target, version=entry.version, of=entry.number)
        self.append(replace(note, reason=reason), seen)

    def move(self, target: str, version: str) -> None:
        """Point the target at a version, or at nobody."""
        if version:
            self.registry.move(self.name, target, version, self.kind)
        else:
            self.registry.clear(self.name, target, self.kind)

    def carry_out(self, entry: Entry, seen: Journal | None = None) -> Journal:
        """Do what an entry in effect says: move, read back, done. Returns the journal after it.

        An entry that is no longer in effect moves nothing. `seen` is a journal read since the
        entry was written.

        Raises:
            RegistryError: it was not carried out to the end; the next command does that.
        """
        journal = self.journal() if seen is None else seen
        if journal.in_effect(entry.target) != entry:
            return journal
        try:
            return self._carried_out(entry, journal)
        except RegistryError as error:
            with suppress(RegistryError):  # the write may have happened, and come too late
                self._give_way(entry.target, entry.version)
            raise _may_be_open(error, open_words(entry)) from error

    def _carried_out(self, entry: Entry, journal: Journal) -> Journal:
        """Move without looking first: a crash inside a move leaves the old holder in the stage."""
        held = ""
        for _ in range(_TRIES):
            self.move(entry.target, entry.version)
            held = self.holder(entry.target)
            if held == entry.version:
                self.close(entry, "done", journal)  # replay knows if it was given up meanwhile
                break
            journal = self.journal()
            if journal.in_effect(entry.target) != entry:
                break
        else:
            if not journal.is_done(entry):
                raise RegistryError(
                    f"{self.name}: '{entry.target}' was moved to version {entry.version}, but "
                    f"reads {held or 'nobody'}"
                )
        return self._give_way(entry.target, entry.version)

    def finish_open(self) -> tuple[str, ...]:
        """Finish every intent that was left without its `done`; says what it did."""
        return self.settle()[0]

    def settle(self) -> tuple[tuple[str, ...], Journal]:
        """What `finish_open` did, and the journal after it.

        One whose version is gone or has other bytes is given up instead, unless the pointer is
        there already.
        """
        notes = []
        journal = self.journal()
        while unfinished := _unfinished(journal):  # while one is finished, another may be begun
            entry = unfinished[0]
            try:
                note, journal = self._settled(entry, journal)
            except RegistryError as error:
                raise _may_be_open(error, open_words(entry)) from error
            notes.append(note)
        return tuple(notes), journal

    def _settled(self, entry: Entry, journal: Journal) -> tuple[str, Journal]:
        why = "" if self.holder(entry.target) == entry.version else self._unfit(entry)
        if not why:
            return f"finished {open_words(entry)}", self.carry_out(entry)
        self.close(entry, "aborted", journal, reason=why)
        after = self._give_way(entry.target, entry.version)  # its writer may have moved since
        given_up = after.placed(entry.number).standing == "given up"
        verb = "gave up" if given_up else "its writer has closed"
        return f"{verb} {open_words(entry)}: {why}", after

    def act(self, draft: Entry, seen: Journal) -> tuple[Entry, tuple[str, ...]]:
        """Write an intent, see whether it won, and carry it out; says what happened since.

        Raises:
            PromotionRefused: another entry came first, or this one was given up by another.
            RegistryError: it is not known, or not true, that everything was done; the hint says
                what may be open.
        """
        what = f"{self.name} version {draft.version}: {draft.kind} to '{draft.target}'"
        try:
            entry = self.append(draft, seen)
        except RegistryUnavailable as error:
            raise _may_be_open(error, f"the {draft.kind} of version {draft.version}") from error
        journal = self._journal_with(entry)
        placed = journal.placed(entry.number)
        if placed.standing == "lost":
            winner = self._winner(placed, journal)
            raise PromotionRefused(f"{what} came too late", (winner,), LOOK_AGAIN)
        after = self.carry_out(entry, journal)
        if after.placed(entry.number).standing == "given up":
            raise PromotionRefused(f"{what} was given up by another's command", (), LOOK_AGAIN)
        now = after.in_effect(entry.target)
        if now is None or now == entry:
            return entry, ()
        who = f"#{now.number} by {plain(now.by)}, version {now.version}"
        return entry, (f"it took effect, and was followed at once by {who}",)

    def _journal_with(self, entry: Entry) -> Journal:
        """The journal, which has to show the entry that was just written."""
        try:
            journal = self.journal()
            if not journal.has(entry.number):
                raise RegistryError(f"{self.name}: the journal does not show #{entry.number} yet")
        except RegistryError as error:
            raise _may_be_open(error, open_words(entry)) from error
        return journal

    def _winner(self, lost: Placed, journal: Journal) -> str:
        if not lost.winner:
            return f"the entry it built on, #{lost.entry.expects}, was given up meanwhile"
        won = journal.placed(lost.winner).entry
        return (
            f"lost to #{won.number}: {plain(won.by)} gave '{won.target}' to version {won.version} "
            f"({won.kind}, {shown_time(won.at)})"
        )

    def open_entries(self) -> tuple[str, ...]:
        """What `finish_open` would take up, in words."""
        unfinished = _unfinished(self.journal())
        return tuple(f"{open_words(entry)} would be finished first" for entry in unfinished)

    def _unfit(self, entry: Entry) -> str:
        expires = parse_moment(entry.expires)
        if entry.kind == "override" and (expires is None or expires <= self.clock()):
            return "its override has expired"
        return self.changed(entry)

    def _give_way(self, target: str, mine: str) -> Journal:
        """Put the pointer where the journal says if it still stands where this hand put it.

        Two hands in one stage may have archived each other's version; nobody is left there then.
        """
        while True:
            journal = self.journal()
            entry = journal.in_effect(target)
            wanted = "" if entry is None else entry.version
            if wanted == mine:
                return journal
            held = self.holder(target)
            emptied = self.kind == "stage" and not held
            if held != mine and not emptied:
                return journal
            try:
                self.move(target, wanted)
            except NotFound:
                return journal  # who held it is gone; `gatekit status` shows the difference
            mine = wanted


def _unfinished(journal: Journal) -> list[Entry]:
    found = [journal.in_effect(target) for target in journal.targets]
    return [entry for entry in found if entry is not None and not journal.is_done(entry)]


def _may_be_open(error: RegistryError, what: str) -> RegistryError:
    if "may be left open" in error.hint:
        return error  # the innermost knows best
    hint = f"{error.hint}. " if error.hint else ""
    return type(error)(
        error.message,
        f"{hint}What may be left open is {what}: see `gatekit status`; the next promote or "
        f"rollback finishes it",
    )


def open_words(entry: Entry) -> str:
    """An unfinished intent in words."""
    return (
        f"entry #{entry.number} ({entry.kind} of version {entry.version} to '{entry.target}' "
        f"by {plain(entry.by)})"
    )
