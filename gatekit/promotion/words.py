"""How promotion writes times, digests and other people's text, in ASCII for one terminal line."""

from __future__ import annotations

from datetime import UTC, datetime

from gatekit.times import parse_moment


def shown_time(moment: datetime | str) -> str:
    """`2026-11-23 12:03 UTC`; text that is no time is shown as it is."""
    parsed = parse_moment(moment) if isinstance(moment, str) else moment.astimezone(UTC)
    return plain(str(moment)) if parsed is None else parsed.strftime("%Y-%m-%d %H:%M UTC")


def shown_digest(digest: str) -> str:
    """`sha256:9f3c52ab10de`: enough of a digest to tell it from another."""
    return f"sha256:{plain(digest)[:12]}"


def plain(text: str) -> str:
    """`text` in printable ASCII on one line; what a terminal might obey is escaped."""
    one_line = " ".join(text.split())
    return "".join(
        char if " " <= char <= "~" else char.encode("unicode_escape").decode() for char in one_line
    )


def listed(names: tuple[str, ...] | list[str]) -> str:
    """`a, b and c`."""
    if len(names) < 2:  # noqa: PLR2004 - two names are the first to need an `and`
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
