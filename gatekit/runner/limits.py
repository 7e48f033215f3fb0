"""How long and how much a candidate's process may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a candidate's process when it is passed.

    `call_seconds` is the longest silence during a prediction (or during one timed call),
    `load_seconds` during loading, `total_seconds` the time all questions may take together.
    `memory_mb` bounds its own writable memory (RLIMIT_DATA, enforced on Linux) and what it and its
    children hold; None: unbounded. With one of `processes` it cannot start any. `output_kb` is how
    much of the end of its output is kept. `walls` are those without which nothing is loaded;
    `readable` are more folders it may read. `python` is the executable, ours if empty. With `code`,
    a folder that holds gatekit alone, nothing else of ours is imported, and what is installed for
    `python` is looked at only when the walls stand.
    """

    call_seconds: float = 120
    load_seconds: float = 180
    total_seconds: float = 3600
    memory_mb: int | None = None
    processes: int = 1
    open_files: int = 1024
    output_kb: int = 64
    walls: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    python: str = ""
    code: str = ""
