"""What the two training examples share: fit, score, log with MLflow, register, say so in JSON."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import infer_signature

from gatekit.digest import file_sha256
from gatekit.project import find_project
from gatekit.registry.mlflow import MlflowRegistry

# MLflow saves scikit-learn models with skops, which asks to trust what it does not know
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "numpy.dtype"]
REQUIREMENTS = [f"{name}=={version(name)}" for name in ("scikit-learn", "skops", "numpy", "pandas")]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Two Parquet files, and which of their columns is what; `experiment` is MLflow's word."""

    experiment: str
    train: Path
    holdout: Path
    target: str
    features: tuple[str, ...] = ()  # none named: every column but the target

    def read(self, path: Path) -> tuple[pd.DataFrame, pd.Series[Any]]:
        """Features and labels of one of the files."""
        rows = pd.read_parquet(path)
        features = rows[list(self.features)] if self.features else rows.drop(columns=self.target)
        return features, rows[self.target]


def train(kind: str, model: Any, name: str, data: TrainingData) -> dict[str, str | float]:
    """Fit, log, register `model` as a new version of `name`; returns what the last line prints."""
    # codes of a questionnaire are whole numbers and never missing here
    warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer", UserWarning)
    uri = find_project().registry_uri()
    registry = MlflowRegistry(uri, create=True)
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(experiment_id=registry.experiment(data.experiment))
    x, y = data.read(data.train)
    with mlflow.start_run(run_name=kind) as run:
        model.fit(x, y)
        accuracy = float(model.score(*data.read(data.holdout)))
        mlflow.log_params({"model": kind, **{k: str(v) for k, v in model.get_params().items()}})
        mlflow.log_params(
            {"data.train": file_sha256(data.train), "data.holdout": file_sha256(data.holdout)}
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


def main(models: Mapping[str, Any], name: str, data: TrainingData) -> None:
    """Parse the command line, train one of `models`, print the JSON line."""
    parser = argparse.ArgumentParser(
        description=f"Train a model on the {data.experiment} data and register a version of it."
    )
    parser.add_argument("--model", choices=sorted(models), default="boosting")
    parser.add_argument("--name", default=name, help="registered model (default: %(default)s)")
    args = parser.parse_args()
    print(json.dumps(train(args.model, models[args.model], args.name, data)))
