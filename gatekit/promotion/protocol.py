"""How a pointer is moved when anybody may move it at the same time, or stop in the middle.

No registry has compare-and-set, so a pointer is never moved on trust. Whoever moves it holds an
effective entry, reads the pointer back, closes the entry, and then reads the journal once more: if
another entry came into effect meanwhile, this hand was the late one, and it puts the pointer where
the journal says. So the last move always agrees with the last entry in effect. Only a late hand
that stops right after its move breaks this, and nobody can tell it from a move by hand: it shows
as an unproved holder until somebody promotes or rolls back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gatekit.errors import NotFound, PromotionRefused, RegistryError, RegistryUnavailable
from gatekit.promotion.desk import Desk, open_words
from gatekit.promotion.journal import Entry, Journal, Placed
from gatekit.promotion.words import plain, shown_time

LOOK_AGAIN = "See `gatekit status`, then decide again: the holder is not the one you saw"
_TRIES = 2  # two at once in a stage may have archived each other's version


def act(desk: Desk, draft: Entry, seen: Journal) -> tuple[Entry, tuple[str, ...]]:
    """Write an intent, see whether it won, and carry it out; says what happened since.

    `seen` is the journal that the draft builds on.

    Raises:
        PromotionRefused: another entry came first, or this one was given up by another.
        RegistryError: it is not known, or not true, that everything was done; the hint says what
            may be open.
    """
    entry, journal = _won(desk, draft, seen)
    after = carry_out(desk, entry, journal, _held_before(desk, entry))
    return entry, _since(desk, entry, after)


def act_at_once(
    desk: Desk, draft: Entry, seen: Journal, held: str
) -> tuple[Entry, tuple[str, ...]]:
    """As `act`, with nothing but the move after the entry, which the next command closes.

    `held` is who held the pointer when `seen` was read.

    The journal is read once more all the same: a hand that was late gives way to who came after it.

    Raises:
        PromotionRefused, RegistryError: as `act` does.
    """
    entry, after = _won(desk, draft, seen)
    if after.in_effect(entry.target) == entry:
        with _telling(desk, entry):
            after = desk.displace(entry.target, entry.version, held)
            after = _give_way(desk, entry.target, entry.version, after)
    since = _since(desk, entry, after)
    if after.is_done(entry):
        return entry, since
    closes = f"entry #{entry.number} is still open: `gatekit reconcile` reads it back and closes it"
    return entry, (*since, closes)


def carry_out(desk: Desk, entry: Entry, journal: Journal, held: str = "") -> Journal:
    """Do what an entry in effect says: move, read back, done. Returns the journal after it.

    `journal` was read since the entry was written; if the entry is not in effect by it, nothing
    is moved. `held` is who held the pointer when that was asked last, if it was.

    Raises:
        RegistryError: it was not carried out to the end; the next command does that.
    """
    if journal.in_effect(entry.target) != entry:
        return journal
    with _telling(desk, entry):
        return _carried_out(desk, entry, journal, held)


def settle(desk: Desk) -> tuple[tuple[str, ...], Journal]:
    """Finish every intent that was left without its `done`; what it did, and the journal then.

    One whose version is gone or has other bytes is given up instead, unless the pointer is there
    already; one that no trusted key has signed is given up in any case.

    Raises:
        RegistryError: something is open still; the hint says what.
    """
    notes = []
    journal = desk.journal()
    while unfinished := _unfinished(journal):  # while one is finished, another may be begun
        entry = unfinished[0]
        try:
            note, journal = _settled(desk, entry, journal)
        except RegistryError as error:
            raise _may_be_open(error, open_words(entry)) from error
        notes.append(note)
    return tuple(notes), journal


def open_entries(journal: Journal) -> tuple[str, ...]:
    """What `settle` would take up, in words."""
    return tuple(f"{open_words(entry)} would be finished first" for entry in _unfinished(journal))


def _unfinished(journal: Journal) -> list[Entry]:
    found = [journal.in_effect(target) for target in journal.targets]
    return [entry for entry in found if entry is not None and not journal.is_done(entry)]


def _won(desk: Desk, draft: Entry, seen: Journal) -> tuple[Entry, Journal]:
    """The intent as it was written, and a journal by which it is in effect or was given up."""
    try:
        entry = desk.append(draft, seen)
    except RegistryUnavailable as error:
        raise _may_be_open(error, f"the {draft.kind} of version {draft.version}") from error
    journal = _with_entry(desk, entry, seen)
    placed = journal.placed(entry.number)
    if placed.standing == "lost":
        what = f"{_what(desk, entry)} came too late"
        raise PromotionRefused(what, (_winner(placed, journal),), LOOK_AGAIN)
    return entry, journal


def _since(desk: Desk, entry: Entry, after: Journal) -> tuple[str, ...]:
    """Who came after an entry that was carried out, in words."""
    if after.placed(entry.number).standing == "given up":
        what = f"{_what(desk, entry)} was given up by another's command"
        raise PromotionRefused(what, (), LOOK_AGAIN)
    now = after.in_effect(entry.target)
    if now is None or now == entry:
        return ()
    who = f"#{now.number} by {plain(now.by)}, version {now.version}"
    return (f"it took effect, and was followed at once by {who}",)


def _what(desk: Desk, entry: Entry) -> str:
    return f"{desk.name} version {entry.version}: {entry.kind} to '{entry.target}'"


@contextmanager
def _telling(desk: Desk, entry: Entry) -> Iterator[None]:
    """An error while an entry is carried out says what may be open."""
    try:
        yield
    except RegistryError as error:
        with suppress(RegistryError):  # the write may have happened, and come too late
            _give_way(desk, entry.target, entry.version)
        raise _may_be_open(error, open_words(entry)) from error


def _with_entry(desk: Desk, entry: Entry, seen: Journal) -> Journal:
    """A journal that shows the entry just written.

    A number that follows the newest one seen proves that nobody came between.
    """
    if entry.number == 1 + (0 if seen.head is None else seen.head.number):
        return Journal((*seen.entries, entry))
    try:
        journal = desk.journal()
        if not journal.has(entry.number):
            raise RegistryError(f"{desk.name}: the journal does not show #{entry.number} yet")
    except RegistryError as error:
        raise _may_be_open(error, open_words(entry)) from error
    return journal


def _held_before(desk: Desk, entry: Entry) -> str:
    """Who holds a model of its own, where a move to the same version would add another copy."""
    if desk.kind != "copy":
        return ""
    try:
        return desk.holder(entry.target)
    except RegistryError as error:
        raise _may_be_open(error, open_words(entry)) from error


def _carried_out(desk: Desk, entry: Entry, journal: Journal, held: str) -> Journal:
    """A crash inside the move of a stage leaves two in it, so that is moved again in any case."""
    there = held == entry.version and desk.kind != "stage"
    for _ in range(_TRIES):
        if not there:
            desk.move(entry.target, entry.version)
            held = desk.holder(entry.target)
        if held == entry.version:
            desk.close(entry, "done", journal)  # replay knows if it was given up meanwhile
            break
        journal = desk.journal()
        if journal.in_effect(entry.target) != entry:
            break
    else:
        if not journal.is_done(entry):
            raise RegistryError(
                f"{desk.name}: '{entry.target}' was moved to version {entry.version}, but reads "
                f"{held or 'nobody'}"
            )
    return _give_way(desk, entry.target, entry.version)


def _settled(desk: Desk, entry: Entry, journal: Journal) -> tuple[str, Journal]:
    distrusted = desk.judge.why_not(entry, journal)
    held = desk.holder(entry.target)
    why = distrusted
    if not why and held != entry.version:
        why = desk.unfit(entry, journal)
    if not why:
        return f"finished {open_words(entry)}", carry_out(desk, entry, desk.journal(), held)
    desk.close(entry, "aborted", journal, reason=why)
    # its writer may have moved since; what a forger moved is shown, and left to a person
    after = desk.journal() if distrusted else _give_way(desk, entry.target, entry.version)
    given_up = after.placed(entry.number).standing == "given up"
    verb = "gave up" if given_up else "its writer has closed"
    return f"{verb} {open_words(entry)}: {why}", after


def _give_way(desk: Desk, target: str, mine: str, journal: Journal | None = None) -> Journal:
    """Put the pointer where the journal says if it still stands where this hand put it.

    `journal` was read after that, if it was read already.

    Two hands in one stage may have archived each other's version; nobody is left there then.
    """
    journal = journal or desk.journal()
    while True:
        entry = journal.in_effect(target)
        wanted = "" if entry is None else entry.version
        if wanted == mine:
            return journal
        held = desk.holder(target)
        emptied = desk.kind == "stage" and not held
        if held != mine and not emptied:
            return journal
        if entry is not None and not desk.judge.trusts(entry, journal):
            return journal  # the journal's word is not one to follow
        try:
            desk.move(target, wanted)
        except NotFound:
            return journal  # who held it is gone; `gatekit status` shows the difference
        mine, journal = wanted, desk.journal()


def _winner(lost: Placed, journal: Journal) -> str:
    if not lost.winner:
        return f"the entry it built on, #{lost.entry.expects}, was given up meanwhile"
    won = journal.placed(lost.winner).entry
    return (
        f"lost to #{won.number}: {plain(won.by)} gave '{won.target}' to version {won.version} "
        f"({won.kind}, {shown_time(won.at)})"
    )


def _may_be_open(error: RegistryError, what: str) -> RegistryError:
    if "may be left open" in error.hint:
        return error  # the innermost knows best
    hint = f"{error.hint}. " if error.hint else ""
    return type(error)(
        error.message,
        f"{hint}What may be left open is {what}: see `gatekit status`; the next promote or "
        f"rollback finishes it",
    )
