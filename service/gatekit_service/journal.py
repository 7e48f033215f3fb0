"""What the journal says of the version that is served. It never stands in the service's way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gatekit.promotion.journal import Entry, Journal
from gatekit.promotion.requirements import expired
from gatekit.promotion.trusted import NOT_TRUSTED, Judge

if TYPE_CHECKING:
    from gatekit.registry import Registry
    from gatekit_service.looking import Held
    from gatekit_service.settings import Settings

UNPROVED = "unproved holder"
PATIENCE_S = 5.0
NOBODY = Judge()  # without keys every entry counts


class JournalPoll:
    """Asks in a thread of its own, so that a journal that does not answer holds up no swap."""

    def __init__(self, ask: Callable[[Held], dict[str, Any]]) -> None:
        self._ask = ask
        self._thread: threading.Thread | None = None

    def said(self, served: Held) -> dict[str, Any]:
        """What the journal says, or that it did not within `PATIENCE_S`.

        While an earlier question is open, no other is put.
        """
        answer: list[dict[str, Any]] = []
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=lambda: answer.append(self._ask(served)), name="gatekit-journal", daemon=True
            )
            self._thread.start()
            self._thread.join(PATIENCE_S)
        if answer:
            return answer[0]
        return {"journal": f"not read: no answer within {PATIENCE_S:g} s", "overrides": []}


def ask_journal(
    registry: Registry, settings: Settings, served: Held, judge: Judge = NOBODY
) -> dict[str, Any]:
    """The keys `journal` and `overrides` of /health; a journal that cannot be read is said so."""
    try:
        journal = Journal.read(registry, settings.model)
        said = said_of(journal, settings.stage, served, datetime.now(UTC), judge)
        return {**said, "pointers": pointers_of(journal)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the service serves on
        return {"journal": f"not read: {type(error).__name__}", "overrides": []}


def entry_in_effect(journal: Journal, stage: str) -> Entry | None:
    """The entry that gave the pointer to its holder, if one did."""
    wanted = stage.lower()  # stages are spelled with a capital, targets of a policy mostly not
    target = next((t for t in journal.targets if t == stage), None) or next(
        (t for t in journal.targets if t.lower() == wanted), stage
    )
    return journal.in_effect(target)


def pointers_of(journal: Journal) -> list[dict[str, str]]:
    """Who holds each pointer by the journal: its name, the version, since when, by whom."""
    entries = [(target, journal.in_effect(target)) for target in journal.targets]
    return [
        {"pointer": target, "version": e.version, "since": e.at, "by": e.by, "how": e.kind}
        for target, e in entries
        if e is not None
    ]


def said_of(
    journal: Journal, stage: str, served: Held, now: datetime, judge: Judge = NOBODY
) -> dict[str, Any]:
    """Whether journal and served version agree, and the override that it rests on, if one."""
    entry = entry_in_effect(journal, stage)
    if entry is None:
        return {"journal": f"{UNPROVED}: no entry gave it {stage!r}", "overrides": []}
    if (entry.version, entry.digest) != (served.version, served.digest):
        words = f"{UNPROVED}: #{entry.number} names version {entry.version}"
        if entry.version == served.version:
            words += " with other bytes"
        return {"journal": words, "overrides": []}
    if why := judge.why_not(entry, journal):
        return {"journal": f"{UNPROVED}: #{entry.number} is {NOT_TRUSTED}: {why}", "overrides": []}
    overrides = []
    if entry.overridden:
        state = "expired" if expired(entry, now) else "in force"
        overrides.append(
            {
                "gates": list(entry.overridden),
                "reason": entry.reason,
                "expires": entry.expires,
                "state": state,
            }
        )
    revoked = judge.revocation(entry.digest, journal, entry.target) is not None
    agrees = f"agrees (#{entry.number})"
    return {"journal": f"{agrees}, but revoked" if revoked else agrees, "overrides": overrides}
