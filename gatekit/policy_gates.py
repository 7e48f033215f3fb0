"""The [gates.NAME] tables of a policy: one dataclass each, its bars and its settings."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

Mode = Literal["enforce", "observe"]
SERVICE_GATES = ("staging", "load")  # measured on a running service, so part of the ladder
LABEL_GATES = ("accuracy", "fairness", "robustness")  # what they ask uses up the holdout's labels


Expected = Literal["any", "answer", "refuse"]  # of a model: "any" is one of the other two
Of = Literal["anything", "labels", "scores", "scores of two classes", "numbers"]


def _bar(
    default: float | None = None, *, tighter: Literal["up", "down"], of: Of = "anything"
) -> Any:
    return field(default=default, metadata={"bar": True, "tighter": tighter, "of": of})


def _setting(default: Any, *, tighter: Literal["up", "down"]) -> Any:
    return field(default=default, metadata={"tighter": tighter})


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
    """Bars on measures of labels, scores or numbers, and on what is lost to the champion (paired).

    `tolerated_loss` and `gain` are of accuracy, for a regression of the mean absolute error.
    """

    floor: float | None = _bar(tighter="up", of="labels")
    tolerated_loss: float | None = _bar(tighter="down")
    gain: float | None = _bar(tighter="up")
    balanced_accuracy: float | None = _bar(tighter="up", of="labels")
    precision: float | None = _bar(tighter="up", of="labels")
    recall: float | None = _bar(tighter="up", of="labels")
    specificity: float | None = _bar(tighter="up", of="labels")
    f1: float | None = _bar(tighter="up", of="labels")
    mcc: float | None = _bar(tighter="up", of="labels")
    log_loss: float | None = _bar(tighter="down", of="scores")
    brier: float | None = _bar(tighter="down", of="scores")
    auc: float | None = _bar(tighter="up", of="scores of two classes")
    average_precision: float | None = _bar(tighter="up", of="scores of two classes")
    calibration_error: float | None = _bar(tighter="down", of="scores")
    auc_loss: float | None = _bar(tighter="down", of="scores of two classes")
    log_loss_rise: float | None = _bar(tighter="down", of="scores")
    mae: float | None = _bar(tighter="down", of="numbers")
    rmse: float | None = _bar(tighter="down", of="numbers")
    r2: float | None = _bar(tighter="up", of="numbers")
    quantile_loss: float | None = _bar(tighter="down", of="numbers")
    bias: float | None = _bar(tighter="down", of="numbers")
    rmse_rise: float | None = _bar(tighter="down", of="numbers")
    quantile: float = _setting(0.5, tighter="up")
    slice_floor: float | None = _bar(tighter="up", of="labels")
    slice_loss: float | None = _bar(tighter="down", of="labels")
    slice_support: int = _setting(30, tighter="up")
    segment_floor: float | None = _bar(tighter="up", of="labels")
    segment_support: int = _setting(100, tighter="up")
    weak_segments: bool = _setting(default=False, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyGate(GateTable):
    """Milliseconds for one row and for batches, in the model's process, on the engine that serves.

    Batches, the slowest row, loading and the champion are timed only where a bar asks for it.
    """

    p50_ms: float | None = _bar(tighter="down")
    p95_ms: float | None = _bar(tighter="down")
    p99_ms: float | None = _bar(tighter="down")
    p999_ms: float | None = _bar(tighter="down")
    slowest_row_ms: float | None = _bar(tighter="down")
    champion_ratio: float | None = _bar(tighter="down")
    batch_p50_ms: float | None = _bar(tighter="down")
    batch_p95_ms: float | None = _bar(tighter="down")
    batch_p99_ms: float | None = _bar(tighter="down")
    rows_per_second: float | None = _bar(tighter="up")
    load_seconds: float | None = _bar(tighter="down")
    calls: int = _setting(1000, tighter="up")
    batch_rows: int = 100  # another batch is another question
    batch_calls: int = _setting(300, tighter="up")
    loads: int = _setting(5, tighter="up")


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
    unseen: Expected = "any"
    null: Expected = "any"
    probabilities: bool = _setting(default=True, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyGate(GateTable):
    """How many reasons may speak against loading the model's files; any one stops the runner."""

    findings: float | None = _bar(0.0, tighter="down")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentGate(GateTable):
    """How many declared packages may be missing, or be there in another version."""

    missing: float | None = _bar(0.0, tighter="down")
    drift: float | None = _bar(tighter="down")


