"""Going back: to the newest earlier holder that got there on proof and still has its bytes."""

from __future__ import annotations

from dataclasses import dataclass

from gatekit.attest.keys import PrivateKey
from gatekit.errors import PromotionRefused
from gatekit.policy import Policy
from gatekit.promotion.desk import Desk, Loads
from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.promote import check_policy, check_reason, expected
from gatekit.promotion.protocol import act, act_at_once, settle
from gatekit.promotion.trusted import Judge, revoked_words
from gatekit.promotion.words import listed, plain, shown_time
from gatekit.registry import Registry
from gatekit.times import Clock, utc_now


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """What is asked; without `to` the newest earlier holder on proof is meant.

    `now` takes that one at once, by six requests to the registry, and loads nothing.
    """

    name: str
    target: str
    by: str
    to: str | None = None
    reason: str = ""
    now: bool = False


@dataclass(frozen=True, slots=True)
class Rollback:
    """How it went."""

    name: str
    version: str
    target: str
    before: str
    entry: int
    back_to: Entry
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """What a person wants to read of it."""
        before = f"version {self.before}" if self.before else "nobody"
        back = self.back_to
        proof = f"on {listed(back.reports)}" if back.reports else "on no report"
        if back.overridden:
            proof = f"by an override of {listed(back.overridden)}: {plain(back.reason)}"
        entry = f"(entry #{self.entry}, before: {before})"
        return [
            *self.notes,
            f"{self.name} version {self.version} holds '{self.target}' again {entry}",
            f"  it was promoted by #{back.number}, {shown_time(back.at)}, {proof}",
        ]


def rollback(
    ask: RollbackRequest,
    registry: Registry,
    policy: Policy,
    clock: Clock = utc_now,
    *,
    signer: PrivateKey | None = None,
    loads: Loads | None = None,
) -> Rollback:
    """Give the target back to an earlier holder, and resolve it as a client would.

    `loads` says why the model in a folder cannot be loaded; it is asked before anything moves.

    Raises:
        UsageProblem: the policy is for another model or knows no such target.
        PromotionRefused: there is nothing to go back to, or what there is has changed or cannot
            be loaded, or the key at hand may not promote.
    """
    check_policy(policy, ask.name, ask.target)
    check_reason(ask.reason)
    desk = Desk.of(registry, policy, ask.by, clock, signer)
    desk.require_signer("promote", ask.target, f"{ask.name}: no rollback of '{ask.target}'")
    if ask.now:
        return _at_once(desk, ask)
    notes, journal = settle(desk)
    holder = desk.holder(ask.target)
    chosen, skipped = _choose(desk, journal, ask, holder, loads)
    entry, since = act(desk, _draft(ask, chosen, journal), journal)
    told = (*notes, *skipped, *since)
    return Rollback(ask.name, chosen.version, ask.target, holder, entry.number, chosen, told)


def _draft(ask: RollbackRequest, chosen: Entry, journal: Journal) -> Entry:
    return Entry(
        kind="rollback",
        target=ask.target,
        version=chosen.version,
        digest=chosen.digest,
        expects=expected(journal, ask.target),
        reason=ask.reason,
        reports=chosen.reports,
        overridden=chosen.overridden,
        expires=chosen.expires,
        policy=chosen.policy,
        of=chosen.number,
    )


def _at_once(desk: Desk, ask: RollbackRequest) -> Rollback:
    """A look, the bytes, the entry, the move with a look: one more in a race."""
    journal, holder = desk.look(ask.target)
    ways = ways_back(journal, ask.target, holder, desk.judge)
    what = f"{desk.name}: no rollback of '{ask.target}' at once"
    if not ways:
        raise PromotionRefused(what, _passed_over(journal, ask.target, holder), "Nothing was moved")
    chosen = ways[0]
    if changed := desk.changed(chosen):
        raise PromotionRefused(
            what, (changed,), "Without --now the holders before it are looked at as well"
        )
    entry, notes = act_at_once(desk, _draft(ask, chosen, journal), journal, holder)
    return Rollback(ask.name, chosen.version, ask.target, holder, entry.number, chosen, notes=notes)


