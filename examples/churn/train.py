"""Train a churn model and register it: the user's part, done as an example.

    python examples/churn/train.py --model boosting

The last line printed is one JSON object with run_id, accuracy and model_version. The accuracy is
what a training job says of itself; the gate computes its own from the holdout and never reads it.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from gatekit.digest import file_sha256
from gatekit.project import find_project
from gatekit.registry.mlflow import MlflowRegistry

sys.path.insert(0, str(Path(__file__).parent))
from data import TARGET, make_data

MODELS: dict[str, Any] = {
    "logistic": LogisticRegression(),
    "boosting": HistGradientBoostingClassifier(random_state=42),
    "small": HistGradientBoostingClassifier(max_iter=10, random_state=42),
}
# MLflow saves scikit-learn models with skops, which asks to trust what is not plain numpy
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
REQUIREMENTS = [f"{name}=={version(name)}" for name in ("scikit-learn", "skops", "numpy", "pandas")]


def train(kind: str, name: str) -> dict[str, str | float]:
    """Fit, log, register; returns what the last line prints."""
    uri = find_project().registry_uri()
    registry = MlflowRegistry(uri, create=True)
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id=registry.experiment("churn"))
    train_file, holdout_file = make_data()
    train_rows, holdout = pd.read_parquet(train_file), pd.read_parquet(holdout_file)
    x, y = train_rows.drop(columns=TARGET), train_rows[TARGET]
    with mlflow.start_run(run_name=kind) as run:
        model = MODELS[kind].fit(x, y)
        accuracy = float(model.score(holdout.drop(columns=TARGET), holdout[TARGET]))
        mlflow.log_params({"model": kind, **{k: str(v) for k, v in model.get_params().items()}})
        mlflow.log_params(
            {"data.train": file_sha256(train_file), "data.holdout": file_sha256(holdout_file)}
        )
        mlflow.log_metric("accuracy", accuracy)
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(x, model.predict(x)),
            registered_model_name=name,
            pip_requirements=REQUIREMENTS,
            skops_trusted_types=TRUSTED,
        )
    return {
        "run_id": run.info.run_id,
        "accuracy": accuracy,
        "model_version": str(info.registered_model_version),
    }


def main() -> None:
    """Parse, train, print the JSON line."""
    parser = argparse.ArgumentParser(
        description="Train a churn model and register a new version of it."
    )
    parser.add_argument("--model", choices=sorted(MODELS), default="boosting")
    parser.add_argument(
        "--name", default="churn-model", help="registered model name (default: %(default)s)"
    )
    args = parser.parse_args()
    print(json.dumps(train(args.model, args.name)))


if __name__ == "__main__":
    main()
