"""The journal of a model: who moved which pointer, on what proof, in an order nobody can dispute.

It lives in the registry as `<model>.journal`, append-only. The registry hands out the numbers, and
that alone orders two writers that know nothing of each other. Replay goes by number: an intent
(promote, override, rollback) is *effective* if it expected the entry that was in effect for its
target at that point. Of two intents that expected the same entry the first wins; the other is
lost and moves nothing. `done` closes an effective intent; `aborted` gives up one that was not
done, and what was in effect before is so again.

Each entry names the newest entry its writer saw and that entry's sha256, so a changed or a removed
entry is found as long as a later one is left. An intent may carry a signed `decision` over its own
fields; replay does not ask for it, so that the order never depends on whom somebody trusts
(`gatekit.promotion.trusted` judges that, where an entry is used).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from gatekit.attest.decision import differs
from gatekit.registry import Entries, Registry

Kind = Literal["promote", "override", "rollback", "revoke", "done", "aborted", "unreadable"]
Standing = Literal["in effect", "superseded", "lost", "given up", "note"]
INTENTS = ("promote", "override", "rollback")
CLOSINGS = ("done", "aborted")
_LATER = ("decision", "approval")  # fields that older entries lack: left out of the hash if empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal. `at` and `expires` are UTC, ISO 8601; empty where not given."""

    number: int = 0  # 0 until the registry has given one
    kind: Kind
    target: str = ""
    version: str = ""
    digest: str = ""  # of the bytes that were checked, hexadecimal
    expects: int = 0  # the entry in effect for the target when this was written; 0 for none
    by: str = ""
    at: str = ""
    reason: str = ""
    reports: tuple[str, ...] = ()  # ids of the gate runs relied on
    overridden: tuple[str, ...] = ()
    expires: str = ""
    policy: str = ""
    of: int = 0  # done, aborted: the intent it closes; rollback: the entry it goes back to
    previous: str = ""  # sha256 of entry number `previous_number`
    previous_number: int = 0  # the highest number the writer saw
    approval: str = ""  # override: the request that a second person has signed, an envelope
    decision: str = ""  # an envelope over all the fields above (`gatekit.attest.decision`)

    @property
    def is_intent(self) -> bool:
        """Whether it asks for a pointer to move."""
        return self.kind in INTENTS

    @property
    def sha256(self) -> str:
        """sha256 of the entry's canonical JSON, its number included."""
        values = {k: v for k, v in asdict(self).items() if v or k not in _LATER}
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def content(self) -> str:
        """sha256 of what the entry says, whatever its number and whoever signed it."""
        return replace(self, number=0, decision="").sha256

    def to_fields(self) -> dict[str, str]:
        """What the registry keeps: strings, the empty ones left out, without the number."""
        kept: dict[str, str] = {}
        for key, value in asdict(self).items():
            if key == "number" or value in ("", 0, ()):
                continue
            kept[key] = json.dumps(list(value)) if isinstance(value, tuple) else str(value)
        return kept

    @classmethod
    def from_fields(cls, number: int, kept: Mapping[str, str]) -> Entry:
        """The entry that `to_fields` wrote; anything else becomes an entry of kind unreadable."""
        values: dict[str, Any] = {}
        try:
            for each in fields(cls):
                if each.name in kept and each.name != "number":
                    values[each.name] = _value(each.name, kept[each.name])
            if values.get("kind") in (*INTENTS, *CLOSINGS, "revoke"):
                return cls(**{**values, "number": number})
        except (ValueError, TypeError):
            pass
        return cls(number=number, kind="unreadable", reason=json.dumps(dict(kept), sort_keys=True))


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with what became of it; for a lost one, `winner` is the entry it lost to."""

    entry: Entry
    standing: Standing
    winner: int = 0
    done: bool = False
    before: str = ""  # the version that held the target until then


@dataclass(frozen=True, slots=True)
class Journal:
    """All entries of one model, replayed. Pure: it never looks at the registry again."""

    entries: tuple[Entry, ...] = ()
    _placed: dict[int, Placed] = field(init=False, repr=False, compare=False)
    _current: dict[str, int] = field(init=False, repr=False, compare=False)
    _said: dict[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        replayed = _Replay()
        for entry in self.entries:
            replayed.take(entry)
        for number in replayed.current.values():
            if number:
                placed = replayed.placed[number]
                replayed.placed[number] = replace(placed, standing="in effect")
        object.__setattr__(self, "_placed", replayed.placed)
        object.__setattr__(self, "_current", replayed.current)

    @classmethod
    def read(cls, registry: Registry, name: str) -> Journal:
        """The journal of a model as the registry has it now; empty if there is none yet."""
        return cls.of(registry.entries(journal_name(name)))

    @classmethod
    def of(cls, found: Entries) -> Journal:
        """The journal with these numbered entries."""
        ordered = sorted(found, key=lambda numbered: numbered[0])
        return cls(tuple(Entry.from_fields(number, kept) for number, kept in ordered))

    @property
    def head(self) -> Entry | None:
        """The entry with the highest number."""
        return self.entries[-1] if self.entries else None

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target that an effective entry has named, in order of first use."""
        return tuple(self._current)

    def in_effect(self, target: str) -> Entry | None:
        """The entry that says who holds the target; None if none does."""
        number = self._current.get(target, 0)
        return self._placed[number].entry if number else None

    def is_done(self, entry: Entry) -> bool:
        """Whether an effective entry's move was read back and closed."""
        return self._placed[entry.number].done

    def is_effective(self, entry: Entry) -> bool:
        """Whether it won its place and was not given up."""
        return self.placed(entry.number).standing in ("in effect", "superseded")

    def first_like(self, entry: Entry) -> int:
        """The lowest number under which the same was said; 0 if it never was."""
        if not self._said:
            for each in self.entries:
                content = each.content
                self._said[content] = min(self._said.get(content, each.number), each.number)
        return self._said.get(entry.content, 0)

    def has(self, number: int) -> bool:
        """Whether there is an entry of that number."""
        return number in self._placed

    def placed(self, number: int) -> Placed:
        """What became of an entry of this journal."""
        return self._placed[number]

    def history(self, target: str | None = None) -> tuple[Placed, ...]:
        """Everything in order; with a target, what concerns that target."""
        return tuple(
            self._placed[entry.number]
            for entry in self.entries
            if target is None or entry.target == target
        )

    def effective(self, target: str) -> tuple[Entry, ...]:
        """The effective entries of a target, newest first, the one in effect included."""
        found = [p.entry for p in self.history(target) if p.standing in ("in effect", "superseded")]
        return tuple(reversed(found))

    def previous_holders(self, target: str) -> tuple[Entry, ...]:
        """The effective entries before the one in effect, newest first."""
        return tuple(e for e in self.effective(target) if e != self.in_effect(target))

    def check_chain(self) -> list[str]:
        """Every place where the journal contradicts itself, in words; empty if nowhere.

        Two writers may have seen the same head: an entry is held against the one it names, which
        need not be the one before it. Numbers may have gaps: a registry may count a repeated
        request twice.
        """
        by_number = {entry.number: entry for entry in self.entries}
        problems = []
        for entry in self.entries:
            if entry.kind == "unreadable":
                problems.append(f"#{entry.number} is not a journal entry")
            else:
                problems += _chain_problems(entry, by_number)
        return problems


