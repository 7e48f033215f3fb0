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
from gatekit.policy_gates import BUILT_IN, Gates, GateTable, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGate:
    """[own.NAME]: a team's gate; any further number in the table is a bar of theirs.

    `sums` names measures of means, "metrics.py:cost_per_case", relative to the policy: of a holdout
    that streams they are counted over all rows.
    """

    mode: Mode = "enforce"
    level: float = 0.95
    sums: tuple[str, ...] = ()
    numbers: dict[str, float] = field(default_factory=dict)

    def bars(self) -> dict[str, float]:
        """The bars that are set, by key."""
        return dict(self.numbers)


OWN_SETTINGS = tuple(f.name for f in fields(OwnGate) if f.name != "numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSpec:
    """[data.holdout]: the file the gates read, and what its columns mean."""

    path: str
    target: str
    rev: str = ""  # the git revision whose .dvc file pins the data; empty: the work tree's
    sensitive: tuple[tuple[str, ...], ...] = ()  # as slices
    slices: tuple[tuple[str, ...], ...] = ()  # columns; more than one is a crossing
    sha256: str | None = None
    uses: int | None = None  # how many different candidates may be judged on these labels
    spending: Literal["fixed", "adaptive"] = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSpec:
    """[data.reference] and [data.current]: rows to compare, a file or a folder of Parquet files.

    Labels may be absent; `target` is the holdout's unless said.
    """

    path: str
    target: str | None = None
    rev: str = ""  # as the holdout's
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """[promotion.NAME]: what a pointer asks for before it moves."""

    requires: tuple[str, ...]
    from_: str | None = None
    override: tuple[str, ...] = ()
    first_promotion: Literal["value-gates-only", "refuse"] = "value-gates-only"
    second_person: bool = False
    on_failure: Literal["report", "rollback"] = "report"
    model: str | None = None


Role = Literal["attest", "promote", "override", "revoke"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKey:
    """[keys.NAME]: a key whose word counts, for what, and where.

    `gates` and `targets` narrow it; empty means all. What is dated after `until` (ISO 8601, UTC)
    does not count: so an old key is retired and what it signed in its time stands.
    """

    public: str  # the key in PEM; the file says where it lies
    roles: tuple[Role, ...]
    gates: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """[attestation]: which key signs here, and how long a pass holds.

    The private key is read from the file `key`, relative to the policy, else from the environment
    variable `key_env`. A run whose model could have reached it is not signed, unless
    `accept_unwalled` says in words why that is accepted.
    """

    key: str = ""
    key_env: str = "GATEKIT_SIGNING_KEY"
    valid_days: int = 30
    lock: str = ""  # a lock file whose digest goes into the statement
    accept_unwalled: str = ""


Wall = Literal["secrets", "files", "network", "processes", "signals", "memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerPolicy:
    """[runner]: what a model's process may take, and the walls without which none is loaded.

    Every wall that the machine gives is raised anyway; `walls` makes the lack of one an error.
    """

    call_seconds: float = 120.0
    load_seconds: float = 180.0
    total_seconds: float = 3600.0
    memory_mb: int = 8192
    processes: int = 1
    open_files: int = 1024
    output_kb: int = 64
    walls: tuple[Wall, ...] = ()
    readable: tuple[str, ...] = ()  # more folders, relative to the policy
    trusted: tuple[str, ...] = ()  # what the scan lets pass besides its own list, by full name
    bundle_key: str | None = None  # a public key in PEM, relative to the policy


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamingPolicy:
    """[streaming]: who counts a holdout that is too large to hold, and from how many rows on.

    `engine` is "local", "dask://HOST:PORT" or "spark://HOST:PORT"; where it is set, every holdout
    streams. `processes` are how many of each model predict at once on this machine.
    """

    engine: str = ""
    processes: int = 1
    above_rows: int = 2_000_000
    cache: bool = False  # evidence of the same bytes is kept for the next run


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything gates.toml says, with its defaults filled in."""

    model: str
    holdout: DataSpec
    reference: SampleSpec | None = None  # what the model was trained on
    current: SampleSpec | None = None  # the rows it meets; None: the holdout stands for them
    task: Literal["binary", "multiclass", "regression"] = "binary"
    positive: Any = 1
    score: str = ""  # where the model gives scores: "predict_proba", or a column of its answer
    threshold: float = 0.5  # of a score, from which on a row is said to be positive
    pointer: Literal["alias", "stage", "copy"] = "alias"
    engine: Literal["auto", "native", "pyfunc", "compiled"] = "auto"
    suites: tuple[str, ...] = ()
    gates: Gates = Gates()  # noqa: RUF009 - frozen, so one may stand for all
    own: dict[str, OwnGate] = field(default_factory=dict)
    declared: tuple[str, ...] = ()  # the gate tables that stand in the file
    promotion: dict[str, Target] = field(default_factory=dict)
    keys: dict[str, TrustedKey] = field(default_factory=dict)
    attestation: Attestation = Attestation()
    runner: RunnerPolicy = RunnerPolicy()
    streaming: StreamingPolicy = StreamingPolicy()

    @property
    def digest(self) -> str:
        """sha256 over the canonical JSON of every value in force; the order of tables is none.

        Whom to trust is left out: whoever verifies does so by keys of their own, and a new key
        must not undo what an old one has signed.
        """
        values = {**asdict(self), "declared": sorted(self.declared)}
        del values["keys"], values["attestation"]
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

    def pointer_name(self, target: str) -> str:
        """What the registry calls a target's pointer: where `pointer` is "copy", a model."""
        if self.pointer != "copy":
            return target
        given = self.promotion[target].model if target in self.promotion else None
        return given or f"{self.model}-{target}"

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
        if isinstance(self._table, OwnGate) and key not in OWN_SETTINGS:
            if key not in self._table.numbers:
                raise AttributeError(f"[own.{self._gate}] sets no {key!r}")
            return Bar(self._table.numbers[key], f"{self._gate}.{key}")
        value = getattr(self._table, key)
        bars = {f.name for f in fields(self._table) if f.metadata.get("bar")}
        if key not in bars:
            return value
        return NoBar() if value is None else Bar(value, f"{self._gate}.{key}")