def ways_back(
    journal: Journal, target: str, holder: str, judge: Judge | None = None
) -> tuple[Entry, ...]:
    """The promotions on proof that a rollback may go to, best first.

    After a rollback the way goes on from the promotion it went back to, so that two rollbacks in a
    row are two steps back. A pointer that was moved by hand goes back to the proven holder first.
    What no trusted key has signed, what was revoked and what never arrived is no way back.
    """
    judge = judge or Judge()
    current = journal.in_effect(target)
    base = origin(journal, current)
    if base is None or current is None:
        return ()
    if not judge.trusts(current, journal):
        base = current  # where it says it went back to is no word to follow
    return tuple(
        entry
        for entry in journal.effective(target)
        if entry.kind == "promote"
        and entry.number <= base.number
        and entry.version != holder
        and not (entry == current and not journal.is_done(entry))
        and judge.trusts(entry, journal)
        and judge.revocation(entry.digest, journal, entry.target) is None
    )


def origin(journal: Journal, entry: Entry | None) -> Entry | None:
    """The promotion behind an entry: a rollback stands for the one it went back to."""
    known = {each.number: each for each in journal.entries}
    while entry is not None and entry.kind == "rollback" and 0 < entry.of < entry.number:
        entry = known.get(entry.of)
    return entry


def _choose(
    desk: Desk, journal: Journal, ask: RollbackRequest, holder: str, loads: Loads | None
) -> tuple[Entry, tuple[str, ...]]:
    if ask.to is not None:
        return _named(desk, journal, ask, holder, loads), ()
    skipped = list(_not_counted(desk.judge, journal, ask.target, holder))
    for entry in ways_back(journal, ask.target, holder, desk.judge):
        changed = desk.changed(entry, loads)
        if not changed:
            return entry, tuple(skipped)
        words = f"skipped #{entry.number}: {changed}"
        if words not in skipped:
            skipped.append(words)
    raise PromotionRefused(
        f"{desk.name}: there is no earlier holder of '{ask.target}' to go back to",
        (*skipped, *_passed_over(journal, ask.target, holder)),
        "Promote a version on proof, or name an earlier holder with --to VERSION",
    )


def _not_counted(judge: Judge, journal: Journal, target: str, holder: str) -> list[str]:
    """The earlier holders that a rollback leaves out without looking at their bytes."""
    words = []
    for entry in journal.effective(target):
        if entry.kind != "promote" or entry.version == holder:
            continue
        why = judge.why_not(entry, journal)
        revocation = judge.revocation(entry.digest, journal, entry.target)
        if why or revocation:
            why = why or (revoked_words(revocation) if revocation else "")
            words.append(f"skipped #{entry.number}: version {entry.version}: {why}")
    return words


def _passed_over(journal: Journal, target: str, holder: str) -> tuple[str, ...]:
    overridden = [
        f"#{entry.number} gave it to version {entry.version} by an override, which is no proof"
        for entry in journal.effective(target)
        if entry.kind == "override" and entry.version != holder
    ]
    return tuple(overridden) or ("no other version was ever promoted to it on proof",)


def _named(
    desk: Desk, journal: Journal, ask: RollbackRequest, holder: str, loads: Loads | None
) -> Entry:
    what = f"{desk.name}: no rollback of '{ask.target}' to version {ask.to}"
    current = journal.in_effect(ask.target)
    if current is not None and holder == ask.to == current.version:
        raise PromotionRefused(what, ("it holds it now",), "Nothing was written")
    held = [
        e
        for e in journal.effective(ask.target)
        if e.kind != "rollback" and desk.judge.trusts(e, journal)
    ]
    found = next((entry for entry in held if entry.version == ask.to), None)
    if found is None:
        versions = tuple(dict.fromkeys(e.version for e in held if e.version != holder))
        known = f"Earlier holders: {listed(versions)}" if versions else "No version held it before"
        raise PromotionRefused(what, ("it never held it by this journal",), known)
    if revocation := desk.judge.revocation(found.digest, journal, ask.target):
        raise PromotionRefused(what, (revoked_words(revocation),), "No target takes it any more")
    if changed := desk.changed(found, loads):
        raise PromotionRefused(what, (changed,), "What held the pointer then is not there any more")
    return found
