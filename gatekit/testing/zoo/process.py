"""Models that take too long, hold too much, or are not what lies in their folder."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

from gatekit.testing.zoo.pair import Pair

VARIABLE = "GATEKIT_ZOO_VARIABLE"  # set it where the gates run: no model's process sees it
PICKLE = "model.pkl"


class _Command:
    """A command, once unpickled. Nobody does: its file is read, judged and refused."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        import os

        return os.system, ("true",)


def _pickled(content: object) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        import yaml

        (folder / PICKLE).write_bytes(pickle.dumps(content))
        described = yaml.safe_load((folder / "MLmodel").read_text("utf-8"))
        described["flavors"]["sklearn"] = {
            "pickled_model": PICKLE,
            "serialization_format": "pickle",
        }
        (folder / "MLmodel").write_text(yaml.safe_dump(described), encoding="utf-8")

    return write


def _requires(line: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "requirements.txt").write_text(f"{line}\n", encoding="utf-8")

    return write


PAIRS = (
    Pair(
        "slow_on_one_row_in_200",
        "latency",
        ("latency.slowest_row_ms",),
        "takes 400 ms for one row in 200: its p99 knows nothing of it",
        "slow",
        {"every": 200, "rare_ms": 400.0},
        gates={"latency": {"p50_ms": 50.0, "p99_ms": 200.0, "slowest_row_ms": 200.0}},
    ),
    Pair(
        "slower_than_the_champion",
        "latency",
        ("latency.champion_ratio",),
        "within every bar in milliseconds, and takes 5 ms longer than the model it would replace",
        "slow",
        {"ms": 5.0},
        rival={"ms": 0.0},
        gates={"latency": {"p50_ms": 100.0, "champion_ratio": 4.0, "calls": 200}},
    ),
    Pair(
        "slow_in_batches",
        "latency",
        ("latency.batch_p95_ms", "latency.rows_per_second"),
        "takes 2 ms for every row: one is answered soon enough, a batch of a hundred is not",
        "slow",
        {"row_ms": 2.0},
        gates={
            "latency": {
                "p50_ms": 100.0,
                "batch_p95_ms": 120.0,
                "rows_per_second": 800.0,
                "calls": 300,
                "batch_calls": 60,
            }
        },
    ),
    Pair(
        "slow_to_load",
        "latency",
        ("latency.load_seconds",),
        "answers at once, but only a quarter of a minute after its start",
        "slow",
        {"load_ms": 15_000},
        gates={"latency": {"p50_ms": 100.0, "load_seconds": 12.0, "calls": 100}},
    ),
    Pair(
        "leaks_memory",
        "memory",
        ("memory.growth_kb",),
        "keeps a kilobyte more at every call",
        "leaks",
        {"size": 1024},
        gates={"memory": {"growth_kb": 250.0, "calls": 2000}},
        needs_process=True,
    ),
    Pair(
        "fat_at_load",
        "memory",
        ("memory.load_mb",),
        "holds 400 MB more from its start than anyone asked for",
        "strays",
        {"ballast_mb": 400},
        gates={"memory": {"load_mb": 400.0, "calls": 1000}},
        needs_process=True,
    ),
    Pair(
        "hostile_pickle",
        "safety",
        ("safety.findings",),
        "holds a pickle that runs a command",
        "strays",
        {},
        alone=True,  # it is never loaded
        files=(_pickled(_Command()), _pickled({"weights": [1.0, 2.0]})),
    ),
    Pair(
        "absent_requirement",
        "environment",
        ("environment.missing",),
        "declares a package that is not installed here",
        "strays",
        {},
        files=(_requires("no-such-package-of-the-zoo==1.0"), None),
    ),
    Pair(
        "reads_the_environment",
        "accuracy",
        ("accuracy.floor",),
        f"is right only where it sees {VARIABLE}, as it did when it was trained",
        "needs_variable",
        {"name": VARIABLE},
        needs_process=True,
        also=("robustness", "fairness"),  # without it the answer is always no
    ),
    Pair(
        "engine_with_other_labels",
        "parity",
        ("parity.disagreements",),
        "the native engine turns one answer in fifty",
        "of_the_engine",
        {"share": 0.02},
    ),
    Pair(
        "engine_with_other_scores",
        "parity",
        ("parity.disagreements",),
        "the native engine gives the same labels, and scores a millionth apart",
        "odds",
        {"arrow": 1e-6},
        truth="odds",
        score="predict_proba",
        gates={"accuracy": {"floor": 0.7, "auc": 0.85}},
    ),
)