@dataclass(frozen=True, slots=True, kw_only=True)
class FairnessGate(GateTable):
    """Largest gaps between groups, and smallest ratios."""

    demographic_parity_difference: float | None = _bar(tighter="down", of="labels")
    selection_rate_ratio: float | None = _bar(tighter="up", of="labels")
    equal_opportunity_difference: float | None = _bar(tighter="down", of="labels")
    equal_opportunity_ratio: float | None = _bar(tighter="up", of="labels")
    equalized_odds_difference: float | None = _bar(tighter="down", of="labels")
    equalized_odds_ratio: float | None = _bar(tighter="up", of="labels")
    predictive_parity_difference: float | None = _bar(tighter="down", of="labels")
    predictive_parity_ratio: float | None = _bar(tighter="up", of="labels")
    calibration_difference: float | None = _bar(tighter="down", of="scores of two classes")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRule:
    """[gates.robustness.columns.NAME]: what an attack may do to a column.

    Without one a number stays within the range that the holdout has, and a word among its words.
    """

    immutable: bool = False
    min: float | None = None
    max: float | None = None
    monotone: Literal["", "rise", "fall"] = ""  # may only rise, may only fall
    category: bool = False  # whole numbers that are codes: one of those seen
    cost: float = 1.0  # of a changed category, in spreads


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """[gates.robustness.expect.NAME]: what the label does when a column is changed.

    `change` is added to a number (one standard deviation where it is not said); any other column
    gets another of its values. `tolerated` is the largest share of rows that may break it. `of`
    says what is looked at, and `within` by how much a score or a number may go astray unpunished.
    """

    kind: Literal["invariant", "increasing", "decreasing"]
    column: str
    change: float | None = None
    tolerated: float = 0.0
    of: Literal["labels", "scores"] = "labels"
    within: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessGate(GateTable):
    """Damaged rows, expectations, and an attack. Noise is a share of each column's deviation."""

    noise_floor: float | None = _bar(tighter="up", of="labels")
    stability: float | None = _bar(tighter="up", of="labels")
    spread: float = _setting(0.1, tighter="up")
    missing_floor: float | None = _bar(tighter="up", of="labels")
    outlier_floor: float | None = _bar(tighter="up", of="labels")
    unit_slip_floor: float | None = _bar(tighter="up", of="labels")
    category_floor: float | None = _bar(tighter="up", of="labels")
    order_violations: float | None = _bar(tighter="down")
    corrupted_rows: int = _setting(2000, tighter="up")
    robust_floor: float | None = _bar(tighter="up", of="labels")
    median_distance: float | None = _bar(tighter="up", of="labels")
    distance_loss: float | None = _bar(tighter="down", of="labels")
    epsilon: float = _setting(0.25, tighter="up")
    attack_rows: int = _setting(200, tighter="up")
    attack_queries: int = _setting(1000, tighter="up")
    columns: dict[str, ColumnRule] = field(default_factory=dict, metadata={"tables": ColumnRule})
    expect: dict[str, Expectation] = field(default_factory=dict, metadata={"tables": Expectation})

    def bars(self) -> dict[str, float]:
        """The bars that are set; each expectation is one of its own."""
        # super() without arguments does not know a class that slots made anew
        told = {f"expect.{name}": e.tolerated for name, e in self.expect.items()}
        return {**GateTable.bars(self), **told}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftGate(GateTable):
    """How far rows may lie from those the model was trained on, and how many may be among them."""

    psi: float | None = _bar(tighter="down")
    ks: float | None = _bar(tighter="down")
    wasserstein: float | None = _bar(tighter="down")
    cramers_v: float | None = _bar(tighter="down")
    joint_auc: float | None = _bar(tighter="down")
    joint_rows: int = _setting(5000, tighter="up")
    prediction_drift: float | None = _bar(tighter="down")
    label_drift: float | None = _bar(tighter="down")
    leaked_inputs: float | None = _bar(tighter="down")
    leaked_rows: float | None = _bar(tighter="down")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityGate(GateTable):
    """How many holdout rows the serving engine may answer unlike pyfunc, and what unlike means."""

    disagreements: float | None = _bar(0.0, tighter="down")
    score_tolerance: float = _setting(1e-9, tighter="down")


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingGate(GateTable):
    """The live service: wrong answers, broken contract, milliseconds over HTTP."""

    disagreements: float | None = _bar(0.0, tighter="down")
    violations: float | None = _bar(0.0, tighter="down")
    fuzz_failures: float | None = _bar(tighter="down")
    first_ms: float | None = _bar(tighter="down")
    p99_ms: float | None = _bar(tighter="down")
    calls: int = _setting(400, tighter="up")
    fuzz_examples: int = _setting(50, tighter="up")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadGate(GateTable):
    """Locust users for some seconds against the live service."""

    p99_ms: float | None = _bar(tighter="down")
    error_rate: float | None = _bar(tighter="down")
    throughput: float | None = _bar(tighter="up")
    memory_mb: float | None = _bar(tighter="down")
    users: int = _setting(4, tighter="up")
    seconds: float = _setting(8.0, tighter="up")
    requests_per_second: float = _setting(50.0, tighter="up")
    rows_per_request: int = _setting(1, tighter="up")
    shape: Literal["steady", "step", "spike"] = "steady"
    processes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The [gates] tables."""

    accuracy: AccuracyGate = AccuracyGate()
    latency: LatencyGate = LatencyGate()
    memory: MemoryGate = MemoryGate()
    schema: SchemaGate = SchemaGate()
    safety: SafetyGate = SafetyGate()
    environment: EnvironmentGate = EnvironmentGate()
    fairness: FairnessGate = FairnessGate()
    robustness: RobustnessGate = RobustnessGate()
    drift: DriftGate = DriftGate()
    parity: ParityGate = ParityGate()
    staging: StagingGate = StagingGate()
    load: LoadGate = LoadGate()


BUILT_IN = tuple(f.name for f in fields(Gates))
