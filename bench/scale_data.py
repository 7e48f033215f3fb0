"""Rows and models for the benches of scale: written part by part, so that no size needs memory."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

FEATURES = tuple(f"x{i}" for i in range(10))
PART = 250_000  # rows of a row group
TRAINED_ON = 20_000
POLICY = """model = "scale"
task = "binary"
positive = 1
score = "predict_proba"

[data.holdout]
path = "{data}"
target = "label"
sensitive = ["group"]
slices = ["region", ["region", "group"]]

[gates.accuracy]
floor = 0.5
balanced_accuracy = 0.5
precision = 0.5
recall = 0.5
specificity = 0.5
f1 = 0.5
mcc = 0.2
slice_floor = 0.5
log_loss = 0.9
brier = 0.4
auc = 0.6
average_precision = 0.5
calibration_error = 0.3

[gates.fairness]
demographic_parity_difference = 0.5
equalized_odds_difference = 0.5
selection_rate_ratio = 0.2
predictive_parity_ratio = 0.2
calibration_difference = 0.5

[runner]
trusted = ["sklearn.tree._tree.Tree"]

[streaming]
processes = {processes}
"""


def rows(n, random):
    features = random.normal(size=(n, len(FEATURES)))
    group = random.integers(0, 10, n)
    lean = features @ np.linspace(1, 0, len(FEATURES)) + 0.05 * group
    table = {name: features[:, i] for i, name in enumerate(FEATURES)}
    table["group"] = group
    table["region"] = np.array(["north", "south", "east", "west"])[random.integers(0, 4, n)]
    table["label"] = (lean + random.normal(size=n) > 0).astype(np.int64)
    return pa.table(table)


def write_rows(path: Path, n: int) -> None:
    """`n` rows in parts, unless they lie there already; 12 columns, zstd as it is usual."""
    if path.exists():
        return
    made = path.with_suffix(".tmp")
    schema = rows(1, np.random.default_rng(0)).schema
    with parquet.ParquetWriter(made, schema, compression="zstd") as out:
        for place, start in enumerate(range(0, n, PART)):
            out.write_table(rows(min(PART, n - start), np.random.default_rng((7, place))))
    made.rename(path)


def write_models(root: Path) -> None:
    """A logistic regression, a champion of it, and a forest, as MLflow saves them."""
    if (root / "forest").exists():
        return
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    table = rows(TRAINED_ON, np.random.default_rng(99))
    x, y = table.select(list(FEATURES)).to_pandas(), table["label"].to_numpy()
    models = {
        "logistic": LogisticRegression(),
        "champion": LogisticRegression(C=1e-3),
        "forest": RandomForestClassifier(100, max_depth=10, random_state=1, n_jobs=1),
    }
    for name, model in models.items():
        model.fit(x, y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mlflow.sklearn.save_model(
                model,
                root / name,
                signature=infer_signature(x, model.predict_proba(x)),
                pyfunc_predict_fn="predict_proba",
                skops_trusted_types=["sklearn.tree._tree.Tree"],
            )


def write_policy(root: Path, data: str, processes: int) -> Path:
    path = root / f"gates-{processes}.toml"
    path.write_text(POLICY.format(data=data, processes=processes))
    return path
