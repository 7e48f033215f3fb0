"""Who holds each target now, beside what the journal says: a move by hand shows here."""

from __future__ import annotations

from dataclasses import dataclass

from gatekit.promotion.desk import Desk
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.words import plain

UNPROVED = "UNPROVED HOLDER"


@dataclass(frozen=True, slots=True)
class Held:
    """A target, the version a client gets for it (empty for none), and the entry in effect."""

    target: str
    holder: str
    entry: Entry | None
    done: bool  # no entry is open that may be moving the pointer at this moment

    @property
    def unproved(self) -> str:
        """That the journal did not give it to its holder, in words; empty if it did."""
        if self.entry is None:
            nobody = f"{UNPROVED}: no entry of the journal gave it the pointer"
            return nobody if self.holder else ""
        if not self.done or self.holder == self.entry.version:
            return ""
        said = f"the journal says version {plain(self.entry.version)} (#{self.entry.number})"
        return f"{UNPROVED}: {said}, the pointer was moved by another hand"

    def line(self) -> str:
        """`staging: version 5, UNPROVED HOLDER: ...`."""
        held = f"version {plain(self.holder)}" if self.holder else "nobody"
        return f"{plain(self.target)}: {held}" + (f", {self.unproved}" if self.unproved else "")

    def record(self) -> dict[str, str | int]:
        """The same as plain JSON values; entry 0 for none."""
        number = self.entry.number if self.entry else 0
        return {
            "target": self.target,
            "holder": self.holder,
            "entry": number,
            "unproved": self.unproved,
        }


def held(desk: Desk, journal: Journal, target: str) -> Held:
    """Ask the registry who holds a target.

    Raises:
        RegistryUnavailable: nothing is known then.
    """
    entry = journal.in_effect(target)
    done = entry is None or journal.is_done(entry)
    return Held(target, desk.holder(target), entry, done)
