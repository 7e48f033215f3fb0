"""How long and how much a candidate's process may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a candidate's process when it is passed.

    `call_seconds` is the longest silence during a prediction (or during one timed call),
    `load_seconds` during loading. `stderr_kb` is how much of the end of its output is kept.
    `memory_mb` bounds its own writable memory (RLIMIT_DATA, enforced on Linux); None: unbounded.
    """

    call_seconds: float = 120
    load_seconds: float = 180
    stderr_kb: int = 64
    memory_mb: int | None = None
