"""The journal as people and programs read it: who, when, what, from, to, on what proof."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from gatekit.promotion.journal import Entry, Journal, Placed
from gatekit.promotion.requirements import expired
from gatekit.promotion.trusted import NOT_TRUSTED, ROLES, Judge
from gatekit.promotion.words import listed, plain, shown_digest, shown_time
from gatekit.times import parse_moment


def history_lines(
    journal: Journal, judge: Judge | None = None, now: datetime | None = None
) -> list[str]:
    """Two lines for each intent, oldest first; problems of the chain at the end. ASCII.

    With a judge each entry that no trusted key has signed is marked; with `now` an override in
    effect whose time is over.
    """
    judge = judge or Judge()
    lines: list[str] = []
    for placed in journal.history():
        if placed.entry.is_intent or placed.entry.kind == "revoke":
            lines += [_what(placed), f"      {_why(placed)}"]
            if why := judge.why_not(placed.entry, journal):
                lines.append(f"      {NOT_TRUSTED}: {why}")
            if _is_over(placed, now):
                lines.append(f"      OVERRIDE EXPIRED {shown_time(placed.entry.expires)}")
    if not lines:
        lines = ["nothing was ever promoted by this journal"]
    return lines + problem_lines(journal)


def history_records(
    journal: Journal, judge: Judge | None = None, now: datetime | None = None
) -> list[dict[str, Any]]:
    """Every entry as plain JSON values, with its standing and the entry a lost one lost to.

    `trusted` is null where nothing was judged: no trusted keys, or an entry that nobody signs.
    `expired` says that an entry in effect rests on an override whose time is over by `now`.
    """
    judge = judge or Judge()
    return [
        {
            **asdict(p.entry),
            "standing": p.standing,
            "lost_to": p.winner,
            "done": p.done,
            "expired": _is_over(p, now),
            **_trust_of(p.entry, journal, judge),
        }
        for p in journal.history()
    ]


def problem_lines(journal: Journal) -> list[str]:
    """Where the journal contradicts itself, a line each."""
    return [f"PROBLEM  {plain(problem)}" for problem in journal.check_chain()]


def _is_over(placed: Placed, now: datetime | None) -> bool:
    return now is not None and placed.standing == "in effect" and expired(placed.entry, now)


def _trust_of(entry: Entry, journal: Journal, judge: Judge) -> dict[str, Any]:
    if not judge.trust:
        return {"trusted": None, "untrusted_why": "no policy with keys to judge it by"}
    if entry.kind not in ROLES:
        return {"trusted": None, "untrusted_why": f"an entry of kind {entry.kind} is not signed"}
    why = judge.why_not(entry, journal)
    return {"trusted": not why, "untrusted_why": why}


def served_at(journal: Journal, moment: datetime, judge: Judge | None = None) -> list[str]:
    """What each target served at a moment, by the journal as it stood then.

    With a judge, a holder by an entry that no trusted key has signed is marked.
    """
    judge = judge or Judge()
    known = [(entry, parse_moment(entry.at)) for entry in journal.entries]
    then = Journal(tuple(entry for entry, at in known if at is not None and at <= moment))
    lines = []
    for target in then.targets:
        entry = then.in_effect(target)
        held = "nobody"
        if entry is not None:
            held = f"version {plain(entry.version)} (#{entry.number}, {entry.kind} by "
            held += f"{plain(entry.by)}, {shown_time(entry.at)}; {shown_digest(entry.digest)})"
            if not then.is_done(entry):
                held += ", on the way there"
            if why := judge.why_not(entry, journal):
                held += f", {NOT_TRUSTED}: {why}"
        lines.append(f"{plain(target)}: {held}")
    lines = lines or [f"nothing was promoted by this journal before {shown_time(moment)}"]
    return lines + problem_lines(journal)


def _what(placed: Placed) -> str:
    entry = placed.entry
    if entry.kind == "revoke":
        return (
            f"#{entry.number:<4} {shown_time(entry.at)}  {plain(entry.by)}  revoke  version "
            f"{plain(entry.version)} ({shown_digest(entry.digest)})"
        )
    move = f"{placed.before or 'nobody'} -> {entry.version}"
    line = (
        f"#{entry.number:<4} {shown_time(entry.at)}  {plain(entry.by)}  {entry.kind}  "
        f"{plain(entry.target)}: {plain(move)}"
    )
    return line + _standing(placed)


def _standing(placed: Placed) -> str:
    if placed.standing == "lost":
        if placed.winner:
            return f"  lost to #{placed.winner}"
        return f"  lost: #{placed.entry.expects} was given up before"
    if placed.standing == "given up":
        return "  given up"
    if not placed.done:
        return "  UNFINISHED"
    return "  (in effect)" if placed.standing == "in effect" else ""


def _why(placed: Placed) -> str:
    entry = placed.entry
    parts = []
    if entry.overridden:
        gates = listed(tuple(map(plain, entry.overridden)))
        parts.append(f"override of {gates} until {shown_time(entry.expires)}")
    if entry.reason:
        parts.append(plain(entry.reason))
    if entry.kind == "rollback":
        parts.append(f"back to #{entry.of}")
    if entry.kind == "revoke":
        return "; ".join(parts)
    runs = listed(tuple(map(plain, entry.reports)))
    parts.append(f"proof: {runs}" if entry.reports else "no report")
    return "; ".join(parts)
