"""The [gates.NAME] tables of a policy: one dataclass each, its bars and its settings."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

Mode = Literal["enforce", "observe"]
SERVICE_GATES = ("staging", "load")  # measured on a running service, so part of the ladder


def _bar(default: float | None = None, *, tighter: Literal["up", "down"]) -> Any:
    return field(default=default, metadata={"bar": True, "tighter": tighter})


def _setting(default: Any, *, tighter: Literal["up", "down"] | None = None) -> Any:
    return field(default=default, metadata={"tighter": tighter} if tighter else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTable:
    """What every [gates.NAME] table understands."""

    mode: Mode = "enforce"
    level: float = _setting(0.95, tighter="up")

    def bars(self) -> dict[str, float]:
        """The bars that are set, by key."""
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.metadata.get("bar") and getattr(self, f.name) is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyGate(GateTable):
    """Floors on measures of labels, and how much accuracy may be lost to the champion (paired)."""

    floor: float | None = _bar(tighter="up")
    tolerated_loss: float | None = _bar(tighter="down")
    balanced_accuracy: float | None = _bar(tighter="up")
    precision: float | None = _bar(tighter="up")
    recall: float | None = _bar(tighter="up")
    specificity: float | None = _bar(tighter="up")
    f1: float | None = _bar(tighter="up")
    mcc: float | None = _bar(tighter="up")
    slice_floor: float | None = _bar(tighter="up")
    slice_support: int = _setting(30, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyGate(GateTable):
    """Milliseconds for one row, in the candidate's own process, on the engine that serves."""

    p50_ms: float | None = _bar(tighter="down")
    p99_ms: float | None = _bar(tighter="down")
    calls: int = _setting(1000, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGate(GateTable):
    """Megabytes that the candidate's process holds, and kilobytes that 1000 calls add."""

    load_mb: float | None = _bar(tighter="down")
    peak_mb: float | None = _bar(tighter="down")
    growth_kb: float | None = _bar(tighter="down")
    calls: int = _setting(4000, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaGate(GateTable):
    """Rows generated from the signature; how many may break a promise."""

    violations: float | None = _bar(0.0, tighter="down")
    examples: int = _setting(100, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessGate(GateTable):
    """Largest gaps between groups, and the smallest ratio of selection rates."""

    demographic_parity_difference: float | None = _bar(tighter="down")
    equal_opportunity_difference: float | None = _bar(tighter="down")
    equalized_odds_difference: float | None = _bar(tighter="down")
    selection_rate_ratio: float | None = _bar(tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessGate(GateTable):
    """Noise of `spread` (a share of each column's standard deviation) added to every number."""

    noise_floor: float | None = _bar(tighter="up")
    stability: float | None = _bar(tighter="up")
    spread: float = _setting(0.1, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityGate(GateTable):
    """How many holdout rows the serving engine may answer unlike pyfunc."""

    disagreements: float | None = _bar(0.0, tighter="down")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingGate(GateTable):
    """The live service: wrong answers, broken contract, milliseconds over HTTP."""

    disagreements: float | None = _bar(0.0, tighter="down")
    violations: float | None = _bar(0.0, tighter="down")
    p99_ms: float | None = _bar(tighter="down")
    calls: int = _setting(400, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadGate(GateTable):
    """Locust users for some seconds against the live service."""

    p99_ms: float | None = _bar(tighter="down")
    error_rate: float | None = _bar(tighter="down")
    users: int = _setting(4, tighter="up")
    seconds: float = _setting(8.0, tighter="up")
    requests_per_second: float = _setting(50.0, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The [gates] tables."""

    accuracy: AccuracyGate = AccuracyGate()
    latency: LatencyGate = LatencyGate()
    memory: MemoryGate = MemoryGate()
    schema: SchemaGate = SchemaGate()
    fairness: FairnessGate = FairnessGate()
    robustness: RobustnessGate = RobustnessGate()
    parity: ParityGate = ParityGate()
    staging: StagingGate = StagingGate()
    load: LoadGate = LoadGate()


BUILT_IN = tuple(f.name for f in fields(Gates))
