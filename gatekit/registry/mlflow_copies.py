"""The pointer kind "copy" in MLflow: versions of another registered model."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import redirect_stderr
from typing import Any

from gatekit.registry import ModelVersion
from gatekit.registry.mlflow_errors import error_code


def add_copy(client: Any, name: str, version: str, target: str) -> None:
    """Copy a version into `target`, which is made if it is not there."""
    with redirect_stderr(io.StringIO()):  # MLflow prints three lines about it
        client.copy_model_version(f"models:/{name}/{version}", target)


def delete_versions(client: Any, versions: Iterable[ModelVersion]) -> None:
    """Delete these in their order; one that is gone already is no error."""
    for each in versions:
        try:
            client.delete_model_version(each.name, each.version)
        except Exception as error:
            if error_code(error) != "RESOURCE_DOES_NOT_EXIST":  # another hand was quicker
                raise
