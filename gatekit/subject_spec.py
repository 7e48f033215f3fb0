"""What a subject is opened with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gatekit.candidate import Candidate
from gatekit.environments.model import ModelEnvironment
from gatekit.scanning.once import Scan
from gatekit.scanning.scan import scan


@dataclass(frozen=True, slots=True)
class SubjectSpec:
    """Which model, by which engine, for which task, and which label is the positive one."""

    candidate: Candidate
    engine: str
    positive: Any = 1
    task: str = "binary"
    score: str = ""  # where the model gives scores; "" where it gives labels or numbers alone
    threshold: float = 0.5
    negative: Any = 0  # what a row below the threshold is labelled
    trusted: tuple[str, ...] = ()  # by the policy, besides what the scan allows anyway
    environment: ModelEnvironment | None = None  # None: ours
    scan: Scan = scan
    forks: bool = False  # whether its processes are forks, of which a second one costs little
