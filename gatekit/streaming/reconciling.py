"""What an engine handed back against what the files' metadata tell: each part once, no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gatekit.errors import DataError
from gatekit.evidence.whole import Evidence
from gatekit.parts import Part
from gatekit.streaming.task import Counted

AGAIN = "Run again; if it stays so, the files change while they are read"


def reconciled(parts: Sequence[Part], counted: Iterable[Counted]) -> Evidence:
    """The evidence of all parts, merged as it comes.

    Raises:
        DataError: a part is missing, came twice, was never asked for, or has other rows than its
            file says.
    """
    wanted = {part.id: part.rows for part in parts}
    seen: set[str] = set()
    found: Evidence | None = None
    for each in counted:
        for name, rows in each.parts:
            if name not in wanted:
                raise DataError(f"{name} was counted and is no part of the holdout", AGAIN)
            if name in seen:
                raise DataError(f"{name} was counted twice", AGAIN)
            if rows != wanted[name]:
                raise DataError(
                    f"{name} has {wanted[name]:,} rows by its metadata, and {rows:,} were counted",
                    AGAIN,
                )
            seen.add(name)
        told = sum(rows for _, rows in each.parts)
        if each.evidence.rows != told:
            raise DataError(
                f"evidence of {each.evidence.rows:,} rows came for parts of {told:,}", AGAIN
            )
        found = each.evidence if found is None else found.merge(each.evidence)
    missing = [name for name in wanted if name not in seen]
    if missing or found is None:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        named = f"{missing[0]}{more}" if missing else "every part"
        raise DataError(f"{named} of {len(wanted):,} parts was not counted", AGAIN)
    return found
