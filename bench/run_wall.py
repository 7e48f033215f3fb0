"""What a whole offline run takes, against the least that could be done and what MLflow offers.

    python bench/run_wall.py [ROUNDS]

The churn example's boosted model from an embedded registry. Each side is a process of its own,
free to use both cores; sides alternate, medians of wall time count. A first round warms the caches.

- floor: imports mlflow, loads the model by `models:/churn-model/2` and predicts the 400 rows
- evaluate: `mlflow.models.evaluate` and `validate_evaluation_results` on the same, no explainer
- run: all offline suites that the example's policy names
- run with a champion: the same, and the logistic model to beat

CPU time, of a process and all that it started, stands beside: on a busy machine it is the steadier
figure. Last comes the import time of our own modules in a pytest run that does not use them.
"""

from __future__ import annotations

import re
import resource
import statistics
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from project import CHAMPION, GATES, called, make_project

LOADING = """
import warnings; warnings.filterwarnings("ignore")
import mlflow, pandas
mlflow.set_tracking_uri("sqlite:///.gatekit/mlflow.db")
rows = pandas.read_parquet("examples/churn/data/holdout.parquet")
"""
FLOOR = f"""{LOADING}
model = mlflow.pyfunc.load_model("models:/churn-model/2")
assert len(model.predict(rows.drop(columns="churn"))) == 400
"""
EVALUATE = f"""{LOADING}
mlflow.set_experiment("evaluate")
found = mlflow.models.evaluate(
    "models:/churn-model/2", rows, targets="churn", model_type="classifier", evaluators="default",
    evaluator_config={{"log_explainer": False}},
)
bar = mlflow.models.MetricThreshold(threshold=0.9, greater_is_better=True)
mlflow.validate_evaluation_results({{"accuracy_score": bar}}, found)
"""
RUN = ("-m", "pytest", *GATES)
SIDES = {
    "floor": ("-c", FLOOR),
    "run": RUN,
    "run with a champion": (*RUN, *CHAMPION),
    "evaluate": ("-c", EVALUATE),
}
BARS = (
    ("run", "floor", 1.4),
    ("run with a champion", "floor", 2.0),
    ("run", "evaluate", 0.7),
)
IMPORTS, IMPORTS_BAR_MS = 20, 10.0


def timed(root: Path, side: str) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    start, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = called(root, sys.executable, *SIDES[side])
    wall, after = perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{side} has not passed:\n{done.stdout[-3000:]}{done.stderr[-1500:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def our_imports_ms(root: Path) -> float:
    """Milliseconds that our own modules take to import when pytest runs without a model."""
    (root / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    pytest = ("-X", "importtime", "-m", "pytest", "-p", "gatekit_pytest.plugin", "test_nothing.py")
    told = called(root, sys.executable, *pytest).stderr
    ours = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+gatekit", told)
    if not ours:
        sys.exit("the plugin was not loaded")
    return sum(map(int, ours)) / 1000


def main() -> int:
    """Print medians and ratios; 1 when one is above its bar."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seen: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        make_project(root)
        for number in range(-1, rounds):
            for side, values in seen.items():
                one = timed(root, side)
                if number >= 0:
                    values.append(one)
        ours_ms = statistics.median(our_imports_ms(root) for _ in range(IMPORTS))
    for side, values in seen.items():
        every = ", ".join(f"{wall:.2f}" for wall, _ in values)
        print(
            f"{side}: median {_median(values, 0):.2f} s of {every}; CPU {_median(values, 1):.2f} s"
        )
    missed = 0
    for over, under, bar in BARS:
        wall, cpu = (_median(seen[over], k) / _median(seen[under], k) for k in (0, 1))
        print(f"{over} / {under}: {wall:.2f} (bar {bar}); of CPU time {cpu:.2f}")
        missed += wall > bar
    print(f"our imports without a model: {ours_ms:.1f} ms (bar {IMPORTS_BAR_MS:g})")
    return int(missed > 0 or ours_ms > IMPORTS_BAR_MS)


def _median(values: list[tuple[float, float]], which: int) -> float:
    return statistics.median(value[which] for value in values)


if __name__ == "__main__":
    sys.exit(main())