def journal_name(name: str) -> str:
    """Where the journal of a model is kept."""
    return f"{name}.journal"


class _Replay:
    """The state while entries are taken in order."""

    def __init__(self) -> None:
        self.placed: dict[int, Placed] = {}
        self.current: dict[str, int] = {}

    def take(self, entry: Entry) -> None:
        if entry.is_intent:
            self._intent(entry)
            return
        if entry.kind in CLOSINGS:
            self._close(entry)
        self.placed[entry.number] = Placed(entry, "note")

    def _intent(self, entry: Entry) -> None:
        now = self.current.get(entry.target, 0)
        before = self.placed[now].entry.version if now else ""
        if entry.expects == now:
            self.current[entry.target] = entry.number
            self.placed[entry.number] = Placed(entry, "superseded", before=before)
        else:
            self.placed[entry.number] = Placed(entry, "lost", winner=now, before=before)

    def _close(self, entry: Entry) -> None:
        closed = self.placed.get(entry.of)
        if closed is None or closed.standing != "superseded" or closed.done:
            return
        if entry.kind == "done":
            self.placed[entry.of] = replace(closed, done=True)
        elif self.current[closed.entry.target] == entry.of:
            self.current[closed.entry.target] = closed.entry.expects
            self.placed[entry.of] = replace(closed, standing="given up")


def _chain_problems(entry: Entry, by_number: Mapping[int, Entry]) -> list[str]:
    problems = []
    seen = by_number.get(entry.previous_number)
    if entry.previous_number >= entry.number:
        problems.append(f"#{entry.number} names #{entry.previous_number}, which came no earlier")
    elif entry.previous_number and seen is None:
        problems.append(f"#{entry.previous_number}, which #{entry.number} names, is gone")
    elif seen is not None and seen.sha256 != entry.previous:
        problems.append(f"#{seen.number} is not what #{entry.number} saw: it was changed")
    if entry.decision and (why := differs(entry.to_fields())):
        problems.append(f"#{entry.number}: {why}")
    for link in ("expects", "of"):
        linked: int = getattr(entry, link)
        if linked and linked != entry.previous_number and linked not in by_number:
            problems.append(f"#{linked}, which #{entry.number} builds on, is gone")
    return problems


def _value(name: str, text: str) -> Any:
    if name in ("expects", "of", "previous_number"):
        return int(text)
    if name in ("reports", "overridden"):
        values = json.loads(text)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ValueError(name)
        return tuple(values)
    return text
