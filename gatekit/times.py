"""The time, as gatekit takes and writes it: UTC, ISO 8601, to the second."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, in UTC; every function that needs the time takes a clock like this one."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """A moment as the journal keeps it: ISO 8601, UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def parse_moment(text: str) -> datetime | None:
    """The moment that `text` names, taken as UTC if it names no zone; None if it is no time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
