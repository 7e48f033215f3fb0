"""The journal as people and programs read it: who, when, what, from, to, on what proof."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from gatekit.promotion.journal import Journal, Placed
from gatekit.promotion.words import listed, plain, shown_time


def history_lines(journal: Journal) -> list[str]:
    """Two lines for each intent, oldest first; problems of the chain at the end. ASCII."""
    lines: list[str] = []
    for placed in journal.history():
        if placed.entry.is_intent:
            lines += [_what(placed), f"      {_why(placed)}"]
    if not lines:
        lines = ["nothing was ever promoted by this journal"]
    return lines + [f"PROBLEM  {plain(problem)}" for problem in journal.check_chain()]


def history_records(journal: Journal) -> list[dict[str, Any]]:
    """Every entry as plain JSON values, with its standing and the entry a lost one lost to."""
    return [
        {**asdict(p.entry), "standing": p.standing, "lost_to": p.winner, "done": p.done}
        for p in journal.history()
    ]


def _what(placed: Placed) -> str:
    entry = placed.entry
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
    runs = listed(tuple(map(plain, entry.reports)))
    parts.append(f"proof: {runs}" if entry.reports else "no report")
    return "; ".join(parts)
