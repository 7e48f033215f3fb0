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


DRIFT = """
model = "scale"
task = "binary"
positive = 1
score = "predict_proba"

[data.holdout]
path = "{holdout}"
target = "label"

[data.reference]
path = "{reference}"

[data.current]
path = "{current}"

[gates.drift]
psi = 0.1
ks = 0.1
wasserstein = 0.1
cramers_v = 0.1
{more}

[streaming]
above_rows = 100_000
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


def write_rows(path: Path, n: int, seed: int = 7) -> None:
    """`n` rows in parts, unless they lie there already; 12 columns, zstd as it is usual."""
    if path.exists():
        return
    made = path.with_suffix(".tmp")
    schema = rows(1, np.random.default_rng(0)).schema
    with parquet.ParquetWriter(made, schema, compression="zstd") as out:
        for place, start in enumerate(range(0, n, PART)):
            out.write_table(rows(min(PART, n - start), np.random.default_rng((seed, place))))
    made.rename(path)


def write_models(root: Path) -> None:
    """A logistic regression, a champion of it, one that takes words, and a forest."""
    if (root / "forest").exists():
        return
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    table = rows(TRAINED_ON, np.random.default_rng(99))
    y = table["label"].to_numpy()
    coded = ColumnTransformer([("word", OneHotEncoder(), ["region"])], remainder="passthrough")
    models = {
        "logistic": (LogisticRegression(), FEATURES),
        "champion": (LogisticRegression(C=1e-3), FEATURES),
        "words": (make_pipeline(coded, LogisticRegression()), (*FEATURES, "region")),
        "forest": (
            RandomForestClassifier(100, max_depth=10, random_state=1, n_jobs=1),
            FEATURES,
        ),
    }
    for name, (model, columns) in models.items():
        x = table.select(list(columns)).to_pandas()
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


def write_drift_policy(root: Path, current: str, reference: str, *, with_model: bool) -> Path:
    """Both samples stream; a small holdout is held, which the bars on columns do not ask."""
    holdout = "rows-10000.parquet"
    write_rows(root / holdout, 10_000)
    more = "prediction_drift = 0.1\nleaked_inputs = 0.5" if with_model else ""
    path = root / f"drift-{with_model}.toml"
    path.write_text(
        DRIFT.format(holdout=holdout, reference=reference, current=current, processes=1, more=more)
    )
    return path
