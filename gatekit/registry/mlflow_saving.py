"""A fitted scikit-learn estimator as a model folder, as training would log it. No registry.

It runs in the person's own process, whose MLflow keeps the settings that it has.
"""

from __future__ import annotations

import inspect
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekit.errors import CandidateError

if TYPE_CHECKING:
    import pandas as pd

ASKED_ROWS = 100  # whose answers say what the model answers with
REQUIRED = ("scikit-learn", "skops", "numpy", "pandas")


def save_estimator(estimator: Any, rows: pd.DataFrame, folder: Path) -> Path:
    """Save `estimator` to `folder` with the signature that `rows` (n, d) and its answers give.

    Without pickle where MLflow and the estimator can do without. Returns the folder.

    Raises:
        CandidateError: it does not answer these rows, or cannot be saved.
    """
    import mlflow.sklearn
    from mlflow.models import infer_signature

    name = type(estimator).__name__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of integers that may be missing, names not fitted on
        try:
            said = estimator.predict(rows.head(ASKED_ROWS))
        except Exception as error:
            raise CandidateError(
                f"{name} does not answer the rows it shall be gated on: "
                f"{type(error).__name__}: {_first_line(error)}",
                "Give data with the columns it was fitted on",
            ) from error
        signature = infer_signature(rows, said)
        try:
            mlflow.sklearn.save_model(
                estimator,
                str(folder),
                signature=signature,
                pip_requirements=_installed(),
                **_without_pickle(estimator, mlflow.sklearn.save_model),
            )
        except Exception as error:
            raise CandidateError(
                f"{name} cannot be saved: {type(error).__name__}: {_first_line(error)}",
                "Log it with MLflow as your training does, and give its URI or folder",
            ) from error
    return folder


def _without_pickle(estimator: Any, save: Any) -> dict[str, Any]:
    """What makes MLflow save it with skops: this very object is trusted, it ran here already."""
    if "skops_trusted_types" not in inspect.signature(save).parameters:
        return {}
    try:
        from skops import io
    except ImportError:
        return {}
    trusted = io.get_untrusted_types(data=io.dumps(estimator))
    return {"serialization_format": "skops", "skops_trusted_types": trusted}


def _installed() -> list[str]:
    found = []
    for name in REQUIRED:
        try:
            found.append(f"{name}=={version(name)}")
        except PackageNotFoundError:  # skops, with an older MLflow
            continue
    return found


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]
