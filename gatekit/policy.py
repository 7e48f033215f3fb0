"""gates.toml -> a frozen Policy. The bars of a gate live here and nowhere else.

A policy is small on purpose: absent tables have defaults, an unknown key is an error that names the
nearest right one. `digest` covers every value in force, defaults included, so that a policy means
the same wherever its digest is the same.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from gatekit.errors import PolicyError
from gatekit.ledger import Bar, NoBar

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
    schema: SchemaGate = SchemaGate()
    fairness: FairnessGate = FairnessGate()
    robustness: RobustnessGate = RobustnessGate()
    parity: ParityGate = ParityGate()
    staging: StagingGate = StagingGate()
    load: LoadGate = LoadGate()


BUILT_IN = tuple(f.name for f in fields(Gates))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGate:
    """[own.NAME]: a team's gate; any further number in the table is a bar of theirs."""

    mode: Mode = "enforce"
    level: float = 0.95
    numbers: dict[str, float] = field(default_factory=dict)

    def bars(self) -> dict[str, float]:
        """The bars that are set, by key."""
        return dict(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSpec:
    """[data.holdout]: the file the gates read, and what its columns mean."""

    path: str
    target: str
    sensitive: tuple[str, ...] = ()
    slices: tuple[tuple[str, ...], ...] = ()  # columns; more than one is a crossing
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """[promotion.NAME]: what a pointer asks for before it moves."""

    requires: tuple[str, ...]
    from_: str | None = None
    override: tuple[str, ...] = ()
    first_promotion: Literal["value-gates-only", "refuse"] = "value-gates-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything gates.toml says, with its defaults filled in."""

    model: str
    holdout: DataSpec
    task: Literal["binary", "multiclass"] = "binary"
    positive: Any = 1
    pointer: Literal["alias", "stage"] = "alias"
    engine: Literal["auto", "native", "pyfunc"] = "auto"
    suites: tuple[str, ...] = ()
    gates: Gates = Gates()
    own: dict[str, OwnGate] = field(default_factory=dict)
    declared: tuple[str, ...] = ()  # the gate tables that stand in the file
    promotion: dict[str, Target] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """sha256 over the canonical JSON of every value in force; the order of tables is none."""
        values = {**asdict(self), "declared": sorted(self.declared)}
        canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(canonical.encode()).hexdigest()

    def table(self, gate: str) -> GateTable | OwnGate:
        """The table of a gate; a gate without one has the defaults."""
        if gate in BUILT_IN:
            table: GateTable = getattr(self.gates, gate)
            return table
        return self.own.get(gate, OwnGate())

    def bars(self, gate: str) -> dict[str, float]:
        """The bars in force for a gate, by their full key (`accuracy.floor`)."""
        return {f"{gate}.{key}": value for key, value in self.table(gate).bars().items()}

    def target(self, name: str) -> Target:
        """The promotion target of that name.

        Raises:
            PolicyError: the policy knows no such target.
        """
        if name not in self.promotion:
            known = ", ".join(self.promotion) or "none"
            raise PolicyError(
                f"the policy has no [promotion.{name}]", f"It knows these targets: {known}"
            )
        return self.promotion[name]

    @property
    def face(self) -> PolicyFace:
        """What a suite sees as `gate.policy`."""
        return PolicyFace(self)


class PolicyFace:
    """`gate.policy.accuracy.floor`: bars that remember their key."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def __getattr__(self, gate: str) -> TableFace:
        if gate in BUILT_IN or gate in self._policy.own:
            return TableFace(gate, self._policy.table(gate))
        if gate == "own":
            raise AttributeError("write gate.policy.NAME, without `own`")
        raise AttributeError(
            f"the policy has no gate {gate!r}; a team's own is declared as [own.{gate}]"
        )


class TableFace:
    """One gate's settings; a bar comes as a `Bar`, anything else as it is."""

    def __init__(self, gate: str, table: GateTable | OwnGate) -> None:
        self._gate = gate
        self._table = table

    def __getattr__(self, key: str) -> Any:
        if isinstance(self._table, OwnGate) and key not in ("mode", "level"):
            if key not in self._table.numbers:
                raise AttributeError(f"[own.{self._gate}] sets no {key!r}")
            return Bar(self._table.numbers[key], f"{self._gate}.{key}")
        value = getattr(self._table, key)
        bars = {f.name for f in fields(self._table) if f.metadata.get("bar")}
        if key not in bars:
            return value
        return NoBar() if value is None else Bar(value, f"{self._gate}.{key}")
