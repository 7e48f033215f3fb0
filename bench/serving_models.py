"""The models of bench/serving.py: trained, registered, gated, signed and promoted, once.

Ten columns of numbers for logistic regression, forest and boosting; the census data of
examples/employment, by the names of its columns, for a ColumnTransformer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODELS = ("lr", "rf", "hgb", "census", "pyfunc")
COLUMNS = [f"f{number}" for number in range(10)]
CODES = ["SCHL", "MAR", "RELP", "DIS", "ESP", "CIT", "MIG", "MIL", "ANC", "NATIVITY"]
BODIES = 512
TRUSTED = [
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]
POLICY = """
model = "{name}"
task = "binary"
positive = 1
engine = "{engine}"

[data.holdout]
path = "{name}.parquet"
target = "y"

[gates.accuracy]
floor = 0.55
[gates.parity]

[attestation]
accept_unwalled = "a benchmark on a machine of its own"

[keys.bench]
public = "bench.pem.pub"
roles = ["attest", "promote"]

[promotion.staging]
requires = ["accuracy", "parity"]
"""


def registry_uri(folder: Path) -> str:
    """Where the models are registered."""
    return f"sqlite:///{folder / 'registry' / 'mlflow.db'}"


def ensure_models(folder: Path, names: list[str]) -> None:
    """Make what is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "bench.pem"
    if not key.exists():
        run(folder, str(Path(sys.executable).parent / "gatekit"), "keygen", "--out", str(key))
    for name in names:
        if (folder / f"{name}.done").exists():
            continue
        print(f"training and gating {name}", file=sys.stderr, flush=True)
        engine = "pyfunc" if name == "pyfunc" else "compiled"
        (folder / f"{name}.toml").write_text(POLICY.format(name=name, engine=engine))
        train(folder, name)
        gates = str(folder / f"{name}.toml")
        uri = f"models:/{name}/1"
        run(
            folder,
            *("-m", "pytest", "-p", "no:cacheprovider", "--gates", gates, "--model-uri", uri),
            *("--promote-to", "staging", "--report-dir", str(folder / f"report-{name}")),
        )
        (folder / f"{name}.done").touch()


def run(folder: Path, *arguments: str) -> None:
    """A command of gatekit, in the project's folder."""
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": registry_uri(folder),
        "GATEKIT_SIGNING_KEY": str(folder / "bench.pem"),
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=False
    )
    if done.returncode:
        sys.exit(
            f"{' '.join(arguments)}\n{done.stdout.decode()[-3000:]}{done.stderr.decode()[-3000:]}"
        )


def train(folder: Path, name: str) -> None:
    """Fit and register one model; write its holdout and the bodies of requests."""
    import mlflow
    from mlflow.models import infer_signature

    from gatekit.registry.mlflow import MlflowRegistry

    x, y, held, model = data_and_model(name)
    model.fit(x, y)
    holdout = held.assign(y=model.predict(held))
    holdout.to_parquet(folder / f"{name}.parquet")
    registry = MlflowRegistry(registry_uri(folder), create=True)
    mlflow.set_tracking_uri(registry_uri(folder))
    mlflow.set_experiment(experiment_id=registry.experiment("bench"))
    with mlflow.start_run():
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(x, model.predict(x)),
            registered_model_name=name,
            skops_trusted_types=TRUSTED,
            pip_requirements=["scikit-learn"],
        )
    if name == "lr":
        other_forms(folder, model)
    rows = held.to_numpy().tolist()
    names = list(held.columns)
    for count in (1, 100):
        chunks = [
            [rows[(at * count + step) % len(rows)] for step in range(count)]
            for at in range(BODIES if count == 1 else 64)
        ]
        write_bodies(folder, f"{name}-{count}", names, chunks)


def data_and_model(name: str) -> tuple[Any, Any, Any, Any]:
    """Training rows, their labels, held-out rows, and the estimator."""
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.datasets import make_classification
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if name == "census":
        files = ROOT / "examples" / "employment" / "data"
        table = pd.read_parquet(files / "train.parquet")
        held = pd.read_parquet(files / "holdout.parquet").head(2000)
        columns = ["AGEP", *CODES]
        coded = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), CODES), (StandardScaler(), ["AGEP"])
        )
        pipeline = make_pipeline(coded, LogisticRegression(max_iter=300))
        return table[columns], table["employed"], held[columns], pipeline
    x, y = make_classification(
        n_samples=4000, n_features=10, n_informative=8, class_sep=1.6, random_state=42
    )
    frame = pd.DataFrame(x, columns=COLUMNS)
    model = {
        "rf": RandomForestClassifier(100, random_state=0),
        "hgb": HistGradientBoostingClassifier(max_iter=200, random_state=0),
    }.get(name, LogisticRegression(max_iter=200))
    return frame[:2000], y[:2000], frame[2000:], model


def other_forms(folder: Path, model: Any) -> None:
    """The logistic regression as its peers want it: a joblib file, and ONNX."""
    import joblib
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    joblib.dump(model, folder / "model.joblib")
    onnx = to_onnx(
        model,
        initial_types=[("x", FloatTensorType([None, len(COLUMNS)]))],
        options={"zipmap": False},
    )
    (folder / "lr.onnx").write_bytes(onnx.SerializeToString())


def write_bodies(folder: Path, what: str, names: list[str], chunks: list[Any]) -> None:
    """One file for each dialect, one body a line."""
    dialects = {
        "features": [{"features": rows} for rows in chunks],
        "mlflow": [{"dataframe_split": {"columns": names, "data": rows}} for rows in chunks],
        "v2": [
            {
                "inputs": [
                    {
                        "name": "x",
                        "shape": [len(rows), len(names)],
                        "datatype": "FP64",
                        "data": [cell for row in rows for cell in row],
                    }
                ]
            }
            for rows in chunks
        ],
    }
    for dialect, bodies in dialects.items():
        lines = "\n".join(json.dumps(body) for body in bodies)
        (folder / f"{what}-{dialect}.jsonl").write_text(lines)
