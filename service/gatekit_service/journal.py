"""What the journal says of the version that is served. It never stands in the service's way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gatekit.promotion.journal import Journal
from gatekit.promotion.requirements import expired

if TYPE_CHECKING:
    from gatekit.registry import Registry
    from gatekit_service.settings import Settings
    from gatekit_service.state import Served

UNPROVED = "unproved holder"


def ask_journal(registry: Registry, settings: Settings, served: Served) -> dict[str, Any]:
    """The keys `journal` and `overrides` of /health; a journal that cannot be read is said so."""
    try:
        journal = Journal.read(registry, settings.model)
        return said_of(journal, settings.stage, served, datetime.now(UTC))
    except Exception as error:  # noqa: BLE001 - whatever it is, the service serves on
        return {"journal": f"not read: {type(error).__name__}", "overrides": []}


def said_of(journal: Journal, stage: str, served: Served, now: datetime) -> dict[str, Any]:
    """Whether journal and served version agree, and the override that it rests on, if one."""
    wanted = stage.lower()  # stages are spelled with a capital, targets of a policy mostly not
    target = next((t for t in journal.targets if t == stage), None) or next(
        (t for t in journal.targets if t.lower() == wanted), stage
    )
    entry = journal.in_effect(target)
    if entry is None:
        return {"journal": f"{UNPROVED}: no entry gave it {stage!r}", "overrides": []}
    if (entry.version, entry.digest) != (served.version, served.digest):
        words = f"{UNPROVED}: #{entry.number} names version {entry.version}"
        if entry.version == served.version:
            words += " with other bytes"
        return {"journal": words, "overrides": []}
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
    revoked = any(e.kind == "revoke" and e.digest == entry.digest for e in journal.entries)
    agrees = f"agrees (#{entry.number})"
    return {"journal": f"{agrees}, but revoked" if revoked else agrees, "overrides": overrides}
