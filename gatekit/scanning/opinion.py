"""A second opinion: picklescan's list of what is known to be dangerous, where it is installed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from gatekit.scanning.finding import Finding


def is_there() -> bool:
    """Whether picklescan is installed."""
    return find_spec("picklescan") is not None


def second_opinion(path: Path, file: str, trusted: frozenset[str]) -> Iterator[Finding]:
    """What picklescan calls dangerous in a file; what it cannot read is judged without it."""
    if not is_there():
        return
    from picklescan.scanner import SafetyLevel, scan_file_path

    log = logging.getLogger("picklescan")
    level = log.level
    log.setLevel(logging.CRITICAL)  # it logs what it cannot read, which is most of a model
    try:
        found = scan_file_path(str(path)).globals
    except Exception:  # noqa: BLE001 - a second opinion that fails is none
        return
    finally:
        log.setLevel(level)
    for each in found:
        dotted = f"{each.module}.{each.name}"
        if each.safety is SafetyLevel.Dangerous and dotted not in trusted:
            yield Finding(file, dotted, f"picklescan calls {dotted} dangerous")
